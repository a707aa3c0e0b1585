"""Make the measurements of the examples in `experiments/configs`: simulated, with noise.

    python docs/scripts/example_data.py

Each file says in its comments what it was made with, so that a recovery can be judged.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "experiments" / "configs" / "data"
sys.path.append(str(ROOT))

import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

from diffsim import electrochem as ec  # noqa: E402
from diffsim.constants import faraday, gas_constant  # noqa: E402

RANDOM = np.random.default_rng(0)
NOISE = 0.01


def write(name: str, truth: str, head: str, *columns) -> None:
    """A CSV file of simulated measurements."""
    rows = [",".join(f"{value:.7g}" for value in row) for row in zip(*columns, strict=True)]
    text = "\n".join([f"# simulated by diffsim, with noise; {truth}", head, *rows])
    TARGET.mkdir(exist_ok=True)
    (TARGET / name).write_text(text + "\n", encoding="utf-8")
    print(name)


def noisy(values, part: float = NOISE) -> np.ndarray:
    """With Gaussian noise of a part of the largest value."""
    values = np.asarray(values)
    return values + part * np.max(np.abs(values)) * RANDOM.standard_normal(values.shape)


def couple(k0: float, **more) -> ec.Voltammetry:
    return ec.Voltammetry(
        ec.Mechanism(
            "Fe3+ + e- <=> Fe2+", kinetics=ec.ButlerVolmer(k0, 0.45), formal_potential=0.43
        ),
        {"Fe3+": ec.Species(6e-10, 2.0), "Fe2+": ec.Species(6e-10)},
        **{"electrode": ec.PlanarDisc(1.5e-3)} | more,
    )


def rotating_disc() -> None:
    for rpm in (400, 900, 1600):
        rate = rpm * 2 * np.pi / 60
        cell = couple(2e-5, domain=ec.Levich(rate, 1e-6), electrode=ec.PlanarDisc(2.5e-3))
        found = cell(ec.LinearSweep(0.7, 0.0, 0.01, samples=141)).checked().values
        write(
            f"rotating_disc_{rpm}rpm.csv",
            "k0 2e-5 m/s, alpha 0.45, D 6e-10 m2/s",
            "potential_V,current_A",
            found["potential"],
            noisy(found["current"]),
        )


def adsorption() -> None:
    layer = ec.AdsorbedLayer(
        2e-6,
        {"Q+": ec.Adsorbate(1e-4, 0.1), "Q": ec.Adsorbate(1e-4, 0.2)},
        ec.Frumkin(-0.6),
        kinetics=ec.ButlerVolmer(30.0, 0.5),
    )
    cell = ec.AdsorptiveVoltammetry(
        ec.Voltammetry(
            ec.Mechanism(
                "Q+ + e- <=> Q", kinetics=ec.ButlerVolmer(1e-6, 0.5), formal_potential=0.1
            ),
            {"Q+": ec.Species(7e-10, 0.2), "Q": ec.Species(7e-10)},
            ec.PlanarDisc(1.5e-3),
        ),
        layer,
    )
    for rate in (0.05, 0.5):
        found = cell(ec.CyclicSweep(0.4, -0.2, rate, samples=241)).checked().values
        write(
            f"adsorption_{1e3 * rate:.0f}mVs.csv",
            "saturation 2 umol/m2, interaction -0.6, k0 of the layer 30 1/s",
            "potential_V,current_A",
            found["potential"],
            noisy(found["current"]),
        )


def little_salt() -> None:
    cell = couple(5e-5, electrode=ec.hemisphere(1e-4))
    solution = {"Cl-": ec.Species(2e-9), "K+": ec.Species(2e-9, 4.0)}
    migrating = ec.MigrationVoltammetry(cell, solution, counter="Cl-")
    for rate in (0.02, 0.2):
        found = migrating(ec.CyclicSweep(0.8, 0.0, rate, samples=241)).checked().values
        write(
            f"little_salt_{1e3 * rate:.0f}mVs.csv",
            "k0 5e-5 m/s, D of iron 6e-10 m2/s, 4 mM of salt",
            "potential_V,current_A",
            found["potential"],
            noisy(found["current"]),
        )


def steps_and_pulses() -> None:
    cell = couple(1e-5)
    step = ec.PotentialStep(0.35, 2.0, rest=0.8, rest_duration=1.0, samples=200)
    times = np.asarray(step.times())
    found = cell(step).checked().values
    truth = "k0 1e-5 m/s, alpha 0.45, E0' 0.43 V, D 6e-10 m2/s"
    write("step.csv", truth, "time_s,current_A", times, noisy(found["current"], 0.003))
    wave = ec.SquareWave(0.7, -0.005, 0.025, 15.0, 100)
    currents = wave.currents(cell(wave).checked().values["current"])
    write(
        "square_wave.csv",
        truth,
        "potential_V,forward_A,reverse_A",
        currents.potential,
        noisy(currents.forward),
        noisy(currents.reverse),
    )
    ac = ec.Sinusoidal(ec.LinearSweep(0.6, 0.26, 0.034), 0.05, 2.0, samples=801)
    values = cell(ac).checked().values
    write("ac.csv", truth, "time_s,current_A", ac.times(), noisy(values["current"]))


def impedance() -> None:
    cell = ec.Voltammetry(
        ec.Mechanism(
            "Fe3+ + e- <=> Fe2+", kinetics=ec.ButlerVolmer(1e-5, 0.4), formal_potential=0.2
        ),
        {"Fe3+": ec.Species(1e-9, 2.0), "Fe2+": ec.Species(6e-10, 3.0)},
        ec.Planar(1e-4),
        domain=ec.DiffusionLayer(5e-5),
        circuit=ec.Circuit(resistance=20.0, capacitance=0.2),
    )
    rest = 0.2 + gas_constant * 298.15 / faraday * np.log(2.0 / 3.0)
    frequencies = np.logspace(-1.5, 4, 23)
    for shift in (-0.05, 0.0, 0.05):
        bias = round(rest + shift, 3)
        parts = np.asarray(
            ec.Impedance(cell, bias, 100.0)(jnp.asarray(frequencies)).checked().values["impedance"]
        )
        size = np.hypot(*parts.T)[:, None]
        parts = parts + NOISE * size * RANDOM.standard_normal(parts.shape)
        write(
            f"impedance_{1e3 * bias:.0f}mV.csv",
            "k0 1e-5 m/s, alpha 0.4, 20 ohm, 0.2 F/m2",
            "frequency_Hz,real_ohm,imaginary_ohm",
            frequencies,
            *parts.T,
        )


def main() -> None:
    rotating_disc()
    adsorption()
    steps_and_pulses()
    impedance()
    little_salt()


if __name__ == "__main__":
    main()
