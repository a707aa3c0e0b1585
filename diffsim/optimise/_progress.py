"""A progress bar on standard error, if anybody can see it."""

import sys
from contextlib import AbstractContextManager

from tqdm import tqdm

from ._budget import Budget
from ._ledger import Ledger


class progress_bar(AbstractContextManager):
    """Shows the part of the budget that is used, the best value and the failures."""

    def __init__(self, budget: Budget, *, enabled: bool):
        self._budget = budget
        limits = (
            ("cost", budget.cost),
            ("evaluations", budget.evaluations),
            ("columns", budget.columns),
            ("evaluation_seconds", budget.seconds),
        )
        self._field, total = next(pair for pair in limits if pair[1] is not None)
        self._bar = tqdm(
            total=total,
            file=sys.stderr,
            disable=None if enabled else True,
            leave=False,
            bar_format="{l_bar}{bar}| {n:.4g}/{total:.4g} [{elapsed}{postfix}]",
        )

    def show(self, ledger: Ledger) -> None:
        """Bring the bar up to date."""
        if self._bar.disable:
            return
        self._bar.n = getattr(ledger.counts, self._field)
        self._bar.set_postfix(best=f"{ledger.best_value:.4g}", failed=ledger.counts.failed)

    def __exit__(self, *exception) -> None:
        self._bar.close()
