"""Labelled cells as a struct of arrays, whatever the layout they were read from."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from allviewer.vocab.arrays import Floats, Rows

EDGE_UM = 6.0
"""A cell whose centre is nearer to the field's edge than this is cut by it."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """n labelled cells.

    Attributes
    ----------
    name, citation, licence : of the data, for the card.
    classes : class keys; ``labels`` index them.
    root : folder that ``files`` are relative to.
    files : image files, each once.
    file : (n,) int64 index into ``files``.
    centres : (n, 2) float32 (y, x) pixels, or NaN where the whole image is the crop.
    um_per_px : (n,) float32; NaN where the whole image is the crop.
    labels : (n,) int64.
    groups : (n,) session or subject names; cells of one group never part in a split.
    grouped : whether ``groups`` mean anything; without, every image is a group of its own.
    cut : (n,) bool, the cell is cut by the image's edge.
    camera : (n,) what took the image, ``""`` where unknown.
    """

    name: str
    citation: str
    licence: str
    classes: tuple[str, ...]
    root: Path
    files: tuple[str, ...]
    file: NDArray[np.int64]
    centres: Floats
    um_per_px: Floats
    labels: NDArray[np.int64]
    groups: NDArray[np.str_]
    grouped: bool
    cut: NDArray[np.bool_]
    camera: NDArray[np.str_]
    note: str = ""

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: Rows | NDArray[np.bool_]) -> Self:
        """Some samples, by number or mask."""
        return type(self)(
            self.name, self.citation, self.licence, self.classes, self.root, self.files, self.file[rows],
            self.centres[rows], self.um_per_px[rows], self.labels[rows], self.groups[rows], self.grouped,
            self.cut[rows], self.camera[rows], self.note,
        )  # fmt: skip

    @property
    def digest(self) -> str:
        """sha256 over file, centre and label of every sample in order: knows the same data again."""
        total = hashlib.sha256(",".join(self.classes).encode())
        for i in range(len(self)):
            y, x = (float(v) for v in self.centres[i])
            total.update(f"{self.files[self.file[i]]}|{y:.2f}|{x:.2f}|{self.labels[i]}\n".encode())
        return total.hexdigest()

    def counts(self) -> dict[str, int]:
        """Class key → number of samples."""
        return {key: int((self.labels == i).sum()) for i, key in enumerate(self.classes)}
