"""What each figure of the default route is held to: the target, and the floor that the tests defend."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Held:
    """What a figure should be.

    Attributes
    ----------
    target : what the project set out to reach.
    floor : what is reached, less a small margin: a fall below it is a defect. With ``at_most`` a ceiling.
    at_most : less is better.
    """

    target: float
    floor: float
    at_most: bool = False

    def reached(self, value: float) -> bool:
        """Whether the target is reached."""
        return value <= self.target if self.at_most else value >= self.target

    def kept(self, value: float) -> bool:
        """Whether the floor is kept."""
        return value <= self.floor if self.at_most else value >= self.floor


HELD: Mapping[str, Held] = MappingProxyType(
    {
        "all_idb1.found": Held(0.98, 0.972),
        "all_idb1.own": Held(0.97, 0.965),
        "all_idb1.per_centre": Held(1.15, 1.15, at_most=True),
        "all_idb1.per_centre_healthy": Held(1.3, 1.15, at_most=True),
        "all_idb1.cameras": Held(0.15, 0.15, at_most=True),
        "all_idb1.scale": Held(0.98, 0.98),
        "all_idb2.cell": Held(0.92, 0.945),
        "all_idb2.nucleus": Held(0.95, 0.955),
        "segmentation_wbc.cell": Held(0.93, 0.92),
        "segmentation_wbc.nucleus": Held(0.93, 0.9),
        "bccd.f1": Held(0.95, 0.955),
        "bccd.cell": Held(0.9, 0.93),
        "bccd.nucleus": Held(0.9, 0.925),
        "chula_rbc_negative_controls.false_cells": Held(0.2, 0.2, at_most=True),
        "pbc_barcelona_subset.middle": Held(0.95, 0.96),
        "pbc_barcelona_subset.f1": Held(0.95, 0.91),
        "synthetic.f1": Held(0.98, 0.98),
        "synthetic.pq": Held(0.88, 0.91),
        "synthetic.clumps": Held(0.95, 0.93),
        "synthetic.pixel_size": Held(0.1, 0.1, at_most=True),
        "synthetic.scale": Held(0.98, 0.98),
        "synthetic.bare": Held(0.2, 0.2, at_most=True),
    }
)
"""Key of a row → target and floor. One setting of the program serves all of them."""
