"""``allviewer models list|show``."""

import argparse
from typing import Any


def add(subparsers: Any) -> None:
    """Add the verb to an argparse subparsers object."""
    parser = subparsers.add_parser("models", help="list the models there are, or show one's card")
    verbs = parser.add_subparsers(dest="models_verb", required=True, metavar="list|show")
    verbs.add_parser("list", help="name, digest, classes and AUROC of every model").set_defaults(run=run_list)
    show = verbs.add_parser("show", help="a model's card")
    show.add_argument("model", help="a model's name or file")
    show.add_argument("--json", action="store_true", help="the whole card as JSON")
    show.set_defaults(run=run_show)


def run_list(args: argparse.Namespace) -> int:
    """One line a model."""
    from allviewer.systems import list_models

    for entry in list_models():
        auroc = entry.card.judged.metrics.get("auroc")
        shown = "not judged" if auroc is None else f"AUROC {auroc.value:.3f}, {entry.card.judged.split}"
        print(f"{entry.name}  {entry.digest[:12]}  {entry.card.unit}  {'/'.join(entry.card.classes)}  {shown}")
    return 0


def run_show(args: argparse.Namespace) -> int:
    """The card."""
    from allviewer.systems.bundle import file_digest, read_card
    from allviewer.systems.model import locate_model

    path = locate_model(args.model)
    card = read_card(path)
    if args.json:
        print(card.model_dump_json(indent=2))
        return 0
    from allviewer.systems.describe import describe

    print(f"file     {path}\nsha256   {file_digest(path)}\n{describe(card)}")
    return 0
