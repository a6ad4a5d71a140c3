"""``allviewer compare MODEL... DATA``."""

import argparse
import sys
from pathlib import Path
from typing import Any

from allviewer.cli import report


def add(subparsers: Any) -> None:
    """Add the verb to an argparse subparsers object."""
    parser = subparsers.add_parser(
        "compare",
        help="judge several models on the same cells",
        usage="allviewer compare MODEL MODEL [MODEL ...] DATA [--json FILE] [--html FILE [--crops]] [--device NAME]",
        description="Judge several models on the same labelled cells: one table, the differences to the first model "
        "with 95 %% intervals from the same draws of sessions or subjects, McNemar's test, and the cells they disagree "
        "on. A model that was trained on these cells answers with its stored out-of-fold predictions.".replace(
            "%", "%%"
        ),
    )
    parser.add_argument("models", nargs="+", metavar="MODEL", help="names or files of models; the last word is DATA")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything as JSON too")
    report.add_report(parser)
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"), help="default auto")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Compare; 0 when the figures are out, 2 wrong usage (nothing was done)."""
    why = _refusal(args)
    if why:
        print(f"allviewer compare: {why}. Nothing was done.", file=sys.stderr)
        return 2
    from allviewer import learning
    from allviewer.learning.report import comparison_page, comparison_text

    *models, data = args.models
    found = learning.compare(models, Path(data), device=args.device, pictures=args.crops)
    report.write(args.json, lambda: found.comparison.model_dump_json(indent=2) + "\n")
    report.write(args.html, lambda: comparison_page(found.comparison, found.sheet))
    print(comparison_text(found.comparison))
    return 0


def _refusal(args: argparse.Namespace) -> str:
    """Why the command as typed cannot be started, or nothing."""
    if len(args.models) < 3:
        return f"expected two models or more, then DATA, got {len(args.models)} words"
    if args.crops and args.html is None:
        return "--crops puts pictures into a page: expected --html FILE"
    return report.unwritable(("--json", args.json), ("--html", args.html))
