"""The classifier systems: crops in, calibrated probabilities and heat maps out."""
