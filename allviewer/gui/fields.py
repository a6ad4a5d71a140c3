"""One opened image as the window knows it, and what may become of it."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from allviewer.gui.outline_geometry import Patch
from allviewer.review import ReviewSession
from allviewer.slides import Slide
from allviewer.systems import Model
from allviewer.systems.fields import FieldSuggestion
from allviewer.vocab.errors import AllviewerError
from allviewer.vocab.optics import UNKNOWN_PIXEL_SIZE, PixelSize
from allviewer.vocab.quality import FieldQuality
from allviewer.vocab.recipe import Recipe


class Phase(StrEnum):
    """Where an image stands."""

    OPENING = "opening"
    WAITING = "waiting"
    ANALYSING = "analysing"
    DONE = "analysed"
    CANCELLED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Failure:
    """What a person is told when something did not work: in one sentence, what to do, and details to copy."""

    title: str
    message: str
    details: str = ""

    @property
    def text(self) -> str:
        """Everything, for the clipboard."""
        return "\n".join(part for part in (self.title, self.message, self.details) if part)


def failure_of(title: str, error: BaseException) -> Failure:
    """An error as a person is told it: one sentence where it is known, else what to report."""
    if isinstance(error, AllviewerError):
        return Failure(title, str(error))
    if isinstance(error, MemoryError):
        return Failure(title, "There was not enough memory. Close other programs or images and try again.")
    import traceback

    details = "".join(traceback.format_exception(error))
    return Failure(title, f"Something unexpected happened: {error}. Copy the details and report them.", details)


@dataclass(slots=True, eq=False)
class Field:
    """One image of the worklist.

    Attributes
    ----------
    pixels : what napari shows: an array, or a list of them from full size down.
    tiles, done : tiles of the running analysis and how many are finished; ``seconds`` it took, once it has.
    judged : the verdicts on the tiles done so far.
    heat_top : the largest raw Grad-CAM value so far, of any class: the upper end of every heat scale.
    recipe, model : of its latest analysis, once that has begun.
    suggestion : what a model of whole fields says of it.
    synthetic : whether the picture was rendered and not photographed; said wherever it shows.
    """

    path: Path
    name: str
    phase: Phase = Phase.OPENING
    slide: Slide | None = None
    pixels: Any = None
    session: ReviewSession | None = None
    patches: list[Patch] = field(default_factory=list)
    judged: list[FieldQuality] = field(default_factory=list)
    pixel_size: PixelSize = UNKNOWN_PIXEL_SIZE
    recipe: Recipe | None = None
    model: Model | None = None
    suggestion: FieldSuggestion | None = None
    tiles: int = 0
    done: int = 0
    started: float = 0.0
    seconds: float = 0.0
    synthetic: bool = False
    problem: str = ""
    heat_top: float = 0.0

    @property
    def busy(self) -> bool:
        """Whether work on it goes on."""
        return self.phase in (Phase.OPENING, Phase.ANALYSING)
