"""``allviewer open``: the window."""

import argparse
from pathlib import Path

from allviewer.cli.model_options import add_models, cell_model

HELP = "open the viewer"


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("open", help=HELP, description="Open the viewer, on images where some are named.")
    parser.add_argument("images", nargs="*", metavar="IMAGE", type=Path)
    parser.add_argument(
        "--study", type=Path, metavar="FILE", help="file that keeps the decisions (default: in your user data folder)"
    )
    add_models(parser)
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"), help="default: %(default)s")
    parser.add_argument("--segmenter", default="default", choices=("default", "oadls"), help="default: %(default)s")
    parser.add_argument(
        "--preprocess", default="none", choices=("none", "reinhard", "macenko", "wiener", "dhe"), metavar="NAME",
        help="what cells are looked for in: none (default), reinhard, macenko, wiener or dhe",
    )  # fmt: skip
    parser.add_argument("--pixel-size", type=_micrometres, metavar="UM", help="µm per pixel, where you know it")
    parser.add_argument("--sample", action="store_true", help="open the rendered (synthetic) sample smear")
    parser.add_argument(
        "--screenshot", type=Path, metavar="PNG", help="save a picture of the window once the image is analysed; close"
    )
    parser.set_defaults(run=run)


def _micrometres(text: str) -> float:
    value = float(text)
    if not 0.01 <= value <= 20:
        raise argparse.ArgumentTypeError(f"{text} is no microscope's pixel: expected 0.01 to 20 µm")
    return value


def run(args: argparse.Namespace) -> int:
    """Exit status: 0; 1 where a picture was asked for and could not be taken."""
    from platformdirs import user_cache_path

    from allviewer.gui.app import Request, launch, prepare_environment

    prepare_environment()
    from allviewer.gui.options import Options

    options = Options(
        study=args.study,
        runs=user_cache_path("allviewer", appauthor=False) / "runs",
        model=cell_model(args),
        field_model=args.field_model,
        accepted=frozenset(args.accept_model),
        device=args.device,
        segmenter=args.segmenter,
        preprocessing=args.preprocess,
        pixel_size_um=args.pixel_size,
    )
    return launch(options, Request(args.images, args.sample, args.screenshot))
