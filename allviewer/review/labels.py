"""Labels as small numbers, so that a hundred thousand of them are one array."""

from allviewer.vocab.taxonomy import NOT_A_CELL, UNSURE, CellClass, Taxonomy

NONE = -1
"""Code of "not reviewed" in ``label`` and of "not classified" in ``suggested``."""

UNCLASSIFIED = "unclassified"
"""Key of what is shown where there is neither a label nor a suggestion."""


class LabelCodes:
    """Codes of a taxonomy of C classes: 0 … C-1 its classes, C unsure, C+1 not a cell.

    Attributes
    ----------
    shown : the classes in order of code; ``keys``: their keys.
    """

    def __init__(self, taxonomy: Taxonomy) -> None:
        self.shown: tuple[CellClass, ...] = (*taxonomy.classes, UNSURE, NOT_A_CELL)
        self.keys = tuple(c.key for c in self.shown)
        self._codes = {key: code for code, key in enumerate(self.keys)}

    def code(self, key: str | None) -> int:
        """Code of a key; NONE for None and for a key of another taxonomy."""
        return NONE if key is None else self._codes.get(key, NONE)

    def key(self, code: int) -> str | None:
        """Key of a code; None for NONE."""
        return None if code == NONE else self.keys[code]

    def known(self, key: str) -> str:
        """The key itself; KeyError names the labels there are."""
        if key not in self._codes:
            raise KeyError(f"{key!r} is no label here: there are {', '.join(self.keys)}")
        return key
