"""A study database: the cells that people have decided on, in the images that they saw."""

import os
from collections.abc import Sized
from pathlib import Path

import numpy as np

from allviewer.engine.optics import settle_pixel_size
from allviewer.learning.layouts.edge import cut_by_edge
from allviewer.learning.layouts.labels import label_of, settle_taxonomy
from allviewer.learning.samples import Samples
from allviewer.records import KnownSlide, Settled, Study
from allviewer.slides import open_slide
from allviewer.vocab.errors import DataError
from allviewer.vocab.taxonomy import NOT_A_CELL, TAXONOMIES, UNSURE, Taxonomy

_MARK = b"SQLite format 3\0"


def recognises(path: Path) -> bool:
    """Whether a file is a database."""
    try:
        with path.open("rb") as file:
            return file.read(len(_MARK)) == _MARK
    except OSError:
        return False


def read(path: Path, taxonomy: Taxonomy | None) -> Samples:
    """Every cell whose label a person has settled as a class of the taxonomy.

    A model's suggestions are not in a study. Cells settled as unsure or as no cell, and labels of another taxonomy,
    are left out; the note counts them.

    Raises
    ------
    DataError : no cell is left; an image is not where the study last saw it, or has changed.
    StudyError : no study, or one that cannot be read.
    """
    with Study.open(path) as study:
        settled = [(slide, cell) for slide in study.slides() for cell in study.labels(slide.digest)]
    sure = [(slide, cell) for slide, cell in settled if cell.label not in (UNSURE.key, NOT_A_CELL.key)]
    classes = taxonomy or _fullest(sure)
    classes = settle_taxonomy(classes, None, (cell.label for _, cell in sure), str(path))
    kept = [(slide, cell) for slide, cell in sure if classes.find(cell.label) is not None]
    if not kept:
        raise DataError(
            "no cell of this study is settled as one of the classes", where=str(path), expected=", ".join(classes.keys),
            got=f"{len(settled)} settled cells", todo="Review some cells first, or choose other classes.",
        )  # fmt: skip
    return _samples(path, classes, kept, _left_out(settled, sure, kept))


def _fullest(sure: list[tuple[KnownSlide, Settled]]) -> Taxonomy | None:
    """The known taxonomy that holds the most of the labels; None where none holds any."""
    best = max(TAXONOMIES.values(), key=lambda t: sum(cell.label in t.keys for _, cell in sure))
    return best if any(cell.label in best.keys for _, cell in sure) else None


def _left_out(settled: Sized, sure: Sized, kept: Sized) -> str:
    parts = ((len(settled) - len(sure), "settled as unsure or as no cell"), (len(sure) - len(kept), "of other classes"))
    return ", ".join(f"{count} {words}" for count, words in parts if count)


def _samples(path: Path, taxonomy: Taxonomy, kept: list[tuple[KnownSlide, Settled]], left_out: str) -> Samples:
    slides = sorted({slide for slide, _ in kept}, key=lambda s: str(s.path))
    um = {slide.digest: _scale(slide, path) for slide in slides}
    assumed = sum(slide.pixel_size_um is None for slide in slides)
    root = Path(os.path.commonpath([s.path.parent for s in slides])) if _one_disk(slides) else Path()
    place = {slide.digest: i for i, slide in enumerate(slides)}
    centres = np.array([cell.centre for _, cell in kept], np.float32)
    scale = np.array([um[slide.digest] for slide, _ in kept], np.float32)
    sizes = np.array([slide.shape[::-1] for slide, _ in kept], np.int64)
    readers = len({cell.reader for _, cell in kept})
    return Samples(
        name=path.stem, citation="none given", licence="not stated", taxonomy=taxonomy, root=root,
        files=tuple(s.path.relative_to(root).as_posix() if root.parts else s.path.as_posix() for s in slides),
        file=np.array([place[slide.digest] for slide, _ in kept], np.int64), centres=centres, um_per_px=scale,
        labels=np.array([label_of(cell.label, taxonomy, str(path)) for _, cell in kept], np.int64),
        groups=np.array([f"{slide.name} {slide.digest[:8]}" for slide, _ in kept]), grouped=True,
        cut=cut_by_edge(centres, sizes, scale), camera=np.full(len(kept), ""),
        note=f"Labels settled by {readers} reader{'s' if readers > 1 else ''} in allviewer; each cell's last decision "
        "counts. Groups are images: a study does not say which of them share a patient."
        + (f" The pixel size of {assumed} images is not known but assumed." if assumed else "")
        + (f" Left out: {left_out}." if left_out else ""),
        layout=f"a study of reviewed cells: {len(kept)} in {len(slides)} images"
        + (f"; left out: {left_out}" if left_out else ""), group_word="image",
    )  # fmt: skip


def _scale(slide: KnownSlide, study: Path) -> float:
    """µm per pixel of an image, as the study knows it or as the viewer assumed it; DataError where it is another."""
    if not slide.path.exists():
        raise DataError(
            "an image of the study is not where it was last seen", where=f"{study}, {slide.name}",
            expected=str(slide.path), todo="Open it in the viewer from where it lies now, with this study.",
        )  # fmt: skip
    opened = open_slide(slide.path)
    try:
        if opened.digest != slide.digest:
            raise DataError(
                "an image has changed since it was reviewed", where=f"{study}, {slide.path}",
                expected=f"content {slide.digest[:12]}",
                todo="Bring back the image that was reviewed, or review this one.",
            )  # fmt: skip
        return slide.pixel_size_um or settle_pixel_size(opened, None)[1]
    finally:
        opened.close()


def _one_disk(slides: list[KnownSlide]) -> bool:
    return len({s.path.drive for s in slides}) == 1
