"""A report of a saved run: one HTML file that needs nothing else, made from the dataset alone."""

from ._write import (
    embedded as embedded,
    packaged as packaged,
    render as render,
    write_report as write_report,
)
