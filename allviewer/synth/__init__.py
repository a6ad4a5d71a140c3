"""Rendered smears with exact truth, from a seed, at any size."""
