"""``allviewer train SYSTEM DATA --out MODEL``."""

import argparse
from pathlib import Path
from typing import Any

SPLITS = ("fold", "subject", "session", "image", "given")
DATA = (
    "a folder with one folder a class; a C-NMC 2019, ALL-IDB or Taleghani tree; a CSV manifest; or a study of reviewed "
    "cells"
)
TAXONOMY = (
    "classes to tell apart: all-hem, benign-early-pre-pro, fab, lineages, a .toml or .json FILE of your own, or "
    "the word folders for the labels as the data name them (default: the usual ones of such data)"
)


def add(subparsers: Any) -> None:
    """Add the verb to an argparse subparsers object."""
    parser = subparsers.add_parser(
        "train",
        help="train a classifier system on labelled cells",
        description="Train a classifier system. It is first judged on held-out folds, then fitted on everything, "
        "calibrated, and written with its card. Progress is kept after every epoch: see --resume.",
    )
    parser.add_argument("system", help="name of the system, e.g. alnet")
    parser.add_argument("data", type=Path, help=DATA)
    parser.add_argument("--out", type=Path, required=True, metavar="MODEL", help="the .safetensors file to write")
    parser.add_argument("--resume", action="store_true", help="go on where an interrupted training stopped")
    parser.add_argument(
        "--set", action="append", default=[], type=setting, metavar="NAME=VALUE", dest="options",
        help="an option of the system's own, e.g. activation=relu; a wrong name lists them",
    )  # fmt: skip
    parser.add_argument("--backbone", metavar="NAME", help="the same as --set backbone=NAME")
    parser.add_argument("--backbone-weights", metavar="FILE|official|none", help="the same as --set backbone-weights=…")
    parser.add_argument(
        "--patience", type=whole, metavar="N",
        help="keep a fifth of the training groups aside, stop after N epochs without gain there, keep the best "
        "(default: train on every cell, all epochs)",
    )  # fmt: skip
    parser.add_argument("--note", default="", metavar="TEXT", help="what readers of the card's figures should know")
    add_fitting(parser, (*SPLITS, "none"))
    parser.set_defaults(run=run)


def add_fitting(parser: "argparse._ActionsContainer", splits: tuple[str, ...]) -> None:
    """Options that ``train`` and ``evaluate`` share."""
    parser.add_argument(
        "--split",
        choices=splits,
        default="fold",
        help="fold: whole subjects or sessions dealt into folds (default); subject (or session): leave one out; image: "
        "without regard to subjects, optimistic, only to reproduce a paper; given: the folds that the data name"
        + ("; none: no judgement" if "none" in splits else ""),
    )
    parser.add_argument("--folds", type=several, default=4, metavar="N", help="how many folds (default 4)")
    parser.add_argument("--epochs", type=int, metavar="N", help="passes over the data (default: the system's own)")
    parser.add_argument("--learning-rate", type=rate, metavar="R", help="peak rate (default: the system's own)")
    parser.add_argument(
        "--seed", type=whole, default=0, metavar="N", help="same seed, same machine, same model (default 0)"
    )
    parser.add_argument("--taxonomy", default=None, metavar="KEY|FILE", help=TAXONOMY)
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"), help="default auto")


def rate(text: str) -> float:
    """An argparse type: a step an optimiser can take."""
    value = float(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"expected more than 0 and at most 1, got {text}")
    return value


def several(text: str) -> int:
    """An argparse type: a number of folds that leaves something to train on."""
    value = int(text)
    if value < 2:
        raise argparse.ArgumentTypeError(
            f"{text} folds would hold everything out and train on nothing: expected 2 or more, or --split none"
        )
    return value


def whole(text: str) -> int:
    """An argparse type: a whole number from 0 that a generator takes as its seed."""
    value = int(text)
    if not 0 <= value < 2**32:
        raise argparse.ArgumentTypeError(f"expected 0 to 4294967295, got {text}")
    return value


def setting(text: str) -> tuple[str, str]:
    """An argparse type: NAME=VALUE."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, got {text}")
    return name, value


def run(args: argparse.Namespace) -> int:
    """Train; 0 when the model is written."""
    from allviewer import learning
    from allviewer.learning.report import card_text

    options = dict(args.options)
    options |= {n: v for n in ("backbone", "backbone-weights") if (v := getattr(args, n.replace("-", "_"))) is not None}
    for event in learning.train(
        args.system, args.data, args.out, split=args.split, folds=args.folds, epochs=args.epochs,
        learning_rate=args.learning_rate, seed=args.seed, device=args.device, resume=args.resume,
        taxonomy=args.taxonomy, options=options, patience=args.patience, note=args.note,
    ):  # fmt: skip
        tell(event)
        if isinstance(event, learning.FitFinished):
            print()
            print(card_text(event.card))
    return 0


def tell(event: object) -> None:
    """One line for each event of a fit."""
    from allviewer import learning

    match event:
        case learning.FitStarted(samples, folds, epochs, split, data):
            print(f"taken for {data}", flush=True)
            print(
                f"{samples} labelled cells; {split}; {folds} folds and a final fit of {epochs} epochs each", flush=True
            )
        case learning.EpochDone(part, epoch, epochs, loss, accuracy, seconds, held_out):
            line = f"{part:9} epoch {epoch:3}/{epochs}  loss {loss:.4g}"
            line += "" if accuracy is None else f"  accuracy {accuracy:.3f}"
            line += "" if held_out is None else f"  kept aside {held_out:.3f}"
            print(f"{line}  {seconds:.1f} s", flush=True)
        case learning.FoldDone(part, cells, auroc):
            shown = "no AUROC: one class only" if auroc is None else f"AUROC {auroc:.3f}"
            print(f"{part:9} held out: {cells} cells, {shown}", flush=True)
        case learning.FitFinished(path, _):
            print(f"wrote {path}", flush=True)
