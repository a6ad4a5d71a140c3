"""``allviewer synth``: render a smear whose every cell is known."""

import argparse
import sys
from pathlib import Path
from typing import Any

HELP = "render a synthetic smear, of any size, with exact truth"
STAIN_NAMES = ("wright-giemsa", "may-gruenwald-giemsa", "leishman", "pale", "dark", "blue")
"""Names of `allviewer.synth.STAINS`, kept here so that the command line needs no numpy; a test holds them equal."""


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb to the command line."""
    about = (
        f"{HELP}. A .png is one field in memory; a .tif or .tiff is a tiled pyramid, written tile by tile. "
        "Files say that they are synthetic; keep the word in the name too."
    )
    parser = subparsers.add_parser("synth", help=HELP, description=about)
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help=".png, .tif or .tiff")
    parser.add_argument("--height", type=int, default=1944, metavar="PX", help="default: %(default)s")
    parser.add_argument("--width", type=int, default=2592, metavar="PX", help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: %(default)s")
    parser.add_argument("--stain", choices=STAIN_NAMES, default=STAIN_NAMES[0], help="default: %(default)s")
    parser.add_argument("--um-per-px", type=float, default=0.096, metavar="UM", help="default: %(default)s")
    parser.add_argument("--white-cells", type=int, metavar="N", help="exact number (default: by area)")
    parser.add_argument("--smudges", type=int, metavar="N", help="exact number (default: by area)")
    parser.add_argument("--blast-fraction", type=float, default=0.5, metavar="SHARE", help="default: %(default)s")
    parser.add_argument("--blur-um", type=float, metavar="UM", help="optical blur, standard deviation")
    parser.add_argument("--noise", type=float, metavar="GREY", help="sensor noise at full light, grey levels")
    parser.add_argument("--jpeg", action="store_true", help="pack a pyramid as JPEG: much smaller, not exact")
    parser.add_argument("--truth", action="store_true", help="also write cell and nucleus labels and a table beside it")
    parser.add_argument("--overwrite", action="store_true", help="replace existing files")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Exit status: 0 written, 2 wrong usage (nothing was done); what cannot be written is raised as ExportError."""
    suffix = args.out.suffix.lower()
    if suffix not in (".png", ".tif", ".tiff"):
        return _refuse(f"{args.out}: expected a name that ends in .png, .tif or .tiff")
    if suffix == ".png" and args.jpeg:
        return _refuse("--jpeg is for pyramids: give --out a name that ends in .tif")
    if suffix == ".png" and args.height * args.width > 40_000_000:
        return _refuse("more than 40 million pixels do not fit a PNG well: give --out a name that ends in .tif")

    from allviewer.synth import Scene, truth_paths

    targets = [args.out, *(truth_paths(args.out).values() if args.truth else ())]
    there = [str(path) for path in targets if path.exists()]
    if there and not args.overwrite:
        return _refuse(f"already there: {', '.join(there)}. Add --overwrite to replace")
    names = ("seed", "stain", "um_per_px", "white_cells", "smudges", "blast_fraction", "blur_um", "noise")
    chosen = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    try:
        scene = Scene(args.height, args.width, **chosen)
    except ValueError as error:
        return _refuse(str(error))
    for path in _write(args, scene, chosen):
        print(path)
    return 0


def _write(args: argparse.Namespace, scene: Any, chosen: dict[str, Any]) -> list[Path]:
    from allviewer.synth import render, write_png, write_slide

    if args.out.suffix.lower() == ".png":
        return write_png(args.out, render(scene), scene, truth=args.truth)
    packing = "jpeg" if args.jpeg else "deflate"
    return write_slide(args.out, args.height, args.width, truth=args.truth, compression=packing, **chosen)


def _refuse(why: str) -> int:
    print(f"allviewer synth: {why}. Nothing was done.", file=sys.stderr)
    return 2
