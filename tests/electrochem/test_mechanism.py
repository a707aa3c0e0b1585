"""Mechanisms as text: what is read, what is checked."""

import numpy as np
import pytest

from diffsim import electrochem as ec
from diffsim.electrochem.mechanism import charge_of, parse_reaction

NERNST = ec.Nernst()


def reaction(text, kinetics=NERNST):
    return ec.ElectrodeReaction(text, kinetics, 0.1)


class TestReading:
    def test_sides_and_electrons(self):
        read = parse_reaction("2 H+ + 2 e- <=> H2")
        assert read.left == {"H+": 2}
        assert read.right == {"H2": 1}
        assert read.electrons == 2
        assert read.reversible

    def test_an_oxidation_is_turned_round(self):
        read = parse_reaction("Fe2+ <=> Fe3+ + e-")
        assert read.left == {"Fe3+": 1}
        assert read.right == {"Fe2+": 1}
        assert read.electrons == 1

    def test_repeated_terms_add_up(self):
        assert parse_reaction("A + A -> B").left == {"A": 2}

    @pytest.mark.parametrize(
        ("name", "charge"),
        [("Fe3+", 3), ("Fc+", 1), ("Ac-", -1), ("SO4^2-", -2), ("NO3^-", -1), ("Q", None)],
    )
    def test_charges(self, name, charge):
        assert charge_of(name) == charge

    @pytest.mark.parametrize(
        "text",
        [
            "A + e-",
            " A <=> B <=> C",
            " A -> ",
            " e- -> e-",
            " A -> A",
            " 0 A -> B",
            " A B -> C",
            " 1.5 A -> B",
        ],
    )
    def test_refused(self, text):
        with pytest.raises(ValueError, match=r"must"):
            parse_reaction(text)


class TestBalance:
    def test_stoichiometry(self):
        mechanism = ec.Mechanism(reaction("A + e- <=> B"), ec.ChemicalReaction("2 B -> C", 1.0))
        assert mechanism.species == ("A", "B", "C")
        np.testing.assert_array_equal(mechanism.stoichiometry(mechanism.electrode), [[-1, 1, 0]])
        np.testing.assert_array_equal(mechanism.stoichiometry(mechanism.chemical), [[0, -2, 1]])

    def test_mass(self):
        with pytest.raises(ValueError, match="mass must be conserved"):
            ec.Mechanism(reaction("A + e- <=> B"), ec.ChemicalReaction("B -> 2 B", 1.0))

    def test_mass_over_several_steps(self):
        with pytest.raises(ValueError, match="mass must be conserved"):
            ec.Mechanism(
                reaction("A + e- <=> B"),
                ec.ChemicalReaction("B -> C", 1.0),
                ec.ChemicalReaction("2 C -> A", 1.0),
            )

    @pytest.mark.parametrize(
        ("text", "fits"),
        [("Fe3+ + e- <=> Fe2+", True), ("Fe3+ + 2 e- <=> Fe2+", False), ("Fc+ + e- <=> Fc", True),
         ("O + e- <=> P", True), ("O+ + e- <=> P-", False)],
    )  # fmt: skip
    def test_charge(self, text, fits):
        mechanism = ec.Mechanism(reaction(text))
        species = {name: ec.Species(1e-9, 1.0) for name in mechanism.species}
        if fits:
            mechanism.check_species(species)
            return
        with pytest.raises(ValueError, match="charge must be balanced"):
            mechanism.check_species(species)

    def test_given_charges(self):
        mechanism = ec.Mechanism(reaction("MV + e- <=> MVr"))
        good = dict(MV=ec.Species(1e-9, 1.0, charge=2), MVr=ec.Species(1e-9, charge=1))
        mechanism.check_species(good)
        with pytest.raises(ValueError, match="charge"):
            mechanism.check_species(good | dict(MVr=ec.Species(1e-9, charge=2)))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ec.Mechanism(), "electrode reaction"),
        (lambda: ec.Mechanism("A + e- <=> B"), "kinetics"),
        (lambda: reaction("A <=> B"), "transfer electrons"),
        (lambda: reaction("A + 2 e- <=> B", ec.MarcusHush(1e-5, 1.0)), "electrons must be 1"),
        (lambda: ec.ElectrodeReaction("A + e- <=> B", NERNST, 99.0), "formal_potential.*=99"),
        (lambda: ec.ChemicalReaction("A + e- <=> B", 1.0), "not transfer electrons"),
        (lambda: ec.ChemicalReaction("A -> B", -1.0), "forward.*=-1"),
        (lambda: ec.ChemicalReaction("A -> B", 1.0, 2.0), "backward.*zero"),
        (lambda: ec.Species(0.0), "diffusivity"),
        (lambda: ec.Species(1e-9, np.nan), "concentration"),
    ],
)
def test_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_a_step_must_be_a_step():
    with pytest.raises(TypeError, match="ElectrodeReaction"):
        ec.Mechanism(reaction("A + e- <=> B"), 3)
