"""``allviewer evaluate MODEL|SYSTEM DATA``."""

import argparse
import sys
from pathlib import Path
from typing import Any

from allviewer.cli.train import add_fitting, tell
from allviewer.vocab.errors import ExportError


def add(subparsers: Any) -> None:
    """Add the verb to an argparse subparsers object."""
    parser = subparsers.add_parser(
        "evaluate",
        help="judge a model on labelled cells",
        description="Judge a trained model, or a system by training it fold by fold. On the data that a model was "
        "trained on, the answer comes from its stored out-of-fold predictions.",
    )
    parser.add_argument("model", help="a model's name or file, or a system's name (then --out is needed)")
    parser.add_argument("data", type=Path, help="an ALL-IDB1 tree, a folder with one folder a class, or a CSV manifest")
    parser.add_argument("--out", type=Path, metavar="MODEL", help="where the model of a judged system is written")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON too")
    add_fitting(parser, ("fold", "session", "image"))
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Judge; 0 when the figures are out, 2 wrong usage (nothing was done)."""
    import json

    if args.json is not None and (args.json.is_dir() or not args.json.absolute().parent.is_dir()):
        print(
            f"allviewer evaluate: --json {args.json}: no file can be written there. Nothing was done.", file=sys.stderr
        )
        return 2
    from allviewer import learning

    for event in learning.evaluation_events(
        args.model, args.data, split=args.split, folds=args.folds, epochs=args.epochs,
        learning_rate=args.learning_rate, seed=args.seed, device=args.device, taxonomy=args.taxonomy, work=args.out,
    ):  # fmt: skip
        if not isinstance(event, learning.Evaluation):
            tell(event)
            continue
        print(event.as_text())
        if args.json is not None:
            _write(args.json, json.dumps(event.as_dict(), indent=2, ensure_ascii=False) + "\n")
    return 0


def _write(path: Path, text: str) -> None:
    half = path.with_name(path.name + ".part")
    try:
        half.write_text(text, encoding="utf-8")
        half.replace(path)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise ExportError("the figures cannot be written", where=str(path), got=error.strerror or str(error)) from error
