"""The command line, typed configurations, and one module per study."""
