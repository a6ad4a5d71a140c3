"""Arithmetic of counting: intervals and thresholds."""
