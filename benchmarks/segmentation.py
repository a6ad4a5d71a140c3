"""Segmentation of a field: the project against named peers, installed here and run interleaved with it.

    python benchmarks/segmentation.py [--quick] [--json FILE] [--rounds N]

Everybody gets the same decoded array. Every figure is the median of interleaved rounds, wall and process CPU; what
each found on a field with exact truth stands beside its time, because speed without quality is nothing. CellProfiler
and ImageJ are installed into the user's cache folder; where that fails the row says why. Everybody has the threads it
brings. On a busy machine look at CPU: a short run waits for nobody, a long one for all. --quick takes a quarter of
the field, few rounds, and installs nothing.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from peers import contest, limits, pictures, stages
from peers.ours import Ours
from peers.quality import words
from peers.rounds import TARGETS, machine, timed

from allviewer.segment.pixel_size import estimate_pixel_size

PARTS = {
    "features": "regionprops_table",
    "traced": "find_contours",
    "outlines": "find_contours, smoothed, thinned",
}
COLUMNS = f"{'':34} {'wall ms':>9} {'(min)':>9} {'cpu ms':>9} {'(min)':>9} {'x wall':>7} {'x cpu':>7} {'target':>7}"


def measure(picture, real, rounds, *, quick):
    """Everything the report shows, as plain numbers."""
    peers = contest.invite()
    try:
        out = {"fields": {picture.name: contest.fields(picture, peers, rounds)}}
        if real is not None:
            out["fields"][real.name] = contest.fields(real, peers, max(1, rounds // 2))
    finally:
        for peer in peers.values():
            if not isinstance(peer, str):
                peer.close()
    out["oadls"] = contest.recipe(picture, max(1, rounds // 2))
    out["parts"] = contest.measuring(picture, rounds)
    # Four quarters of a field would fit one tile, so --quick cuts them smaller; halos then weigh more.
    longest = max(picture.rgb.shape) if quick else limits.LONGEST_TILE
    out["tiled"] = limits.Tiled(pictures.mosaic(picture), longest).compare(rounds)
    out["first"] = first(picture, quick=quick)
    out["stages"] = by_stage(picture, rounds)
    return out


def first(picture, *, quick):
    """First fields of new processes, where nothing is compiled, and as an installation leaves it; --quick: as it is."""
    if quick:
        return {"as it is here": limits.first_fields(picture, os.environ.get("NUMBA_CACHE_DIR", ""))}
    with tempfile.TemporaryDirectory() as empty, tempfile.TemporaryDirectory() as installed:
        seconds = limits.compile_ahead(installed)
        return {
            "as installed": {**limits.first_fields(picture, installed), "compile_ahead": seconds},
            "nothing compiled": limits.first_fields(picture, empty),
        }


def by_stage(picture, rounds):
    """Shares of the default route by stage, and milliseconds of CPU of the route and of estimating the pixel size."""
    ours = Ours()
    shares = [stages.stages(lambda: ours.table(picture))[0] for _ in range(rounds + 1)][1:]
    names = sorted({n for s in shares for n in s}, key=lambda n: -float(np.median([s.get(n, 0) for s in shares])))
    return {
        "cpu_ms": 1e3 * float(np.median([timed(lambda: ours.table(picture))[2] for _ in range(rounds)])),
        "pixel_size_cpu_ms": 1e3
        * float(np.median([timed(lambda: estimate_pixel_size(picture.rgb))[2] for _ in "abc"])),
        "shares": {n: float(np.median([s.get(n, 0) for s in shares])) for n in names},
    }


def line(name, row, target=""):
    """One row of a table."""
    if "reason" in row:
        return f"{name:34} {row['reason']}"
    figures = " ".join(f"{row[k]:9.2f}" for k in ("wall", "wall_min", "cpu", "cpu_min"))
    ratios = " ".join(f"{row['ratio'][k]:7.1f}" for k in ("wall", "cpu")) if "ratio" in row else " " * 15
    return f"{name:34} {figures} {ratios} {target:>7}  {words(row['quality']) if 'quality' in row else ''}".rstrip()


def report(out):
    """The measured as text."""
    m = out["machine"]
    yield f"{m['cpu']}, {m['cores']} cores, load {m['load']}, Python {m['python']}, threads {m['threads']}"
    yield ", ".join(f"{name} {v}" for name, v in m["packages"].items())
    for name, rows in out["fields"].items():
        yield from ("", name, COLUMNS)
        yield from (line(peer, row, f">={TARGETS[peer]}" if peer in TARGETS else "") for peer, row in rows.items())
    said = {name: row["said"] for rows in out["fields"].values() for name, row in rows.items() if "said" in row}
    yield from (f"  {name}: {text}" for name, text in said.items())
    yield from ("", "oadls, the five stages from array to numbered parts", COLUMNS)
    yield line("allviewer", out["oadls"]["allviewer"])
    yield line("scikit-image and SciPy", out["oadls"]["oadls"], f">={TARGETS['oadls']}")
    yield f"  the whole route, lobes joined: {words(out['oadls']['allviewer']['route'])}"
    yield from ("", f"measuring and outlining {out['parts']['cells']} cells", COLUMNS)
    for part, peer in PARTS.items():
        yield line(f"allviewer {part}", out["parts"][part]["allviewer"])
        yield line(peer, out["parts"][part]["peer"], f">={TARGETS[part]}")
    yield from _limits(out)
    yield from ("", f"default route by stage, {out['stages']['cpu_ms']:.1f} ms of CPU")
    yield from (
        f"  {name:20} {100 * share:5.1f} %  {share * out['stages']['cpu_ms']:8.2f} ms"
        for name, share in out["stages"]["shares"].items()
        if share >= 0.001
    )
    yield f"  estimating the pixel size, where no file says it, takes {out['stages']['pixel_size_cpu_ms']:.1f} ms more"


def _limits(out):
    tiled, times = out["tiled"], out["tiled"]["times"]
    yield ""
    yield f"four fields in one, {tiled['tiles']} tiles, {tiled['cells']} cells, {tiled['cells_that_differ']} differ"
    yield COLUMNS
    yield from (line(name, row) for name, row in times.items())
    for name, base in (("tiled", "whole"), ("two threads", "tiled")):
        wall, cpu = (times[base][kind] / times[name][kind] for kind in ("wall", "cpu"))
        yield f"  speed of {name} to {base}: wall {wall:.2f}, cpu {cpu:.2f} (target >={TARGETS[name]})"
    yield from ("", f"a new process (targets: first field <={TARGETS['first field s']} s, memory "
                f"<={TARGETS['memory B/px']} bytes a pixel beside the image)")  # fmt: skip
    for name, row in out["first"].items():
        ahead = f"compiled ahead in {row['compile_ahead']:.1f} s, " if "compile_ahead" in row else ""
        yield (
            f"  {name:16} {ahead}import {row['import']:.2f} s, first field {row['first']:.2f} s "
            f"({row['first_cpu']:.2f} of CPU), second {row['second']:.3f} s, "
            f"peak {row['bytes_per_pixel']:.1f} bytes a pixel"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a quarter of the field, few rounds, nothing installed")
    parser.add_argument("--json", type=Path, help="write everything measured there")
    parser.add_argument("--rounds", type=int, help="interleaved rounds (7; 2 with --quick)")
    args = parser.parse_args()
    if args.quick:
        os.environ["ALLVIEWER_BENCHMARK_INSTALLS"] = "0"
    picture = pictures.synthetic(972, 1296, cells=10) if args.quick else pictures.synthetic()
    real = None if args.quick else pictures.real()
    out = measure(picture, real, args.rounds or (2 if args.quick else 7), quick=args.quick)
    out["machine"] = machine()
    if args.json:
        args.json.write_text(json.dumps(out, indent=1) + "\n")
    sys.stdout.writelines(text + "\n" for text in report(out))


if __name__ == "__main__":
    main()
