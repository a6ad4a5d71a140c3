"""How well cells are found and outlined: every figure with its unit, interval, target and worst cases."""

from allviewer.learning.segmentation.held import HELD, Held
from allviewer.learning.segmentation.judge import JUDGES, SYNTHETIC, data_sets, judged
from allviewer.learning.segmentation.pictures import write_pictures
from allviewer.learning.segmentation.plots import write_curves
from allviewer.learning.segmentation.report import section_text
from allviewer.learning.segmentation.words import Case, Curve, Row, Section

__all__ = [
    "HELD",
    "JUDGES",
    "SYNTHETIC",
    "Case",
    "Curve",
    "Held",
    "Row",
    "Section",
    "data_sets",
    "judged",
    "section_text",
    "write_curves",
    "write_pictures",
]
