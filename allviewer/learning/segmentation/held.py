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
        "all_idb1.found": Held(0.98, 0.96),
        "all_idb1.own": Held(0.97, 0.95),
        "all_idb1.per_centre": Held(1.15, 1.2, at_most=True),
        "all_idb1.per_centre_healthy": Held(1.3, 1.3, at_most=True),
        "all_idb1.cameras": Held(0.15, 0.15, at_most=True),
        "all_idb1.scale": Held(0.98, 0.85),
        "all_idb2.cell": Held(0.92, 0.92),
        "all_idb2.nucleus": Held(0.95, 0.92),
        "segmentation_wbc.cell": Held(0.93, 0.3),
        "segmentation_wbc.nucleus": Held(0.93, 0.3),
        "bccd.f1": Held(0.95, 0.9),
        "bccd.cell": Held(0.90, 0.9),
        "bccd.nucleus": Held(0.90, 0.9),
        "chula_rbc_negative_controls.false_cells": Held(0.2, 0.5, at_most=True),
        "synthetic.f1": Held(0.98, 0.95),
        "synthetic.pq": Held(0.88, 0.88),
        "synthetic.clumps": Held(0.95, 0.8),
        "synthetic.pixel_size": Held(0.10, 0.1, at_most=True),
        "synthetic.scale": Held(0.98, 0.98),
        "synthetic.bare": Held(0.2, 0.2, at_most=True),
    }
)
"""Key of a row → target and floor. One setting of the program serves all of them."""
