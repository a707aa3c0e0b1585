"""What Bayesian optimisation asks for next: acquisition functions of BoTorch (extra `bo`).

All of them see the values, to be minimised, and the slacks of the constraints, feasible at or below
zero; each is one small class, and another is another class.
"""

import abc
from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Float

from ._botorch import botorch_models, imported

Answers = Float[np.ndarray, "n a"]


class AbstractAcquisition(eqx.Module):
    """How much is expected of a batch of designs."""

    batch: eqx.AbstractVar[int]

    @abc.abstractmethod
    def function(self, x: Float[np.ndarray, "n d"], answers: Answers) -> Any:
        """BoTorch's acquisition function, to be maximised; `answers` are value and slacks."""


class LogImprovement(AbstractAcquisition):
    """Logarithm of the expected improvement on the best feasible value, one design at a time.

    With constraints times the probability that all are met; while nothing known is feasible, that
    probability alone. S. Ament et al., NeurIPS 2023 (2310.20708); J. Gardner et al., ICML 2014.
    """

    batch: int = eqx.field(static=True, default=1)

    def __check_init__(self):
        if self.batch != 1:
            raise ValueError(f"batch must be 1 for LogImprovement, but is {self.batch}.")

    def function(self, x, answers):
        acquisition = imported("botorch.acquisition")
        analytic = imported("botorch.acquisition.analytic")
        model = botorch_models(x, _turned(answers))
        feasible = answers[np.all(answers[:, 1:] <= 0, axis=1), 0]
        if answers.shape[1] == 1:
            return acquisition.LogExpectedImprovement(model, best_f=float(-feasible.min()))
        limits = dict.fromkeys(range(1, answers.shape[1]), (None, 0.0))
        if feasible.size == 0:
            return analytic.LogProbabilityOfFeasibility(model, limits)
        return analytic.LogConstrainedExpectedImprovement(model, float(-feasible.min()), 0, limits)


class NoisyImprovement(AbstractAcquisition):
    """qLogNEI: the joint expected improvement of a batch on what the process takes for the best.

    For values with noise, and for several evaluations at a time; constraints weigh the improvement
    smoothly. S. Daulton, M. Balandat, E. Bakshy, NeurIPS 2021 (2105.08195); logarithm as above.
    """

    batch: int = eqx.field(static=True, default=4)
    samples: int = eqx.field(static=True, default=64)

    def __check_init__(self):
        for name in ("batch", "samples"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, but is {getattr(self, name)}.")

    def function(self, x, answers):
        torch, logei = imported("torch"), imported("botorch.acquisition.logei")
        objectives = imported("botorch.acquisition.objective")
        samplers = imported("botorch.sampling")
        count = answers.shape[1]
        return logei.qLogNoisyExpectedImprovement(
            botorch_models(x, _turned(answers)),
            torch.tensor(x, dtype=torch.float64),
            sampler=samplers.SobolQMCNormalSampler(torch.Size([self.samples]), seed=0),
            objective=objectives.GenericMCObjective(lambda y, X=None: y[..., 0]),
            constraints=[lambda y, i=i: y[..., i] for i in range(1, count)] or None,
        )


def _turned(answers: Answers) -> Answers:
    """The value with its sign turned, since BoTorch maximises; slacks as they are."""
    return np.concatenate([-answers[:, :1], answers[:, 1:]], axis=1)
