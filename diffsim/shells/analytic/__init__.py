"""Known answers: solved here from their differential equations, or closed forms."""

from ._constants import (
    cantilever_frequencies as cantilever_frequencies,
    greenhill as greenhill,
    lateral_self_weight as lateral_self_weight,
    lateral_tip_load as lateral_tip_load,
)
from ._elastica import (
    buckled_strip as buckled_strip,
    heavy_elastica as heavy_elastica,
    tip_loaded_elastica as tip_loaded_elastica,
)
