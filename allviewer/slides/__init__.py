"""Open any smear image lazily: one kind of file a module, one door (`open_slide`)."""
