"""Stains as optical densities: colours are composed by Beer and Lambert, never painted.

A pixel holds amounts of six dyed substances; light through them is ``light * exp(-amounts @ densities)``. Densities
were chosen by eye so that rendered fields resemble published photographs of smears under the stain named.
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
        "wright-giemsa", (172, 167, 149), (0.125, 0.285, 0.235), (0.52, 1.20, 0.26), (0.62, 0.50, 0.12),
        (0.12, 0.40, 0.12), (0.10, 0.75, 0.70), (0.22, 0.95, 0.22),
    ),
    Stain(
        "may-gruenwald-giemsa", (252, 231, 205), (0.23, 0.41, 0.24), (0.95, 1.55, 0.42), (0.66, 0.55, 0.16),
        (0.16, 0.36, 0.16), (0.16, 0.66, 0.52), (0.42, 0.98, 0.24),
    ),
    Stain(
        "leishman", (177, 175, 172), (0.36, 0.44, 0.34), (0.72, 1.28, 0.14), (0.95, 0.72, 0.08),
        (0.28, 0.50, 0.14), (0.14, 0.70, 0.52), (0.46, 0.98, 0.16),
    ),
    Stain(
        "pale", (182, 180, 160), (0.085, 0.205, 0.205), (0.30, 0.76, 0.06), (0.46, 0.36, 0.06),
        (0.09, 0.30, 0.09), (0.08, 0.55, 0.50), (0.14, 0.66, 0.12),
    ),
    Stain(
        "dark", (166, 168, 166), (0.13, 0.25, 0.20), (0.80, 1.90, 0.40), (0.56, 0.46, 0.12),
        (0.22, 0.62, 0.18), (0.12, 0.80, 0.66), (0.40, 1.25, 0.30),
    ),
    Stain(
        "blue", (168, 166, 154), (0.62, 0.30, 0.12), (0.66, 1.40, 0.50), (0.50, 0.60, 0.22),
        (0.22, 0.52, 0.20), (0.18, 0.72, 0.50), (0.40, 0.98, 0.30),
    ),
)  # fmt: skip

STAINS: Mapping[str, Stain] = MappingProxyType({stain.name: stain for stain in _ALL})
"""Every stain by name, in the order they are offered."""
