"""Prediction on the CPU: runtimes, crops, cells a second and the first prediction, against named peers in the same run.

    python benchmarks/inference.py [--quick] [--json FILE] [--rounds N] [--only NAME ...]

Runtimes and crops run on one core, batch 8 and 16, each peer interleaved with the project; figures are medians, ratios
of wall and of process CPU (on a busy machine look at CPU). Networks of the literature have random weights. ONNX
Runtime and timm are installed into the user's cache folder; where that fails the row says why. --quick takes the
bundled models alone, few rounds, and installs nothing.
"""

import argparse
import json
import os
import sys
import warnings
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # before torch; `cells` says otherwise for itself
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import cv2
import torch
from peers import networks, prediction
from peers.prediction import BATCH
from peers.rounds import NotInstallableError, machine

TARGETS = {
    "alnet": 3.8, "GoogLeNet": 3.4, "Inception-v3": 2.4, "Xception": 2.8, "EfficientNetV2-M": 2.15, "ResNet18": 1.5,
    "MobileNetV3-L": 2.8, "crops": 9, "cells/s": 400, "first prediction s": 1.5,
}  # fmt: skip


def measure(names, rounds, say):
    """Everything the report shows, as plain numbers."""
    out = {"networks": {}, "cells": {}, "first": {}}
    for name in names:
        say(f"{name} …")
        try:
            out["networks"][name] = prediction.network(name, rounds)
        except NotInstallableError as error:
            out["networks"][name] = {"reason": str(error)}
    for name, entry in networks.bundled().items():
        if name in names:
            say(f"{name}: cells a second, first prediction …")
            out["cells"][name], out["first"][name] = (
                prediction.cells(entry, rounds),
                prediction.first(entry, min(rounds, 5)),
            )
    say("crops …")
    out["crops"] = prediction.crops(rounds)
    return out


def line(name, row, target=""):
    """One row of a table."""
    if "reason" in row:
        return f"  {name:24} {row['reason']}"
    figures = " ".join(f"{row[k]:8.2f}" for k in ("wall", "wall_min", "cpu", "cpu_min"))
    ratios = " ".join(f"{row['ratio'][k]:6.2f}" for k in ("wall", "cpu")) if "ratio" in row else " " * 13
    error = f"  error {row['error']:.1e} of {row['scale']:.2g}, same class {row['same']:.0%}" if "error" in row else ""
    return f"  {name:24} {figures} {ratios} {target:>7}{error}".rstrip()


def report(out):
    """The measured as text."""
    m = out["machine"]
    yield f"{m['cpu']}, {m['cores']} cores, load {m['load']}, Python {m['python']}"
    yield ", ".join(f"{name} {v}" for name, v in m["packages"].items())
    head = f"  {'':24} {'wall ms':>8} {'(min)':>8} {'cpu ms':>8} {'(min)':>8} {'x wall':>6} {'x cpu':>6} {'target':>7}"
    for name, one in out["networks"].items():
        if "reason" in one:
            yield from ("", f"{name}: {one['reason']}")
            continue
        yield from ("", f"{name}, {one['px']} px, batch {BATCH}, one core", head)
        target = TARGETS.get(one["system"])
        yield line("allviewer", one["rows"]["allviewer"])
        for peer, row in one["rows"].items():
            if peer != "allviewer":
                yield line(peer, row, f">={target}" if target and peer == "torch eager" else "")
    for name, rows in out["crops"].items():
        yield from ("", f"16 crops, {name}", head)
        for peer, row in rows.items():
            yield line(peer, row, f">={TARGETS['crops']}" if peer == "torchvision + PIL" else "")
    for name, rows in out["cells"].items():
        yield from (
            "",
            f"{name}: from field to probabilities and maps (target for the default >={TARGETS['cells/s']}/s)",
        )
        for threads, row in rows.items():
            yield (
                f"  {threads:12} {row['per_s']:6.0f} cells/s (best {row['per_s_best']:.0f}), {row['per_cpu_s']:.0f} a "
                f"second of CPU, crops {row['share_of_crops']:.1%} of it"
            )
        row, aim = out["first"][name], f"target <={TARGETS['first prediction s']}"
        yield (
            f"  first prediction of a new process {row['total']:.2f} s (best {row['total_best']:.2f}, {row['cpu']:.2f} "
            f"of CPU; {aim}): import {row['import']:.2f}, load {row['load']:.2f}, predict {row['predict']:.2f}; "
            f"torch {'imported' if row['torch'] else 'not imported'}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="bundled models alone, few rounds, nothing installed")
    parser.add_argument("--json", type=Path, help="write everything measured there")
    parser.add_argument("--rounds", type=int, help="interleaved rounds (7; 2 with --quick)")
    parser.add_argument("--only", nargs="+", help="some of the networks")
    args = parser.parse_args()
    if args.quick:
        os.environ["ALLVIEWER_BENCHMARK_INSTALLS"] = "0"
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    own = list(networks.bundled())
    names = args.only or (own if args.quick else [*own, *networks.LITERATURE])
    out = measure(names, args.rounds or (2 if args.quick else 7), lambda text: print(text, file=sys.stderr))
    out["machine"] = machine(("torch", "openvino", "torchvision", "pillow"))
    if args.json:
        args.json.write_text(json.dumps(out, indent=1) + "\n")
    sys.stdout.writelines(text + "\n" for text in report(out))


if __name__ == "__main__":
    main()
