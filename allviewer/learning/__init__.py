"""Data sets, splits, training and honest evaluation."""
