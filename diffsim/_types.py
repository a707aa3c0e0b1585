"""Array aliases and the letters of the axes.

The same letter means the same axis everywhere:

- `d` design variables, `p` residuals, `q` constraints
- `t` output times, `n` grid nodes, `m` species, `k` border (surface and circuit) unknowns
- `e` experiments of one campaign, `b` points of a batch
"""

from typing import TypeAlias

import numpy as np
from jaxtyping import Array, Bool, Float, Int

# Arrays of either library: what crosses the border to methods that are not JAX is NumPy's.
AnyArray: TypeAlias = Array | np.ndarray
Scalar: TypeAlias = Float[Array, ""]
ScalarLike: TypeAlias = float | Float[Array, ""]
Vector: TypeAlias = Float[Array, " d"]
Residuals: TypeAlias = Float[Array, " p"]
Jacobian: TypeAlias = Float[Array, "p d"]
Slacks: TypeAlias = Float[Array, " q"]
BoolScalar: TypeAlias = Bool[Array, ""]
IntScalar: TypeAlias = Int[Array, ""]
