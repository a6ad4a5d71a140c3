"""Write what was rendered: fields as PNG, truth beside them; nothing half-written ever bears the final name."""

import csv
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from allviewer import __version__
from allviewer.synth.bodies import SMUDGE, Body
from allviewer.synth.field import SyntheticField, settings
from allviewer.synth.scene import Scene
from allviewer.vocab.errors import ExportError

CELL_COLUMNS = ("cell_id", "class", "centre_y", "centre_x", "radius_um")


@contextmanager
def in_place_of(path: Path) -> Iterator[Path]:
    """A temporary file beside ``path`` that takes its name when all went well and vanishes when not.

    Raises
    ------
    ExportError
        The folder does not exist or cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent)
    except OSError as error:
        raise ExportError(
            "cannot be written here", where=str(path), got=error.strerror or str(error),
            todo="Name a folder that exists and that you may write to.",
        ) from error  # fmt: skip
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise ExportError(
            "could not be written", where=str(path), got=error.strerror or str(error), todo="Is the disk full?"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def description(scene: Scene) -> str:
    """The sentence that marks a file as synthetic, with everything needed to render it again."""
    facts = json.dumps(settings(scene), sort_keys=True)
    return f"synthetic blood smear rendered by allviewer {__version__}, not a photograph of a patient's cells; {facts}"


def truth_paths(path: Path) -> dict[str, Path]:
    """Where the truth of an image goes: ``cells`` and ``nuclei`` (label TIFF) and ``table`` (CSV), beside it."""
    stem = path.name.removesuffix(".tiff").removesuffix(".tif").removesuffix(".png").removesuffix(".ome")
    return {
        "cells": path.with_name(f"{stem}.truth-cells.tif"),
        "nuclei": path.with_name(f"{stem}.truth-nuclei.tif"),
        "table": path.with_name(f"{stem}.truth.csv"),
    }


def write_png(path: Path, field: SyntheticField, scene: Scene, *, truth: bool = False) -> list[Path]:
    """Write a field as PNG with its pixel size and description, and on request its truth.

    Returns
    -------
    The files written, the image first.
    """
    from PIL import Image, PngImagePlugin

    text = PngImagePlugin.PngInfo()
    text.add_text("Description", description(scene))
    text.add_text("Software", f"allviewer {__version__} synth")
    text.add_text("Source", "synthetic")
    per_inch = 25_400 / scene.um_per_px
    with in_place_of(path) as temporary:
        Image.fromarray(field.rgb).save(temporary, "PNG", pnginfo=text, dpi=(per_inch, per_inch), compress_level=4)
    written = [path]
    if truth:
        import tifffile

        to = truth_paths(path)
        for name, labels in (("cells", field.cells), ("nuclei", field.nuclei)):
            with in_place_of(to[name]) as temporary:
                tifffile.imwrite(
                    temporary, labels, compression="deflate", predictor=True, tile=(256, 256),
                    description=description(scene), metadata=None, **resolution(scene.um_per_px),
                )  # fmt: skip
        rows = [
            (k, cls, float(y), float(x), radius)
            for k, (cls, (y, x), radius) in enumerate(
                zip(field.classes, field.centres, field.radii_um, strict=True), start=1
            )
        ]
        with in_place_of(to["table"]) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(CELL_COLUMNS)
            table.writerows(_row(*row) for row in rows)
        written += list(to.values())
    return written


def resolution(um_per_px: float) -> dict[str, object]:
    """TIFF resolution tags for a pixel size, as keywords of tifffile."""
    per_cm = 1e4 / um_per_px
    return {"resolution": (per_cm, per_cm), "resolutionunit": "CENTIMETER"}


def body_row(body: Body) -> tuple[object, ...] | None:
    """A white cell as a row of the truth table; None for a smudge."""
    return None if body.cls == SMUDGE else _row(body.id, body.cls, body.y, body.x, body.radius)


def _row(number: int, cls: str, y: float, x: float, radius: float) -> tuple[object, ...]:
    # six significant digits would not hold a centre on a slide of 100,000 pixels
    return number, cls, f"{np.float32(y):.3f}", f"{np.float32(x):.3f}", f"{radius:.3f}"
