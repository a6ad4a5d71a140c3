"""A recipe: everything that decides what an analysis finds. Its hash names a run."""

import hashlib
import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a slide is analysed.

    Attributes
    ----------
    segmenter : registered name, ``default`` or ``oadls``.
    segmenter_version : the segmenter's own version string, so that a better one makes a new run.
    pixel_size_um : µm per pixel that decided every length; None where unknown (lengths then fall back to the
        segmenter's stated assumption).
    pixel_size_source : ``given``, ``file``, ``estimate`` or ``unknown``.
    model : digest of the model file; empty for segmentation alone.
    preprocessing : what the segmenter's pixels are put through first: ``none``, ``reinhard``, ``macenko``, ``wiener``
        or ``dhe``. Classification always sees the pixels as they were read.
    """

    segmenter: str
    segmenter_version: str
    pixel_size_um: float | None
    pixel_size_source: str
    model: str
    preprocessing: str = "none"

    @property
    def digest(self) -> str:
        """sha256 over the recipe's canonical JSON, first 16 hex digits.

        A recipe without preprocessing is named as before there was any, so that runs made then are still found.
        """
        facts = asdict(self)
        if self.preprocessing == "none":
            del facts["preprocessing"]
        text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]
