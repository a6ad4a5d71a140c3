"""``allviewer analyze``: whole images in, folders of results out, without a window."""

import argparse
import os
import sys
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from allviewer.cli.model_options import add_models, cell_model

if TYPE_CHECKING:
    from allviewer.export import Analysed
    from allviewer.systems import Model

HELP = "find and classify the white cells of images, and write tables, outlines and pictures"


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser("analyze", aliases=["analyse"], help=HELP, description=HELP)
    parser.add_argument("images", nargs="+", metavar="IMAGE", type=Path)
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="one folder per image is made in it")
    add_models(parser)
    parser.add_argument("--segmenter", default="default", choices=("default", "oadls"), help="default: %(default)s")
    parser.add_argument(
        "--preprocess", default="none", choices=("none", "reinhard", "macenko", "wiener", "dhe"), metavar="NAME",
        help="what cells are looked for in: none (default), reinhard or macenko (stain normalised), wiener, dhe; "
        "classification keeps the pixels as they are",
    )  # fmt: skip
    parser.add_argument("--pixel-size", type=micrometres, metavar="UM", help="µm per pixel, where you know it")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"), help="default: %(default)s")
    parser.add_argument("--heat", action="store_true", help="write Grad-CAM heat maps too")
    parser.add_argument("--workers", type=positive, default=1, metavar="N", help="images at a time (default: 1)")
    parser.add_argument("--overwrite", action="store_true", help="replace existing results")
    parser.set_defaults(run=run)


def micrometres(text: str) -> float:
    """An argparse type: µm per pixel a microscope can have."""
    value = float(text)
    if not 0.01 <= value <= 20:
        raise argparse.ArgumentTypeError(f"{text} is no microscope's pixel: expected 0.01 to 20 µm")
    return value


def positive(text: str) -> int:
    """An argparse type: a whole number from 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, got {text}")
    return value


def run(args: argparse.Namespace) -> int:
    """Exit status: 0 all done, 1 some failed (named on stderr; the rest is written), 2 usage, before any work."""
    refusal = _refusal(args)
    if refusal:
        print(f"allviewer analyze: {refusal}", file=sys.stderr)
        return 2
    # OpenMP threads that spin while others wait cost ten times their work; set before any library reads it
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    _models(args)  # a model that cannot be used is one sentence, not one a slide
    failed = 0
    for image, problem, verdicts in _each(args):
        if problem:
            failed += 1
            print(f"allviewer: {problem}", file=sys.stderr)
        else:
            print(f"{image} -> {args.out / image.stem}")
            print(verdicts)
    if failed:
        rest = "; the others are written" if failed < len(args.images) else ""
        print(f"allviewer: {failed} of {len(args.images)} images failed{rest}", file=sys.stderr)
    return 1 if failed else 0


def _refusal(args: argparse.Namespace) -> str:
    """Why the command as typed cannot be started, or nothing."""
    try:
        why = _nameless(args) or _twice(args) or _no_folder(args.out) or _in_the_way(args)
    except OSError as error:
        why = f"{error.filename or args.out}: {error.strerror or error}"
    return f"{why}. Nothing was done." if why else ""


def _nameless(args: argparse.Namespace) -> str:
    """No folder can be called '.' or '..': results would land in, or above, --out itself."""
    bad = [str(p) for p in args.images if p.stem in ("", ".", "..") and not p.is_dir()]
    return f"{', '.join(bad)}: no folder can be named after this image: rename it" if bad else ""


def _twice(args: argparse.Namespace) -> str:
    """Images that would share a folder, on any disk: some hold 'A' and 'a' for one name, some two spellings of 'ü'."""
    alike: dict[str, list[Path]] = {}
    for image in args.images:
        alike.setdefault(unicodedata.normalize("NFC", image.stem).casefold(), []).append(image)
    for images in alike.values():
        if len(images) > 1:
            names = ", ".join(map(str, images))
            return f"{names} would all be written to {args.out / images[0].stem}: rename one or use another --out"
    return ""


def _no_folder(out: Path) -> str:
    """Why nothing can be written in ``out``, whether it is there already or has to be made."""
    there = next(place for place in (out, *out.absolute().parents) if place.exists() or place.is_symlink())
    if not there.is_dir():
        return f"--out {out}: {there} is not a folder"
    return "" if os.access(there, os.W_OK | os.X_OK) else f"--out {out}: you may not write in {there}"


def _in_the_way(args: argparse.Namespace) -> str:
    """Existing results that were not asked to be replaced, and anything else that never is."""
    there = [args.out / p.stem for p in args.images if p.stem not in ("", ".", "..") and (args.out / p.stem).exists()]
    if there and not args.overwrite:
        names = ", ".join(map(str, there[:5])) + (", …" if len(there) > 5 else "")
        return f"results are already there: {names}. Add --overwrite to replace them"
    if not there:
        return ""
    from allviewer.export.folder import foreign

    for folder in there:
        others = foreign(folder)
        if others:
            names = ", ".join(others[:3]) + (", …" if len(others) > 3 else "")
            return f"{folder} holds what no analysis wrote, and is not replaced: {names}. Move that away"
    return ""


def _each(args: argparse.Namespace):  # type: ignore[no-untyped-def]
    """(image, problem, verdicts) of each, as they are done; the problem is an empty string where there is none."""
    jobs = [(image, args) for image in args.images]
    if args.workers == 1 or len(jobs) == 1:
        yield from map(_one, jobs)
        return
    from allviewer.cli.workers import spread

    os.environ["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // args.workers))
    yield from spread(_one, jobs, min(args.workers, len(jobs)), _died)


def _died(job: tuple[Path, argparse.Namespace]) -> tuple[Path, str, str]:
    return job[0], f"{job[0]}: the worker process died. Try fewer --workers (memory).", ""


def _one(job: tuple[Path, argparse.Namespace]) -> tuple[Path, str, str]:
    """Analyse and write one image."""
    from allviewer.export import write_results
    from allviewer.vocab.errors import AllviewerError

    image, args = job
    try:
        done = analysed(image, args)
        write_results(args.out / image.stem, done, overwrite=args.overwrite)
        done.slide.close()
    except AllviewerError as error:
        return image, str(error), ""
    except MemoryError:
        return image, f"{image}: not enough memory for this image. Close other programs or use fewer --workers.", ""
    told = [f"  {v.name} {v.grade}: {v.sentence}" for v in done.quality.verdicts]
    if done.likeness is not None and done.likeness.unlike:
        told.append(f"  likeness {'poor' if done.likeness.doubtful else 'fair'}: {done.likeness.sentence}")
    if done.suggestion is not None:
        told.append(f"  {done.suggestion.sentence}")
    return image, "", "\n".join(told)


_LOADED: "dict[tuple[str, str], Model]" = {}  # one load a process, however many images it is given


def _models(args: argparse.Namespace) -> "tuple[Model | None, Model | None]":
    """The models for cells and for whole fields, as far as they are wanted; ModelError for one of the other kind."""
    from allviewer.systems import load_model
    from allviewer.systems.crops import expect_unit

    def loaded(chosen: str | None, unit: str) -> "Model | None":
        if chosen is None:
            return None
        key = (chosen, args.device)
        if key not in _LOADED:
            _LOADED[key] = load_model(*key, accepted=args.accept_model)
        expect_unit(_LOADED[key].name, _LOADED[key].card, unit)
        return _LOADED[key]

    return loaded(cell_model(args), "cell"), loaded(args.field_model, "field")


def analysed(image: Path, args: argparse.Namespace) -> "Analysed":
    """Run the engine over one image to its end."""
    from allviewer.engine import analyse
    from allviewer.engine.optics import overview
    from allviewer.export import Analysed
    from allviewer.slides import open_slide
    from allviewer.systems.fields import suggest_for_field
    from allviewer.systems.likeness import slide_likeness
    from allviewer.vocab.cells import CellTable
    from allviewer.vocab.events import CellsClassified, CellsFound, FieldJudged, Finished, Started
    from allviewer.vocab.prediction import Prediction
    from allviewer.vocab.quality import FieldQuality

    model, whole = _models(args)
    slide = open_slide(image)
    tables, parts, judged, seconds = [], [], [], {}
    events = analyse(
        slide, model=model, segmenter=args.segmenter, preprocessing=args.preprocess, pixel_size_um=args.pixel_size,
        heat=args.heat,
    )  # fmt: skip
    for event in events:
        match event:
            case Started(recipe=recipe, pixel_size=pixel_size):
                settled = recipe, pixel_size
            case CellsFound(cells=cells):
                tables.append(cells)
            case FieldJudged(quality=quality):
                judged.append(quality)
            case CellsClassified(prediction=prediction):
                parts.append(prediction)
            case Finished():
                seconds = event.seconds
    recipe, pixel_size = settled
    said = Prediction.concat(parts) if parts else None
    return Analysed(
        slide, pixel_size, recipe, CellTable.concat(tables), said,
        None if model is None else model.card.shown_taxonomy,
        "" if model is None else model.name, seconds, FieldQuality.over(judged),
        None if model is None or said is None else slide_likeness(model.card, said),
        None if whole is None else suggest_for_field(whole, overview(slide)[0]),
        accepted=model is not None and model.name in args.accept_model,
    )  # fmt: skip
