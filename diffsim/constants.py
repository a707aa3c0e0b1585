"""Physical constants in SI units.

Values: CODATA 2022 (P. Mohr, D. Newell, B. Taylor, E. Tiesinga, Rev. Mod. Phys. 97, 025002,
2025). Since the SI of 2019 all but ε₀ are exact; the Faraday and the gas constant are products of
exact numbers, written here with every digit that float64 holds.
"""

from typing import Final

elementary_charge: Final[float] = 1.602176634e-19
"""e, C"""

avogadro: Final[float] = 6.02214076e23
"""N_A, 1/mol"""

boltzmann: Final[float] = 1.380649e-23
"""k_B, J/K"""

faraday: Final[float] = 96485.33212331001
"""F = N_A e, C/mol"""

gas_constant: Final[float] = 8.31446261815324
"""R = N_A k_B, J/(mol K)"""

vacuum_permittivity: Final[float] = 8.8541878188e-12
"""ε₀, F/m; measured, relative uncertainty 1.6e-10"""

standard_temperature: Final[float] = 298.15
"""25 °C in kelvin"""
