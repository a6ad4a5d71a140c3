"""What a window is opened with."""

from dataclasses import dataclass
from pathlib import Path

from allviewer.resources import DEFAULT_MODEL


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line chose.

    Attributes
    ----------
    study : file of decisions; None is the user's own. ``runs``: folder of machine output; None keeps none.
    model : name or file, None for none; ``device`` : auto, cpu, cuda or mps; ``segmenter`` : registered name;
        ``preprocessing`` : see `pixels.prepare`.
    field_model : name or file of a model that judges whole images; ``accepted`` : names of models to be used although
        the program or the study knows another file.
    pixel_size_um : µm per pixel for all images, where a person knows it.
    autostart : analyse an image as soon as it is open.
    """

    study: Path | None = None
    runs: Path | None = None
    model: str | None = DEFAULT_MODEL
    field_model: str | None = None
    accepted: frozenset[str] = frozenset()
    device: str = "auto"
    segmenter: str = "default"
    preprocessing: str = "none"
    pixel_size_um: float | None = None
    autostart: bool = True
