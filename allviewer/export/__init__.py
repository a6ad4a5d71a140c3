"""What leaves the program: tables, GeoJSON, overlays, summaries."""

from allviewer.export.results import Analysed, write_results

__all__ = ["Analysed", "write_results"]
