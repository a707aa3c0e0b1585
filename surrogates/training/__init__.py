"""Training of surrogates: one loop, with exchangeable losses, regularisers and update rules."""

from ._chains import (
    SAM as SAM,
    AbstractChain as AbstractChain,
    Adam as Adam,
    AdamW as AdamW,
    Chain as Chain,
)
from ._data import TrainingData as TrainingData, training_data as training_data
from ._losses import MSE as MSE, AbstractLoss as AbstractLoss, GaussianNLL as GaussianNLL
from ._regulariser import (
    AbstractRegulariser as AbstractRegulariser,
    Unregularised as Unregularised,
)
from ._selection import (
    AbstractSelection as AbstractSelection,
    BestOnHeldOut as BestOnHeldOut,
    LastWeights as LastWeights,
)
from ._trainer import (
    Trained as Trained,
    Trainer as Trainer,
    fit as fit,
    fit_many as fit_many,
)
