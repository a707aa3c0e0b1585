"""A fixed set of designs with their scores, whose best part is hidden."""

import hashlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ..training import TrainingData, training_data


@dataclass(frozen=True)
class Pool:
    """Simulated designs before anything is hidden.

    - `x` (n, d) of the unit cube, `score` (n,), larger is better; failed simulations are not here.
    - `failed`: how many simulations failed, by the name of the result code.
    - `gradients` (n, d) of the score, if they were asked for.
    """

    x: Float[np.ndarray, "n d"]
    score: Float[np.ndarray, " n"]
    failed: dict[str, int]
    gradients: Float[np.ndarray, "n d"] | None = None


@dataclass(frozen=True)
class OfflineDataset:
    """What a method of offline optimisation may see, and what its judge keeps.

    - `x` (n, d), `score` (n,), `gradients` (n, d) or None: the kept part of the pool.
    - `hidden_x`, `hidden_score`: the better part; for normalisation and diagnostics only.
    - `lowest`, `best`: what 0 and 1 of the normalised score stand for: the pool's minimum and the
      best score known (of simulator gradients from many starts, or exact).
    - `failed`: simulations of the pool that failed, by the name of the result code.

    **Raises:** `ValueError` if it is empty, a score is not finite or all are the same, a design
    lies outside the unit cube, or `best` is not above `lowest`.
    """

    name: str
    x: Float[np.ndarray, "n d"]
    score: Float[np.ndarray, " n"]
    lowest: float
    best: float
    hidden_x: Float[np.ndarray, "h d"]
    hidden_score: Float[np.ndarray, " h"]
    failed: dict[str, int]
    gradients: Float[np.ndarray, "n d"] | None = None

    def __post_init__(self):
        if len(self.x) == 0:
            raise ValueError(f"the offline set of {self.name} must not be empty, but is.")
        training_data(self.x, self.score)
        if np.ptp(self.score) == 0:
            raise ValueError(
                f"scores of {self.name} must differ, but all {len(self.score)} are "
                f"{self.score[0]:g}."
            )
        if not self.best > self.lowest:
            raise ValueError(
                f"best must be above the lowest score {self.lowest:g}, but is {self.best:g}."
            )

    @property
    def size(self) -> int:
        """Number of design variables, d."""
        return self.x.shape[1]

    def training_data(self) -> TrainingData:
        """Designs, scores and (if known) gradients as a model is trained on them."""
        gradients = None if self.gradients is None else self.gradients[:, None]
        return training_data(self.x, self.score, gradients)

    def normalised(self, score: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """(score - lowest)/(best - lowest)."""
        return (score - self.lowest) / (self.best - self.lowest)

    def top(self, count: int) -> Float[np.ndarray, "k d"]:
        """The best designs that may be seen, the best first.

        **Raises:** `ValueError` if there are fewer than `count`.
        """
        if not 1 <= count <= len(self.x):
            raise ValueError(f"count must be 1 to {len(self.x)}, but is {count}.")
        return self.x[np.argsort(-self.score, kind="stable")[:count]]

    @property
    def digest(self) -> str:
        """SHA-256 of everything in it: the same content, the same name."""
        whole = hashlib.sha256(self.name.encode())
        arrays = [self.x, self.score, self.hidden_x, self.hidden_score]
        arrays += [] if self.gradients is None else [self.gradients]
        for array in arrays:
            whole.update(f"{array.shape}".encode())
            whole.update(np.ascontiguousarray(array, "<f8").tobytes())
        whole.update(f"{self.lowest!r} {self.best!r} {sorted(self.failed.items())}".encode())
        return whole.hexdigest()


def keep_bottom(pool: Pool, percent: float | int, *, name: str, best: float) -> OfflineDataset:
    """Hide all but the worst `percent` of a pool.

    **Raises:** `ValueError` if fewer than 8 designs would be left, or for what `OfflineDataset`
    refuses.
    """
    if not 0 < percent <= 100:
        raise ValueError(f"percent must be in (0, 100], but is {percent:g}.")
    count = int(np.floor(len(pool.score) * percent / 100))
    if count < 8:
        raise ValueError(
            f"at least 8 designs must be kept, but {percent:g} % of the {len(pool.score)} that "
            f"{name} has are {count}."
        )
    order = np.argsort(pool.score, kind="stable")
    kept, hidden = np.sort(order[:count]), np.sort(order[count:])
    return OfflineDataset(
        name=name,
        x=pool.x[kept],
        score=pool.score[kept],
        lowest=float(pool.score.min()),
        best=best,
        hidden_x=pool.x[hidden],
        hidden_score=pool.score[hidden],
        failed=pool.failed,
        gradients=None if pool.gradients is None else pool.gradients[kept],
    )
