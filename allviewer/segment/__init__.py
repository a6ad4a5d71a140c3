"""Pixels to cells: markers, watershed, outlines, measurements."""
