"""What the log says of each row of a growing table."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from allviewer.records import Origin, Settled
from allviewer.review.growth import Column
from allviewer.review.labels import NONE, LabelCodes
from allviewer.review.places import Places
from allviewer.vocab.arrays import Rows
from allviewer.vocab.cells import CellTable


class HeldLabels:
    """Reviewed labels by row, and by which identity the log knows each reviewed row.

    A label of another taxonomy has no code here: such a row counts as not reviewed, and `foreign` says so.

    Parameters
    ----------
    codes : the labels of the taxonomy under review.
    settled : what the log says of the slide. run : whose rows will arrive.
    """

    def __init__(self, codes: LabelCodes, settled: Collection[Settled], run: str) -> None:
        self._codes, self._run = codes, run
        self._code: Column[np.int16] = Column(np.int16)
        self._foreign: Column[np.bool_] = Column(np.bool_)
        self._keys: dict[int, str] = {}
        self._origins: dict[int, Origin] = {}
        self._places = Places(list(settled), run)

    def __len__(self) -> int:
        return len(self._code)

    @property
    def code(self) -> NDArray[np.int16]:
        """(n,) code of the label, -1 where not reviewed."""
        return self._code.values

    @property
    def foreign(self) -> NDArray[np.bool_]:
        """(n,) whether the log holds a label of another taxonomy."""
        return self._foreign.values

    @property
    def orphans(self) -> list[Settled]:
        """Settled cells that no row holds."""
        return self._places.orphans

    def key(self, row: int) -> str | None:
        """Label in the log, of whichever taxonomy."""
        return self._keys.get(row)

    def origin(self, row: int) -> Origin | None:
        """Identity in the log; None where the row was never decided."""
        return self._origins.get(row)

    def grow(self, cells: CellTable, rows: Rows) -> Rows:
        """Add rows, the last of ``cells``; returns those whose label changed, among them earlier ones."""
        self._code.extend(len(rows), NONE)
        self._foreign.extend(len(rows), False)
        return self._settle(self._places.arrive(cells, rows))

    def replace(self, settled: Collection[Settled], cells: CellTable) -> Rows:
        """Take over a new state of the log; returns rows whose label changed."""
        self._places = Places(list(settled), self._run)
        rows = np.arange(len(self), dtype=np.intp)
        self._places.arrive(cells, rows)
        return self._settle(rows.tolist())

    def decide(self, row: int, key: str | None, origin: Origin) -> None:
        """A decision on a row stands in the log."""
        self._places.pin(row)
        self._origins[row] = origin
        self._put(row, key)

    def _settle(self, rows: Collection[int]) -> Rows:
        changed = []
        for row in sorted(rows):
            settled = self._places[row]
            if settled is None:
                self._origins.pop(row, None)
            else:
                self._origins[row] = settled.origin
            label = None if settled is None else settled.label
            if self._keys.get(row) != label:
                changed.append(row)
                self._put(row, label)
        return np.array(changed, np.intp)

    def _put(self, row: int, key: str | None) -> None:
        if key is None:
            self._keys.pop(row, None)
        else:
            self._keys[row] = key
        self._code.values[row] = self._codes.code(key)
        self._foreign.values[row] = key is not None and self._codes.code(key) == NONE
