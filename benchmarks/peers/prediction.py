"""What `benchmarks/inference.py` times: networks, crops, cells a second, the first prediction."""

import copy
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from allviewer.systems import load_model
from allviewer.systems.crops import classify, crop_boxes, prepare
from allviewer.systems.stain import level_table, slide_stain
from allviewer.vocab.cells import CellTable, Outlines
from peers import networks, pictures, runtimes, torch_crops
from peers.rounds import NotInstallableError, interleave, ratio, timed
from peers.worker import WORKERS

BATCH = 8
ROOT = Path(__file__).resolve().parents[2]
SQUARE = np.float32([[-5, -5], [-5, 5], [5, 5], [5, -5]])


@contextmanager
def threads(number):
    """Let the project use some cores, as a person would say it."""
    before = os.environ["OMP_NUM_THREADS"]
    os.environ["OMP_NUM_THREADS"] = str(number)
    try:
        yield
    finally:
        os.environ["OMP_NUM_THREADS"] = before


def network(name, rounds):
    """One network on every runtime: rows by runtime, ratios to torch eager, errors to it."""
    entry = networks.bundled().get(name)

    first = networks.torch_form(entry) if entry else networks.literature(name)
    px = entry.card.input_px if entry else networks.LITERATURE[name][1]
    block = networks.crops(BATCH, px)
    # Each has a network of its own: a change of layout is the module's, not the call's.
    calls = {"torch eager": runtimes.eager(first), "torch channels_last": runtimes.channels_last(copy.deepcopy(first))}
    ours, rows = runtimes.ours(copy.deepcopy(first), px, 1), {"allviewer": {}}
    try:
        calls["ONNX Runtime"] = runtimes.onnx_runtime(copy.deepcopy(first), px, 1)
    except NotInstallableError as error:
        rows["ONNX Runtime"] = {"reason": str(error)}
    calls |= runtimes.on_accelerators(first)
    rows |= {peer: {} for peer in calls}
    expected = calls["torch eager"](block)
    for row, call in (("allviewer", ours), *calls.items()):
        found = call(block)
        rows[row] |= {"error": float(np.abs(found - expected).max()), "scale": float(np.abs(expected).max())}
        rows[row]["same"] = float((found.argmax(1) == expected.argmax(1)).mean())
    pairs = {peer: lambda call=call: timed(lambda: call(block))[1:] for peer, call in calls.items()}
    times = interleave(lambda: timed(lambda: ours(block))[1:], pairs, rounds)
    return {"px": px, "system": entry.card.system if entry else name, "rows": _filled(rows, times)}


def _filled(rows, times):
    own = times[""].summary()
    for name, took in times.items():
        row = rows[name or "allviewer"]
        row |= took.summary()
        if name:
            row["ratio"] = ratio(row, own)
    return rows


def crops(rounds):
    """Sixteen crops enlarged and shrunk: the project's levelled crops against torchvision + PIL with and without."""
    card = next(iter(networks.bundled().values())).card
    out = {}
    for name, share in (("enlarged 1.3x", 1 / 1.3), ("shrunk 1.3x", 1.3)):
        for number in (1, os.cpu_count()):
            with threads(number):
                out[f"{name}, {number} threads"] = _crops(card, round(card.input_px * share), rounds)
    return out


def _crops(card, side, rounds):
    picture, size = pictures.synthetic(972, 1296, cells=12), card.input_px
    stain = slide_stain(picture.rgb)
    corner = np.random.default_rng(0).integers(0, [972 - side, 1296 - side], (16, 2))
    boxes = np.concatenate([corner, corner + side], axis=1).astype(np.float32)
    table = level_table(stain, card.white, card.nucleus)
    peers = {
        "torchvision + PIL": torch_crops.pipeline(picture.rgb, boxes, size, table),
        "the same, not levelled": torch_crops.pipeline(picture.rgb, boxes, size),
    }

    def ours():
        return prepare(picture.rgb, boxes, card, stain)

    ours()
    calls = {peer: lambda call=call: timed(call)[1:] for peer, call in peers.items()}
    rows = {"allviewer": {}, **{peer: {} for peer in peers}}
    return _filled(rows, interleave(lambda: timed(ours)[1:], calls, 4 * rounds, 0.02))


def table_at(centres):
    """Cells at some centres, each with a square for an outline."""
    at = np.asarray(centres, np.float32)
    rings = Outlines.of([[c + SQUARE] for c in at])
    boxes, area = np.concatenate([at - 5, at + 5], axis=1).astype(np.int32), np.full(len(at), 100, np.float32)
    kind = np.zeros(len(at), np.uint8)
    return CellTable(np.arange(1, len(at) + 1), kind, at, boxes, area, area / 2, kind.astype(bool), rings, rings)


def cells(entry, rounds):
    """Cells a second from a field in memory to probabilities and heat, on one core and on all."""
    out = {}
    for number in (1, os.cpu_count()):
        with threads(number):
            out[f"{number} threads"] = _cells(load_model(entry.path, "cpu"), rounds)
    return out


def _cells(model, rounds):
    picture = pictures.synthetic(972, 1296, cells=12)
    some = table_at(np.random.default_rng(0).uniform([80, 80], [890, 1210], (96, 2)))
    stain = slide_stain(picture.rgb)
    boxes = crop_boxes(some.centroid, picture.um, model.card)

    def whole():
        return classify(model, picture.rgb, some, picture.um, heat=True, stain=stain)

    whole()
    walls, cpus = zip(*(timed(whole)[1:] for _ in range(rounds)), strict=True)
    alone = [timed(lambda: prepare(picture.rgb, boxes, model.card, stain))[2] for _ in range(rounds)]
    return {
        "per_s": len(some) / float(np.median(walls)), "per_s_best": len(some) / min(walls),
        "per_cpu_s": len(some) / float(np.median(cpus)),
        "share_of_crops": float(np.median(alone) / np.median(cpus)),
    }  # fmt: skip


def first(entry, rounds):
    """Seconds until the first prediction of a new process; medians."""
    env = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), env.get("PYTHONPATH", ""))))
    command = [sys.executable, str(WORKERS / "first_prediction.py"), str(entry.path)]
    answers = [
        json.loads(subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout.splitlines()[-1])
        for _ in range(rounds + 1)
    ][1:]  # the first one compiles, once an installation
    return {key: float(np.median([a[key] for a in answers])) for key in answers[0]} | {
        "total_best": min(a["total"] for a in answers), "torch": any(a["torch"] for a in answers),
    }  # fmt: skip
