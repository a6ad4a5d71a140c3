"""Render a slide of any size straight into a tiled pyramid: memory does not grow with the slide."""

import csv
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np

from allviewer.synth.bodies import SMUDGE
from allviewer.synth.files import CELL_COLUMNS, body_row, description, in_place_of, resolution, truth_paths
from allviewer.synth.scene import Scene
from allviewer.synth.smear import TILE, Smear, Tile
from allviewer.vocab.arrays import RGB
from allviewer.vocab.region import Region

SLIDE_LOOK = {"vignette": 0.0}
"""A scanner corrects the lamp's unevenness; a camera on a microscope does not."""


class _Spool:
    """Tiles kept on disk, losslessly packed, until their place in the file has come."""

    def __init__(self, folder: Path) -> None:
        self._file: IO[bytes] = TemporaryFile(dir=folder)  # noqa: SIM115  closed by `close`
        self._at: dict[tuple[int, int, int], tuple[int, int]] = {}

    def put(self, key: tuple[int, int, int], tile: np.ndarray[Any, Any]) -> None:
        from imagecodecs import zstd_encode

        packed = zstd_encode(tile.tobytes(), level=1)
        self._at[key] = (self._file.seek(0, 2), len(packed))
        self._file.write(packed)

    def get(self, key: tuple[int, int, int], shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
        from imagecodecs import zstd_decode

        offset, size = self._at[key]
        self._file.seek(offset)
        return np.frombuffer(zstd_decode(self._file.read(size)), dtype).reshape(shape)

    def close(self) -> None:
        self._file.close()


class _Pyramid:
    """Renders every tile once, in an order that keeps neighbours together, and halves them upwards."""

    def __init__(self, scene: Scene, spool: _Spool, truth: _Spool | None) -> None:
        self.scene, self.spool, self.truth = scene, spool, truth
        self.smear = Smear(scene)
        self.sizes = [(scene.height, scene.width)]
        while max(self.sizes[-1]) > TILE:
            h, w = self.sizes[-1]
            self.sizes.append(((h + 1) // 2, (w + 1) // 2))

    def grid(self, level: int) -> tuple[int, int]:
        """Rows and columns of tiles at a level."""
        h, w = self.sizes[level]
        return -(-h // TILE), -(-w // TILE)

    def build(self, level: int, row: int, col: int) -> RGB | None:
        """Render one tile of one level and everything below it; (TILE, TILE, 3), or None beyond the image."""
        rows, cols = self.grid(level)
        if row >= rows or col >= cols:
            return None
        if level == 0:
            tile = self._rendered(self.smear.tile(row, col), row, col)
        else:
            tile = np.zeros((TILE, TILE, 3), np.uint8)
            half = TILE // 2
            for a in (0, 1):
                for b in (0, 1):
                    below = self.build(level - 1, 2 * row + a, 2 * col + b)
                    if below is not None:
                        tile[a * half : (a + 1) * half, b * half : (b + 1) * half] = _halved(below)
        self.spool.put((level, row, col), tile)
        return tile

    def _rendered(self, tile: Tile, row: int, col: int) -> RGB:
        if self.truth is not None:
            for plane, labels in enumerate((tile.cells, tile.nuclei)):
                self.truth.put((plane, row, col), _filled(labels))
        return _filled(tile.rgb)

    def tiles(self, level: int) -> Iterator[RGB]:
        """The tiles of a level, row by row."""
        rows, cols = self.grid(level)
        for row in range(rows):
            for col in range(cols):
                yield self.spool.get((level, row, col), (TILE, TILE, 3), np.uint8)


def write_slide(
    path: str | Path,
    height: int,
    width: int,
    *,
    seed: int = 0,
    truth: bool = True,
    compression: str = "deflate",
    **settings: Any,
) -> list[Path]:
    """Render a slide into a pyramidal, tiled OME-TIFF.

    The pixels are those of ``render_field(height, width, seed=seed, vignette=0, **settings)`` where the compression is
    lossless. Tiles are 512 pixels wide; levels halve until one tile holds the slide. Some hundred MB of memory are
    needed whatever the size, and disk for a second copy while writing.

    Parameters
    ----------
    path : ends in ``.tif`` or ``.tiff`` (best ``.ome.tif``).
    height, width : pixels.
    seed : as in `render_field`.
    truth : also write the whole cells and the nuclei as label TIFFs (int32) and the cells as CSV, beside the slide.
    compression : ``deflate`` or ``jpeg`` (quality 90: an eighth of the size, no longer exact).
    **settings : other fields of `Scene`.

    Returns
    -------
    The files written, the slide first.

    Raises
    ------
    ValueError
        A setting is out of range.
    ExportError
        A file cannot be written.
    """
    import tifffile

    path = Path(path)
    scene = Scene(height, width, seed=seed, **{**SLIDE_LOOK, **settings})
    if compression not in ("deflate", "jpeg"):
        raise ValueError(f"compression is deflate or jpeg, not {compression!r}")
    packing: dict[str, Any] = {"compression": "deflate", "predictor": True}
    if compression == "jpeg":
        packing = {"compression": "jpeg", "compressionargs": {"level": 90}}
    with in_place_of(path) as temporary:
        spool = _Spool(path.parent)
        labels = _Spool(path.parent) if truth else None
        pyramid = _Pyramid(scene, spool, labels)
        try:
            pyramid.build(len(pyramid.sizes) - 1, 0, 0)
            with tifffile.TiffWriter(temporary, bigtiff=True, ome=True) as tiff:
                for level, (h, w) in enumerate(pyramid.sizes):
                    extra: dict[str, Any] = {"subfiletype": 1, "metadata": None}
                    if level == 0:
                        extra = {"subifds": len(pyramid.sizes) - 1, "metadata": _ome(scene)}
                    tiff.write(
                        pyramid.tiles(level), shape=(h, w, 3), dtype=np.uint8, tile=(TILE, TILE), photometric="rgb",
                        maxworkers=1, **resolution(scene.um_per_px * 2**level), **packing, **extra,
                    )  # fmt: skip
            written = [path, *(_write_truth(path, scene, pyramid, labels) if labels is not None else [])]
        finally:
            spool.close()
            if labels is not None:
                labels.close()
    return written


def _write_truth(path: Path, scene: Scene, pyramid: _Pyramid, labels: _Spool) -> list[Path]:
    import tifffile

    to = truth_paths(path)
    rows, cols = pyramid.grid(0)
    for plane, name in enumerate(("cells", "nuclei")):
        with in_place_of(to[name]) as temporary:
            tiles = (
                labels.get((plane, row, col), (TILE, TILE), np.int32) for row in range(rows) for col in range(cols)
            )
            tifffile.imwrite(
                temporary, tiles, shape=(scene.height, scene.width), dtype=np.int32, tile=(TILE, TILE), bigtiff=True,
                compression="deflate", predictor=True, description=description(scene), metadata=None, maxworkers=1,
                **resolution(scene.um_per_px),
            )  # fmt: skip
    with in_place_of(to["table"]) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(CELL_COLUMNS)
        # parcels are numbered row by row, and so are the cells in them
        for body in pyramid.smear.bodies(Region(0, 0, scene.height, scene.width)):
            if body.cls != SMUDGE:
                table.writerow(body_row(body) or ())
    return list(to.values())


def _ome(scene: Scene) -> dict[str, Any]:
    return {
        "axes": "YXS",
        "Name": "synthetic smear",
        "Description": description(scene),
        "PhysicalSizeX": scene.um_per_px,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": scene.um_per_px,
        "PhysicalSizeYUnit": "µm",
    }


def _filled(tile: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A tile cut at the image's edge, filled up to TILE x TILE with its last pixels (labels: with 0)."""
    down, right = TILE - tile.shape[0], TILE - tile.shape[1]
    pad = ((0, down), (0, right), (0, 0))[: tile.ndim]
    return np.pad(tile, pad, mode="edge") if tile.ndim == 3 else np.pad(tile, pad)


def _halved(tile: RGB) -> RGB:
    """The mean of each 2 x 2 pixels, rounded."""
    wide = tile.astype(np.uint16)
    mean = (wide[::2, ::2] + wide[1::2, ::2] + wide[::2, 1::2] + wide[1::2, 1::2] + 2) // 4
    return mean.astype(np.uint8)
