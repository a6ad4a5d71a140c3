"""What an analysis tells while it runs: small frozen events, in order."""

from dataclasses import dataclass

from allviewer.vocab.arrays import Ints
from allviewer.vocab.cells import CellTable
from allviewer.vocab.optics import PixelSize
from allviewer.vocab.prediction import Prediction
from allviewer.vocab.quality import FieldQuality
from allviewer.vocab.recipe import Recipe
from allviewer.vocab.region import Region


@dataclass(frozen=True, slots=True)
class Started:
    """The recipe is settled and the slide is cut into tiles."""

    recipe: Recipe
    pixel_size: PixelSize
    tiles: int


@dataclass(frozen=True, slots=True, eq=False)
class CellsFound:
    """One tile is segmented: its own cells (final ids, level-0 frame)."""

    tile: int
    region: Region
    cells: CellTable


@dataclass(frozen=True, slots=True)
class FieldJudged:
    """How far one tile's pixels can be trusted: its focus, exposure, stain and crowding."""

    tile: int
    quality: FieldQuality


@dataclass(frozen=True, slots=True, eq=False)
class CellsClassified:
    """Some cells of one tile were classified; ``prediction`` is row for row with ``ids`` (int64)."""

    tile: int
    ids: Ints
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class Finished:
    """All tiles are done. ``seconds``: stage → wall seconds; ``run``: the recipe's digest, which names the run."""

    run: str
    seconds: dict[str, float]


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Stopped on request; the tiles done so far stand."""

    done: int
    tiles: int


Event = Started | CellsFound | FieldJudged | CellsClassified | Finished | Cancelled
