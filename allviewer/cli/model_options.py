"""The options by which a verb is told what models to use."""

import argparse

from allviewer.resources import DEFAULT_MODEL

NO_MODEL = "none"


def add_models(parser: argparse.ArgumentParser) -> None:
    """Add ``--model``, ``--field-model`` and ``--accept-model``."""
    parser.add_argument(
        "--model", default=DEFAULT_MODEL, metavar="NAME|FILE",
        help="classifies the cells; 'none' finds and measures only (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--field-model", metavar="NAME|FILE", help="suggests a class for each image as a whole, never for a cell"
    )
    parser.add_argument(
        "--accept-model", action="append", default=[], metavar="NAME",
        help="use this model although its file is not the one that the program came with, or that the study knows",
    )  # fmt: skip


def cell_model(args: argparse.Namespace) -> str | None:
    """The model for cells, None where none is wanted."""
    return None if args.model == NO_MODEL else str(args.model)
