"""``allviewer evaluate MODEL|SYSTEM DATA`` and ``allviewer evaluate segmentation [DATA...]``."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from allviewer.cli import report
from allviewer.cli.train import DATA, SPLITS, add_fitting, tell

SEGMENTATION = "segmentation"
"""Stands where a model's name is asked for; a file of that name is meant by its path, ./segmentation."""

OF_A_MODEL = ("out", "html", "crops", "split", "folds", "epochs", "learning_rate", "seed", "taxonomy", "device")
USAGE = """allviewer evaluate MODEL|SYSTEM DATA [--json FILE] [--html FILE [--crops]] [options of a model]
       allviewer evaluate segmentation [DATA ...] [--segmenter NAME] [--pictures DIR] [--json FILE]"""
ABOUT = (
    "Judge a trained model, or a system by training it fold by fold: on the data that a model was trained on, the "
    "answer comes from its stored out-of-fold predictions; the trivial colour baseline stands beside. Or, with the "
    "word segmentation, judge how well cells are found and outlined: every figure with its 95 %% interval, what it "
    "should reach, and the worst cases by name."
)


def add(subparsers: Any) -> None:
    """Add the verb to an argparse subparsers object."""
    parser = subparsers.add_parser(
        "evaluate", help="judge a model on labelled cells, or the segmentation", usage=USAGE, description=ABOUT
    )
    parser.add_argument(
        "model", metavar="MODEL|segmentation", help="a model's name or file, a system's name, or this word"
    )
    parser.add_argument(
        "data", nargs="*", metavar="DATA",
        help=f"of a model: {DATA}. Of the segmentation: "
        "data sets with their manifest.csv, folders of such, or the word synthetic (the default), which needs no data",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON too")
    ours = parser.add_argument_group("options of the segmentation")
    ours.add_argument("--segmenter", choices=("default", "oadls"), help="default: default")
    ours.add_argument(
        "--pictures", type=Path, metavar="DIR", help="draw the worst cases, found and true, and the curves"
    )
    theirs = parser.add_argument_group("options of a model")
    theirs.add_argument("--out", type=Path, metavar="MODEL", help="where the model of a judged system is written")
    report.add_report(theirs)
    add_fitting(theirs, SPLITS)
    parser.set_defaults(run=run, usual={name: parser.get_default(name) for name in OF_A_MODEL})


def run(args: argparse.Namespace) -> int:
    """Judge; 0 when the figures are out, 2 wrong usage (nothing was done)."""
    why = _refusal(args)
    if why:
        print(f"allviewer evaluate: {why}. Nothing was done.", file=sys.stderr)
        return 2
    return _segmentation(args) if args.model == SEGMENTATION else _model(args)


def _refusal(args: argparse.Namespace) -> str:
    """Why the command as typed cannot be started, or nothing."""
    why = report.unwritable(("--json", args.json), ("--html", args.html))
    if why:
        return why
    if args.model == SEGMENTATION:
        for name, usual in args.usual.items():
            if getattr(args, name) != usual:
                return f"--{name.replace('_', '-')} is an option of a model, not of the segmentation"
        if args.pictures is not None and args.pictures.exists() and not args.pictures.is_dir():
            return f"--pictures {args.pictures}: this is no folder"
        return ""
    if args.segmenter is not None or args.pictures is not None:
        return "--segmenter and --pictures are options of the segmentation: expected 'allviewer evaluate segmentation'"
    if args.crops and args.html is None:
        return "--crops puts pictures into a page: expected --html FILE"
    return "" if len(args.data) == 1 else f"a model is judged on one DATA, got {len(args.data)}"


def _model(args: argparse.Namespace) -> int:
    from allviewer import learning
    from allviewer.learning.report import evaluation_page, evaluation_text

    for event in learning.evaluation_events(
        args.model, Path(args.data[0]), split=args.split, folds=args.folds, epochs=args.epochs,
        learning_rate=args.learning_rate, seed=args.seed, device=args.device, taxonomy=args.taxonomy,
        work=args.out, pictures=args.crops,
    ):  # fmt: skip
        if isinstance(event, learning.Evaluated):
            last = event
        else:
            tell(event)
    found = last.evaluation
    report.write(args.json, lambda: found.model_dump_json(indent=2) + "\n")
    report.write(args.html, lambda: evaluation_page(found, last.sheet))
    print(evaluation_text(found))
    return 0


def _segmentation(args: argparse.Namespace) -> int:
    from allviewer import __version__
    from allviewer.learning import segmentation

    name = args.segmenter or "default"
    sections = []
    print(f"segmentation '{name}', allviewer {__version__}; intervals are bootstrapped over sessions or images\n")
    for section in segmentation.judged(args.data, name):
        print(segmentation.section_text(section, floors=name == "default"), flush=True)
        if args.pictures is not None:
            drawn = segmentation.write_pictures(args.pictures, section.data, section.cases)
            for path in drawn + segmentation.write_curves(args.pictures, section.data, section.curves):
                print(f"  {path}", flush=True)
            print()
        sections.append(section.as_dict())
    told = {"version": __version__, "segmenter": name, "research_use_only": True, "sections": sections}
    report.write(args.json, lambda: json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    return 0
