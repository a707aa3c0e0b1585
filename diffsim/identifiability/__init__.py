"""Which parameters can be trusted: error bars, null directions, profiles, tests of the misfit."""

from ._combinations import Combination as Combination
from ._covariance import Covariance as Covariance
from ._diagnose import Diagnosis as Diagnosis, diagnose as diagnose
from ._fit import Fit as Fit
from ._model_selection import ModelScore as ModelScore, compare_models as compare_models
from ._noise import Noise as Noise, autocorrelation_time as autocorrelation_time
from ._profile import Profile as Profile, profile_likelihood as profile_likelihood
from ._residual_tests import (
    ResidualTest as ResidualTest,
    durbin_watson as durbin_watson,
    residual_tests as residual_tests,
    runs_test as runs_test,
)
from ._verdict import VERDICTS as VERDICTS, Verdict as Verdict
