"""The methods that are compared, each as its users would set it up."""

import optax

import diffsim as ds

# More steps than any budget allows: the budget decides.
_STEPS = 100_000


def _decayed(chain, first: float, steps: int = 300):
    """A step that shrinks a hundredfold along a cosine, then stays."""
    return chain(optax.cosine_decay_schedule(first, steps, alpha=0.01))


# Fixed steps do not settle within 0.1 % where the step itself is longer; so the first-order
# methods are shown with their defaults and with a decay of the step.
METHODS: dict[str, ds.AbstractOptimiser] = {
    "LevenbergMarquardt": ds.LevenbergMarquardt(),
    "BFGS": ds.BFGS(),
    "LBFGS": ds.LBFGS(),
    "Adam": ds.Adam(steps=_STEPS),
    "AdamDecayed": ds.FirstOrder(_decayed(optax.adam, 0.05), steps=_STEPS, name="adam, cosine"),
    "Lion": ds.Lion(steps=_STEPS),
    "LionDecayed": ds.FirstOrder(
        _decayed(lambda rate: optax.lion(rate, weight_decay=0.0), 0.02),
        steps=_STEPS,
        name="lion, cosine",
    ),
    "AdamSAM": ds.AdamSAM(steps=_STEPS),
    "CMAES": ds.CMAES(),
    "NelderMead": ds.NelderMead(),
    "Powell": ds.ScipyMinimise("Powell", tolerance=1e-8),
    "ParticleSwarm": ds.ParticleSwarm(),
    "DifferentialEvolution": ds.DifferentialEvolution(),
}

# For the table and the figure.
USES = {"jacobian": "Jacobian", "gradient": "gradient", "value": "values only"}
