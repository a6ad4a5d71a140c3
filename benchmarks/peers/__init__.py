"""The named peers of `benchmarks/segmentation.py`, each in its normal use, and the rounds they are run in."""
