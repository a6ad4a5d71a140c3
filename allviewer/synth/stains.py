"""Stains as optical densities: colours are composed by Beer and Lambert, never painted.

A pixel holds amounts of six dyed substances; light through them is ``light * exp(-amounts @ densities)``. Haemoglobin,
chromatin and background are near the medians measured on published photographs of such smears (backgrounds from 120 to
255, chromatin from 0.8 to 2.1 in green); the other rows were chosen by eye beside them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from allviewer.vocab.arrays import Floats

HAEMOGLOBIN, CHROMATIN, BASOPHILIA, NEUTROPHILIA, EOSINOPHILIA, AZUROPHILIA = range(6)
"""Rows of `Stain.densities`: what is dyed. Basophilia is blue cytoplasm, neutrophilia lilac-pink granulation,
eosinophilia orange granules, azurophilia magenta (platelet granules, burst chromatin)."""
SUBSTANCES = 6

Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Stain:
    """One stain under one lamp.

    Attributes
    ----------
    name : key in `STAINS`.
    light : (R, G, B) grey levels of the empty background, 0 to 255.
    haemoglobin, chromatin, basophilia, neutrophilia, eosinophilia, azurophilia : natural-log optical density in
        (R, G, B) of one unit of the substance.
    flare : share of the light that reaches the sensor without passing through the smear.
    """

    name: str
    light: Triple
    haemoglobin: Triple
    chromatin: Triple
    basophilia: Triple
    neutrophilia: Triple
    eosinophilia: Triple
    azurophilia: Triple
    flare: float = 0.03

    @property
    def densities(self) -> Floats:
        """(6, 3) float32, rows in the order of the constants above."""
        rows = (
            self.haemoglobin, self.chromatin, self.basophilia,
            self.neutrophilia, self.eosinophilia, self.azurophilia,
        )  # fmt: skip
        return np.array(rows, np.float32)


_ALL = (
    Stain(
        "wright-giemsa", (173, 168, 152), (0.095, 0.225, 0.205), (0.46, 1.12, 0.12), (0.68, 0.56, 0.06),
        (0.10, 0.36, 0.08), (0.06, 0.72, 0.62), (0.20, 0.95, 0.16),
    ),
    Stain(
        "may-gruenwald-giemsa", (253, 229, 201), (0.19, 0.30, 0.175), (0.96, 1.52, 0.37), (0.68, 0.52, 0.15),
        (0.14, 0.33, 0.13), (0.14, 0.62, 0.46), (0.40, 0.98, 0.22),
    ),
    Stain(
        "leishman", (176, 177, 171), (0.27, 0.31, 0.21), (0.60, 0.98, 0.14), (0.98, 0.74, 0.10),
        (0.24, 0.46, 0.12), (0.12, 0.66, 0.48), (0.40, 0.92, 0.14),
    ),
    Stain(
        "pale", (174, 170, 155), (0.075, 0.185, 0.185), (0.36, 0.82, 0.06), (0.52, 0.40, 0.05),
        (0.08, 0.28, 0.07), (0.06, 0.55, 0.50), (0.13, 0.68, 0.10),
    ),
    Stain(
        "dark", (163, 165, 162), (0.12, 0.24, 0.20), (0.68, 1.80, 0.31), (0.62, 0.54, 0.10),
        (0.20, 0.58, 0.16), (0.10, 0.80, 0.64), (0.36, 1.25, 0.28),
    ),
    Stain(
        "blue", (162, 162, 154), (0.80, 0.60, 0.24), (0.95, 1.75, 0.42), (0.62, 0.62, 0.16),
        (0.30, 0.60, 0.18), (0.20, 0.72, 0.50), (0.48, 1.10, 0.26),
    ),
)  # fmt: skip

STAINS: Mapping[str, Stain] = MappingProxyType({stain.name: stain for stain in _ALL})
"""Every stain by name, in the order they are offered."""
