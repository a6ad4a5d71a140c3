"""The report of an evaluation or a comparison: its words and schema, as text, as JSON, and as one HTML page."""

from allviewer.learning.report.comparison_page import comparison_page
from allviewer.learning.report.page import evaluation_page
from allviewer.learning.report.text import card_text, comparison_text, evaluation_text
from allviewer.learning.report.words import NOTICE, Comparison, Evaluation

__all__ = [
    "NOTICE",
    "Comparison",
    "Evaluation",
    "card_text",
    "comparison_page",
    "comparison_text",
    "evaluation_page",
    "evaluation_text",
]
