"""``allviewer models list|show|index``."""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from allviewer.systems.catalogue import Listed

COLUMNS = ("name", "system", "judges", "classes", "AUROC, 95 % interval", "size", "sha256", "from")


def add(subparsers: Any) -> None:
    """Add the verb to an argparse subparsers object."""
    parser = subparsers.add_parser("models", help="list the models there are, or show one's card")
    verbs = parser.add_subparsers(dest="models_verb", required=True, metavar="list|show|index")
    verbs.add_parser("list", help="every model file: what it judges, how well, its size and digest").set_defaults(
        run=run_list
    )
    show = verbs.add_parser("show", help="a model's card")
    show.add_argument("model", help="a model's name or file")
    show.add_argument("--json", action="store_true", help="the whole card as JSON")
    show.set_defaults(run=run_show)
    index = verbs.add_parser("index", help="write index.json of a folder of models, by which altered ones are noticed")
    index.add_argument("folder", type=Path)
    index.set_defaults(run=run_index)


def run_list(args: argparse.Namespace) -> int:
    """One line a model, then a sentence for each file that cannot be used."""
    from allviewer.systems.catalogue import catalogue

    models = catalogue()
    rows = [_row(one) for one in models if one.card is not None]
    if not rows:
        print("There is no model. 'allviewer train' makes one.")
    else:
        _table((COLUMNS, *rows))
    for one in models:
        if one.card is None or one.problem:
            print(f"\n{'cannot be used' if one.card is None else 'mind'}: {one.problem}")
    return 0


def _row(one: "Listed") -> tuple[str, ...]:
    from allviewer.systems.describe import figure_text

    assert one.card is not None
    figure = one.card.judged.metrics.get("auroc")
    return (
        one.name, one.card.system, "cells" if one.card.unit == "cell" else "whole fields", " ".join(one.card.classes),
        "not judged" if figure is None else figure_text(figure), f"{one.size / 1e6:.1f} MB", one.digest[:12],
        "bundled" if one.bundled else "yours",
    )  # fmt: skip


def _table(rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as their widest entry, two blanks apart, a line under the heads."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    for i, row in enumerate(rows):
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
        if i == 0:
            print("  ".join("-" * width for width in widths))


def run_show(args: argparse.Namespace) -> int:
    """The card."""
    from allviewer.systems.bundle import file_digest, read_card
    from allviewer.systems.describe import COLUMN, describe
    from allviewer.systems.index import expect_indexed
    from allviewer.systems.model import locate_model
    from allviewer.vocab.errors import AlteredModelError

    path = locate_model(args.model)
    card = read_card(path)
    if args.json:
        print(card.model_dump_json(indent=2))
        return 0
    digest = file_digest(path)
    width = min(120, shutil.get_terminal_size().columns) if sys.stdout.isatty() else 0
    print(describe(card, width))
    print(f"{'File':{COLUMN}}{path}, {path.stat().st_size / 1e6:.1f} MB")
    print(f"{'sha256':{COLUMN}}{digest}")
    try:
        expect_indexed(path, digest)
    except AlteredModelError as error:
        print(f"{'Mind':{COLUMN}}{error}")
    return 0


def run_index(args: argparse.Namespace) -> int:
    """Write the index of a folder."""
    from allviewer.systems.index import write_index
    from allviewer.vocab.errors import ModelError

    if not args.folder.is_dir():
        raise ModelError("there is no such folder of models", where=str(args.folder))
    print(f"wrote {write_index(args.folder)}")
    return 0
