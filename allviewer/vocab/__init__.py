"""The words of the house: frozen data that every room may speak."""
