"""The picture of the impedance study: spectra, limits and harmonics."""

from pathlib import Path

import numpy as np


def draw(path: Path, spectra, limits, harmonics) -> None:
    """Spectra at all biases; simulated and exact limits; amplitudes of the harmonics."""
    import matplotlib.pyplot as plt

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
    for spectrum in spectra:
        z = spectrum.impedance
        left.plot(z.real, -z.imag, ".-", label=f"{1e3 * spectrum.potential:.0f} mV")
    left.set(xlabel="Re Z, Ω", ylabel="−Im Z, Ω", title="one cell at three biases", aspect="equal")
    left.legend(fontsize=8)
    for k, (name, (ours, exact, error)) in enumerate(limits.items()):
        place = np.abs(exact)[-1]
        label = f"{name.replace('_', ' ')}: {error:.1e}"
        middle.loglog(exact.real / place, -exact.imag / place, f"C{k}", label=label)
        middle.loglog(ours.real / place, -ours.imag / place, f"C{k}.")
    middle.set(
        xlabel="Re Z / |Z| at the last", ylabel="−Im Z", title="formula (line), simulated (dots)"
    )
    middle.legend(fontsize=8, title="largest relative error", title_fontsize=8)
    potential, amplitudes = harmonics
    for k, row in enumerate(amplitudes[1:], 1):
        right.semilogy(potential, 1e6 * row, label=f"{k}f")
    right.set(
        xlabel="direct potential, V", ylabel="amplitude, µA", title="harmonics of 80 mV at 1 Hz"
    )
    right.legend(fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}")
    figure.savefig(beside, dpi=110, format="png")
    beside.replace(path)
    plt.close(figure)
