"""Open any smear image lazily: one kind of file a module, one door (`open_slide`)."""

from allviewer.slides.budget import MAX_PIXELS
from allviewer.slides.door import open_slide
from allviewer.slides.slide import Slide
from allviewer.slides.sniff import EXTENSIONS

__all__ = ["EXTENSIONS", "MAX_PIXELS", "Slide", "open_slide"]
