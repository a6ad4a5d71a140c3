"""Networks converted for OpenVINO, kept in the user's cache so that later starts import no torch."""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from allviewer.systems.bundle import file_digest
from allviewer.systems.openvino_graph import CompiledGraph, Graph
from allviewer.systems.openvino_guard import import_openvino
from allviewer.systems.runtime import OUTPUTS

if TYPE_CHECKING:
    from torch import nn

FORMAT = 1
"""Changes when what is kept, or the way it is converted, does."""
KEPT = 16
"""Networks kept; beyond that the one unused longest goes."""

_GRAPH, _WEIGHTS, _DIGESTS = "graph.xml", "graph.bin", "digests.json"


def compiled(
    key: str, build: "Callable[[], nn.Module]", px: int, outputs: Sequence[str] = OUTPUTS, threads: int | None = None
) -> CompiledGraph:
    """A network compiled for the CPU, from the cache, else converted (which imports torch) and kept.

    What is kept is a description of layers and their numbers: reading it executes nothing. Files that do not have
    the digests written down beside them are converted anew.

    Parameters
    ----------
    key, build, px, outputs : see `allviewer.systems.runtime.forward`.
    threads : None takes `devices.cores`.

    Raises
    ------
    ModelError : the converted network answers otherwise than the network itself.
    """
    folder = graph_folder() / _name(key, px, outputs)
    graph = _read(folder, len(outputs))
    if graph is None:
        from allviewer.systems.openvino_convert import convert

        graph = convert(build(), px, outputs)
        with contextlib.suppress(OSError):  # a full or locked disk costs the next start its time, nothing else
            _keep(folder, graph)
        # Taken from there at once, so that the first start computes to the last bit what later ones will.
        graph = _read(folder, len(outputs)) or graph
    return CompiledGraph(graph, threads)


def graph_folder() -> Path:
    """Where converted networks are kept: ``graphs`` in the user's cache folder. It may not exist yet."""
    from platformdirs import user_cache_path

    return user_cache_path("allviewer", appauthor=False) / "graphs"


def _name(key: str, px: int, outputs: Sequence[str]) -> str:
    facts = json.dumps([FORMAT, version("openvino"), px, list(outputs), key])
    return hashlib.sha256(facts.encode()).hexdigest()


def _read(folder: Path, outputs: int) -> Graph | None:
    """The graph in a folder; None where there is none, or it is not what was written."""
    try:
        digests = json.loads((folder / _DIGESTS).read_text())
        if digests != {name: file_digest(folder / name) for name in (_GRAPH, _WEIGHTS)}:
            return None
        os.utime(folder)
    except (OSError, ValueError):
        return None
    graph = import_openvino().Core().read_model(folder / _GRAPH, folder / _WEIGHTS)
    return graph if len(graph.outputs) == outputs else None


def _keep(folder: Path, graph: Graph) -> None:
    """Write a graph whole or not at all, and let go of what was not used for longest."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=folder.parent) as made:
        half = Path(made) / "half"
        half.mkdir()
        import_openvino().save_model(graph, half / _GRAPH, compress_to_fp16=False)
        (half / _DIGESTS).write_text(json.dumps({name: file_digest(half / name) for name in (_GRAPH, _WEIGHTS)}))
        if folder.exists():
            folder.rename(Path(made) / "damaged")
        half.rename(folder)
    kept = sorted((f for f in folder.parent.iterdir() if not f.name.startswith(".")), key=lambda f: f.stat().st_mtime)
    for old in kept[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
