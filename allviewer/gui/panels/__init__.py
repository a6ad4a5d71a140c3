"""The panels of the window; each listens to the desk and asks it to act."""
