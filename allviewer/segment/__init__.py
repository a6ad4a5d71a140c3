"""Pixels to cells: markers, watershed, outlines, measurements."""

from allviewer.segment.ready import build_kernels
from allviewer.segment.segmenter import SEGMENTERS, Segmenter, segmenter
from allviewer.segment.survey import Survey

__all__ = ["SEGMENTERS", "Segmenter", "Survey", "build_kernels", "segmenter"]
