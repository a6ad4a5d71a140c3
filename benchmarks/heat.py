"""Classifying and explaining cells: the bundled models against pytorch-grad-cam, one image at a time and batched.

    python benchmarks/heat.py [--quick] [--json FILE] [--rounds N]

One core, eight crops. The project gives probabilities and the exact raw map of every class; pytorch-grad-cam gives
logits and the map of the predicted class, scaled and enlarged as it always does. What maps cost beside predicting is
measured by runs with and without, in turns. Medians of interleaved rounds, of wall and of process CPU: on a busy
machine look at CPU. Before timing, the maps are compared, class by class.
"""

import argparse
import json
import os
import sys
import warnings
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # before torch
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np
import torch
from peers import networks
from peers.grad_cam import GradCam
from peers.rounds import interleave, machine, ratio, timed

from allviewer.systems import load_model

BATCH = 8
ONE, MANY = "pytorch-grad-cam, an image", "pytorch-grad-cam, batched"
TARGETS = {"alnet": {ONE: 5.3, MANY: None}, "blastnet": {ONE: 8, MANY: 4.5}}
"""Times as fast, by system; ALNet's is what a prototype reached."""
OVERHEAD = 0.05
HEAD = f"  {'':28} {'wall ms':>8} {'(min)':>8} {'cpu ms':>8} {'(min)':>8} {'x wall':>6} {'x cpu':>6} {'target':>7}"


def explain(entry, rounds):
    """One bundled model: rows by name, the cost of maps, and how far its maps are from the peer's."""
    model, network = load_model(entry.path, "cpu"), networks.torch_form(entry)
    crops = networks.crops(BATCH, entry.card.input_px)
    peer = GradCam(network, network.last)
    try:
        exact = model._system.run(crops, heat=True).heat
        error = max(float(np.abs(exact[:, c] - peer.raw(crops, c)).max()) for c in range(exact.shape[1]))
        calls = {
            ONE: lambda: timed(lambda: peer.one_by_one(crops))[1:],
            MANY: lambda: timed(lambda: peer.batched(crops))[1:],
        }
        with_maps = lambda: timed(lambda: model.predict(crops, heat=True))[1:]  # noqa: E731
        times = interleave(with_maps, calls, rounds, 0.1)
        beside = interleave(with_maps, {"without": lambda: timed(lambda: model.predict(crops))[1:]}, 5 * rounds)
    finally:
        peer.close()
    own = times[""].summary()
    rows = {"allviewer": own}
    for name in calls:
        took = times[name].summary()
        rows[name] = {**took, "ratio": ratio(took, own)}
    with_, without = beside[""].summary(), beside["without"].summary()
    cost = {kind: with_[kind] / without[kind] - 1 for kind in ("wall", "wall_min", "cpu", "cpu_min")}
    return {"system": entry.card.system, "px": entry.card.input_px, "rows": rows, "cost": cost, "error": error,
            "largest": float(exact.max())}  # fmt: skip


def report(out):
    """The measured as text."""
    m = out["machine"]
    yield f"{m['cpu']}, {m['cores']} cores, load {m['load']}, Python {m['python']}"
    yield ", ".join(f"{name} {v}" for name, v in m["packages"].items())
    for name, one in out["models"].items():
        yield from ("", f"{name} ({one['system']}), {one['px']} px, {BATCH} crops, one core")
        yield HEAD
        for row, took in one["rows"].items():
            figures = " ".join(f"{took[k]:8.2f}" for k in ("wall", "wall_min", "cpu", "cpu_min"))
            ratios = " ".join(f"{took['ratio'][k]:6.2f}" for k in ("wall", "cpu")) if "ratio" in took else " " * 13
            aim = TARGETS.get(one["system"], {}).get(row)
            yield f"  {row:28} {figures} {ratios} {f'>={aim}' if aim else '':>7}".rstrip()
        cost = one["cost"]
        yield (
            f"  maps cost {cost['cpu']:.1%} of predicting by median CPU, {cost['cpu_min']:.1%} by the least, "
            f"{cost['wall_min']:.1%} by the least wall (target <={OVERHEAD:.0%})"
        )
        yield f"  farthest from pytorch-grad-cam's raw maps {one['error']:.1e}, where maps reach {one['largest']:.2g}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few rounds")
    parser.add_argument("--json", type=Path, help="write everything measured there")
    parser.add_argument("--rounds", type=int, help="interleaved rounds (7; 2 with --quick)")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    rounds = args.rounds or (2 if args.quick else 7)
    out = {"models": {name: explain(entry, rounds) for name, entry in networks.bundled().items()}}
    out["machine"] = machine(("torch", "openvino", "grad-cam"))
    if args.json:
        args.json.write_text(json.dumps(out, indent=1) + "\n")
    sys.stdout.writelines(text + "\n" for text in report(out))


if __name__ == "__main__":
    main()
