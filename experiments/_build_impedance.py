"""The task of impedance spectra."""

import numpy as np

from diffsim import electrochem as ec
from diffsim.electrochem.readers import read_columns

from ._build_cell import bare_cell
from ._impedance_config import ImpedanceRecovery, SpectrumFile
from ._origin import file_origin
from ._task import Panel, Task, space, task_of

_PARTS = ("real", "imaginary")


def impedance_task(config: ImpedanceRecovery) -> Task:
    """Complex nonlinear least squares over all spectra at once."""
    spectra = [_spectrum(file) for file in config.files]
    scales = [np.abs(s.impedance) for s in spectra]
    if config.weighting == "absolute":
        scales = [np.full_like(scale, max(map(np.max, scales))) for scale in scales]
    impedance = ec.Impedance(bare_cell(config), config.files[0].potential, config.hold)
    problem = ec.SpectraFit(
        impedance, spectra, space(config.scales(), []), scales=scales, name=config.name
    )
    panels, group, begin = [], [], 0
    for i, (file, spectrum, scale) in enumerate(zip(config.files, spectra, scales, strict=True)):
        size = spectrum.frequencies.size
        for k, (part, values) in enumerate(
            zip(_PARTS, (np.real(spectrum.impedance), np.imag(spectrum.impedance)), strict=True)
        ):
            panels.append(
                Panel(
                    f"{file.title}, {part}",
                    ("frequency", "Hz", spectrum.frequencies),
                    "Impedance",
                    "ohm",
                    values,
                    scale,
                    2 * (begin + np.arange(size)) + k,
                    logarithmic=True,
                )
            )
        # Real and imaginary part of a frequency stand beside each other.
        group.append(np.tile([2 * i, 2 * i + 1], size))
        begin += size
    provenance = [
        file_origin(file.found, file.title, 2 * spectrum.frequencies.size)
        for file, spectrum in zip(config.files, spectra, strict=True)
    ]
    return task_of(config, problem, np.concatenate(group), provenance, tuple(panels))


def _spectrum(file: SpectrumFile) -> ec.Spectrum:
    wanted = {"frequency": "Hz", "real": "ohm", "imaginary": "ohm"}
    rows = read_columns(file.found, wanted, units=file.units)
    sign = -1.0 if file.negated else 1.0
    return ec.Spectrum(
        file.potential, rows["frequency"], rows["real"] + sign * 1j * rows["imaginary"]
    )
