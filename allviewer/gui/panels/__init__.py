"""The panels around the slide."""
