"""The run store: one folder a run, one Arrow file a tile. Machine output: immutable, rebuildable, resumable."""

import json
import os
from dataclasses import asdict, replace
from pathlib import Path

from allviewer.engine.tilefile import read_quality, read_tile, write_tile
from allviewer.vocab.cells import CellTable
from allviewer.vocab.errors import RunError
from allviewer.vocab.prediction import Prediction
from allviewer.vocab.quality import FieldQuality
from allviewer.vocab.recipe import Recipe

FORMAT = 1


class RunStore:
    """Runs under ``root/<slide digest, 16 digits>/<recipe digest>/``."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def folder(self, slide: str, run: str) -> Path:
        """Where one run lies (whether or not it exists)."""
        return self.root / slide[:16] / run

    def begin(self, slide: str, recipe: Recipe, tiles: int) -> None:
        """Write down what the run is, before any tile. The same run begun again is resumed."""
        folder = self.folder(slide, recipe.digest)
        facts = {"format": FORMAT, "slide": slide, "tiles": tiles, "recipe": asdict(recipe)}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _write_json(folder / "run.json", facts)
        except OSError as error:
            raise RunError(
                "the analysis cannot be stored",
                where=str(folder),
                got=error.strerror or str(error),
                todo="Free some disk space or choose a folder you may write to.",
            ) from error

    def has_tile(self, slide: str, run: str, tile: int) -> bool:
        """Whether a tile is finished."""
        return self._tile(slide, run, tile).exists()

    def save_tile(
        self, slide: str, run: str, tile: int, cells: CellTable, prediction: Prediction | None,
        quality: FieldQuality | None = None,
    ) -> None:  # fmt: skip
        """Store a finished tile; it appears under its name whole or not at all."""
        write_tile(self._tile(slide, run, tile), cells, prediction, quality)

    def load_tile(self, slide: str, run: str, tile: int) -> tuple[CellTable, Prediction | None]:
        """A finished tile; RunError where it is missing or damaged."""
        return read_tile(self._tile(slide, run, tile))

    def load_quality(self, slide: str, run: str, tile: int) -> FieldQuality | None:
        """The verdicts on a finished tile, None where none were stored; RunError where it is missing or damaged."""
        return read_quality(self._tile(slide, run, tile))

    def finish(self, slide: str, run: str, seconds: dict[str, float]) -> None:
        """Mark the run as complete."""
        _write_json(self.folder(slide, run) / "finished.json", {"seconds": seconds})

    def load(self, slide: str, run: str) -> tuple[CellTable, Prediction | None] | None:
        """All cells of a complete run, or None where there is no complete one."""
        folder = self.folder(slide, run)
        if not (folder / "finished.json").exists():
            return None
        count = json.loads((folder / "run.json").read_text())["tiles"]
        parts = [self.load_tile(slide, run, i) for i in range(count)]
        predictions = [p for _, p in parts if p is not None]
        return CellTable.concat([c for c, _ in parts]), Prediction.concat(predictions) if predictions else None

    def runs(self, slide: str) -> list[Recipe]:
        """Recipes of the complete runs of a slide, newest first."""
        done = sorted(
            (self.root / slide[:16]).glob("*/finished.json"), key=lambda p: p.stat().st_mtime_ns, reverse=True
        )
        return [Recipe(**json.loads((p.parent / "run.json").read_text())["recipe"]) for p in done]

    def same_cells(self, slide: str, recipe: Recipe, tiles: int) -> list[str]:
        """Digests of runs that find the very same cells: their recipe differs by the model alone. Not ``recipe``'s own.

        A run whose description cannot be read is passed over.
        """
        found = []
        for path in sorted((self.root / slide[:16]).glob("*/run.json")):
            try:
                facts = json.loads(path.read_text())
                other = Recipe(**facts["recipe"])
                cut = facts["tiles"]
            except (OSError, ValueError, KeyError, TypeError):
                continue
            if cut == tiles and other != recipe and replace(other, model=recipe.model) == recipe:
                found.append(path.parent.name)
        return found

    def _tile(self, slide: str, run: str, tile: int) -> Path:
        return self.folder(slide, run) / f"tile-{tile:06d}.arrow"


def _write_json(path: Path, value: object) -> None:
    partial = path.with_suffix(f".{os.getpid()}.partial")
    partial.write_text(json.dumps(value, indent=1))
    partial.replace(path)
