"""Methods of optimisation behind one interface, and the driver that judges them all alike."""

from ._budget import Budget as Budget, Counts as Counts
from ._driver import check_capabilities as check_capabilities, resume as resume, solve as solve
from ._interface import (
    REASONS as REASONS,
    AbstractOptimiser as AbstractOptimiser,
    Request as Request,
    Traits as Traits,
)
from ._levenberg_marquardt import LevenbergMarquardt as LevenbergMarquardt
from ._multistart import Multistart as Multistart
from ._run import History as History, Run as Run, Starts as Starts
