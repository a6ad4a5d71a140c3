"""Rendered smears with exact truth, of any size, the same from the same seed. Always labelled synthetic."""

from allviewer.synth.field import SAMPLE, SyntheticField, render, render_field, render_sample, render_through
from allviewer.synth.files import truth_paths, write_png
from allviewer.synth.scene import Scene
from allviewer.synth.slide import write_slide
from allviewer.synth.stains import STAINS, Stain

__all__ = [
    "SAMPLE",
    "STAINS",
    "Scene",
    "Stain",
    "SyntheticField",
    "render",
    "render_field",
    "render_sample",
    "render_through",
    "truth_paths",
    "write_png",
    "write_slide",
]
