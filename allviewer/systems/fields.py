"""Models that judge a field as a whole: its image at the network's size, one answer for all of it, none for a cell."""

from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np

from allviewer.systems.crops import expect_unit, prepare
from allviewer.systems.model import Model, outside_band
from allviewer.vocab.arrays import RGB, Floats
from allviewer.vocab.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True)
class FieldSuggestion:
    """What a model says of a whole image: machine output, never a label, and never of one cell.

    Attributes
    ----------
    model, digest : its name and the sha256 of its file.
    taxonomy : what it tells apart.
    probabilities : one a class, calibrated, sum 1.
    unsure : the model's own reject band.
    """

    model: str
    digest: str
    taxonomy: Taxonomy
    probabilities: tuple[float, ...]
    unsure: bool

    @property
    def best(self) -> int:
        """Position of the likeliest class."""
        return int(np.argmax(self.probabilities))

    @property
    def sentence(self) -> str:
        """One line for a person."""
        name = self.taxonomy.classes[self.best].name
        said = f"{name} {self.probabilities[self.best]:.2f}"
        said = f"unsure, likeliest {said}" if self.unsure else said
        return f"Field as a whole: {said} — a suggestion of {self.model} for the whole image"

    def facts(self) -> dict[str, Any]:
        """For ``summary.json``."""
        shares = {key: round(p, 6) for key, p in zip(self.taxonomy.keys, self.probabilities, strict=True)}
        return {
            "model": {"name": self.model, "sha256": self.digest},
            "suggested": self.taxonomy.keys[self.best],
            "probabilities": shares,
            "unsure": self.unsure,
            "sentence": self.sentence,
        }


def suggest_for_field(model: Model, rgb: RGB) -> FieldSuggestion:
    """Ask a model of unit ``field`` about an image.

    It sees squares as wide as the image's short side, as it did in training, brought to the size, light and stain that
    its card names: one of a square image, of a longer one as few as cover it, and the answer is their mean.

    Parameters
    ----------
    model : ModelError where it is made for cells.
    rgb : (H, W, 3) uint8, the whole field.
    """
    expect_unit(model.name, model.card, "field")
    seen = rgb.copy()
    mask_corner(seen, model.card.masked_corner)
    out = model.predict(prepare(seen, covering_squares(*rgb.shape[:2]), model.card))
    mean: Floats = out.probabilities.mean(axis=0, keepdims=True)
    unsure = bool(outside_band(mean, model.card.unsure)[0])
    shares = tuple(float(p) for p in mean[0])
    return FieldSuggestion(model.name, model.digest, model.card.shown_taxonomy, shares, unsure)


def covering_squares(height: int, width: int) -> Floats:
    """(n, 4) float32 (y0, x0, y1, x1): as few squares of the short side as cover an image, evenly spaced."""
    short, long = min(height, width), max(height, width)
    starts = np.rint(np.linspace(0, long - short, ceil(long / short)))
    boxes = np.zeros((len(starts), 4), np.float32)
    along = 0 if height > width else 1
    boxes[:, along], boxes[:, along + 2] = starts, starts + short
    boxes[:, 3 - along] = short
    return boxes


def mask_corner(rgb: RGB, share: tuple[float, float]) -> None:
    """Paint over, in place, the lower right corner of an image in the image's own median colour.

    Parameters
    ----------
    rgb : (H, W, 3) uint8.
    share : height and width of the corner as shares of the image's; (0, 0) leaves it as it is.
    """
    height, width = (round(part * side) for part, side in zip(share, rgb.shape[:2], strict=True))
    if height and width:
        rgb[-height:, -width:] = np.median(rgb.reshape(-1, 3), axis=0).astype(np.uint8)
