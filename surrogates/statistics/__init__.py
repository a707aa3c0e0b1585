"""Statistics of comparisons: paired over seeds, pooled over tasks, decided by rule."""

from ._across import (
    Interval as Interval,
    hierarchical_effect as hierarchical_effect,
    interquartile_difference as interquartile_difference,
    interquartile_mean as interquartile_mean,
    probability_of_improvement as probability_of_improvement,
)
from ._conformal import (
    Certificate as Certificate,
    conformal_lower_bounds as conformal_lower_bounds,
    density_ratio as density_ratio,
)
from ._diagnostics import (
    gradient_cosine as gradient_cosine,
    over_optimism as over_optimism,
    rank_correlation as rank_correlation,
    stability as stability,
)
from ._paired import (
    PairedEffect as PairedEffect,
    equivalence as equivalence,
    holm as holm,
    paired_effect as paired_effect,
)
from ._verdict import Verdict as Verdict, verdict as verdict
