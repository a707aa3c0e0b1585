"""Training of surrogates: one loop, with exchangeable losses, regularisers and update rules."""

from ._chains import (
    SAM as SAM,
    AbstractChain as AbstractChain,
    Adam as Adam,
    AdamW as AdamW,
    Chain as Chain,
)
from ._conservative import (
    AbstractClimb as AbstractClimb,
    Conservative as Conservative,
    NormalisedClimb as NormalisedClimb,
    RawClimb as RawClimb,
    climbed as climbed,
    conservative_gap as conservative_gap,
)
from ._controls import (
    AbstractPenalty as AbstractPenalty,
    InputSmoothness as InputSmoothness,
    Placebo as Placebo,
    RandomPerturbation as RandomPerturbation,
)
from ._data import TrainingData as TrainingData, training_data as training_data
from ._gradient_losses import MatchOpt as MatchOpt, Sobolev as Sobolev
from ._ignite import (
    SharpnessConstraint as SharpnessConstraint,
    SharpnessPenalty as SharpnessPenalty,
    relative_bound as relative_bound,
)
from ._losses import (
    MSE as MSE,
    AbstractLoss as AbstractLoss,
    GaussianNLL as GaussianNLL,
    ListNet as ListNet,
)
from ._regulariser import (
    AbstractRegulariser as AbstractRegulariser,
    Unregularised as Unregularised,
)
from ._selection import (
    AbstractSelection as AbstractSelection,
    BestOnHeldOut as BestOnHeldOut,
    LastWeights as LastWeights,
)
from ._sharpness import (
    AbstractCurvature as AbstractCurvature,
    ExactCurvature as ExactCurvature,
    FiniteStep as FiniteStep,
    curvature_for as curvature_for,
    mean_prediction as mean_prediction,
    sharpness as sharpness,
    sharpness_and_gradient as sharpness_and_gradient,
)
from ._trainer import (
    Trained as Trained,
    Trainer as Trainer,
    fit as fit,
    fit_many as fit_many,
    varied as varied,
)
