"""Offline data: pools of simulations, what is hidden of them, files with a hash."""

from ._dataset import OfflineDataset as OfflineDataset, Pool as Pool, keep_bottom as keep_bottom
from ._files import freeze as freeze, thaw as thaw
from ._pool import (
    best_score as best_score,
    simulate as simulate,
    sobol_pool as sobol_pool,
    trajectory_pool as trajectory_pool,
)
from ._scores import (
    AbstractScore as AbstractScore,
    Negative as Negative,
    NegativeLog as NegativeLog,
)
