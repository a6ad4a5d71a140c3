"""Labelled cells as a struct of arrays, whatever the layout they were read from."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from allviewer.vocab.arrays import Floats, Rows
from allviewer.vocab.taxonomy import Taxonomy

EDGE_UM = 6.0
"""A cell whose centre is nearer to the field's edge than this is cut by it."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """n labelled cells, or fields labelled as a whole.

    Attributes
    ----------
    name, citation, licence : of the data, for the card.
    taxonomy : the classes; ``labels`` index them.
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
    note : for the card: what the groups are, what was left out.
    layout : what the data were taken for, one sentence.
    group_word : what a group is: ``subject``, ``session``, ``slide``, ``block`` …
    unit : ``field`` where a label holds for a whole image of many cells.
    folds : (n,) int64 folds that the data themselves name, or None; ``folds_word`` says whose they are.
    masked_corner : height and width of the lower right corner of every image that is painted over before anything is
        learnt from it (a burnt-in scale bar), as shares of the image; (0, 0) for none.
    confounded : for the card: what beside the cells tells these classes apart; empty where nothing is known of such.
    """

    name: str
    citation: str
    licence: str
    taxonomy: Taxonomy
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
    layout: str = ""
    group_word: str = "session"
    unit: Literal["cell", "field"] = "cell"
    folds: NDArray[np.int64] | None = None
    folds_word: str = ""
    masked_corner: tuple[float, float] = (0.0, 0.0)
    confounded: str = ""

    @property
    def classes(self) -> tuple[str, ...]:
        """Class keys."""
        return self.taxonomy.keys

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: Rows | NDArray[np.bool_]) -> Self:
        """Some samples, by number or mask."""
        return replace(
            self, file=self.file[rows], centres=self.centres[rows], um_per_px=self.um_per_px[rows],
            labels=self.labels[rows], groups=self.groups[rows], cut=self.cut[rows], camera=self.camera[rows],
            folds=None if self.folds is None else self.folds[rows],
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
