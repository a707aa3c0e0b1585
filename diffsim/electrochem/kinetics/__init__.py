"""Laws of electron transfer: from overpotential and temperature to ln k_red and ln k_ox."""

from ._asymptotic_marcus_hush_chidsey import (
    AsymptoticMarcusHushChidsey as AsymptoticMarcusHushChidsey,
)
from ._base import AbstractKinetics as AbstractKinetics
from ._butler_volmer import ButlerVolmer as ButlerVolmer
from ._inert import Inert as Inert
from ._marcus_hush import MarcusHush as MarcusHush
from ._marcus_hush_chidsey import MarcusHushChidsey as MarcusHushChidsey
from ._nernst import Nernst as Nernst
from ._tafel import Tafel as Tafel
