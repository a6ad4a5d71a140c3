"""A card in words, for terminals and panels."""

import textwrap
from dataclasses import dataclass

from allviewer.systems.card import BackboneSource, DataSource, Figure, SystemCard, Training

COLUMN = 15
"""Characters of the terminal's left column, which holds what a line is about."""


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One figure of how a model was judged: its name, its value, and the colour baseline's where it was judged too."""

    name: str
    model: str
    baseline: str


@dataclass(frozen=True, slots=True)
class Passage:
    """One part of a card: what it is about, its sentences, and figures that stand under them."""

    title: str
    lines: tuple[str, ...]
    figures: tuple[FigureRow, ...] = ()


def passages(card: SystemCard) -> list[Passage]:
    """The whole card in reading order; parts that a model has nothing to say of are left out."""
    judged = card.judged
    names = ", ".join(kind.name for kind in card.shown_taxonomy.classes)
    unit = "single cells" if card.unit == "cell" else "a field as a whole, never single cells"
    out = [
        Passage("Tells apart", (f"{names} ({card.taxonomy}), in {unit}.",)),
        Passage("Limits", card.limits),
        Passage("Judged", (f"{judged.split}.", *judged.notes), _figures(card)),
        Passage("Trained on", tuple(_source(source) for source in card.data)),
        Passage("Method", (f"{card.system}. {card.paper}",)),
        Passage("Looks at", (_input(card),)),
        Passage("Training", _training(card.training)),
        Passage("Options", tuple(f"{name}: {value}" for name, value in card.options.items())),
        Passage("Backbones", tuple(_backbone(each) for each in card.backbones)),
        Passage("Heat explains", (card.explains or "the score that it predicts by (Grad-CAM of each class's logit).",)),
        Passage("Calibrated", (f"{card.calibration.fitted_on}.",)),
        Passage("Unsure", (f"{card.unsure.how}.",)),
        Passage("Unlike", () if card.likeness is None else (f"{card.likeness.how}.",)),
        Passage("Licence", (card.licence,)),
    ]
    return [passage for passage in out if passage.lines or passage.figures]


def describe(card: SystemCard, width: int = 0) -> str:
    """The card as text for a terminal; limits and the research-use notice come with it.

    Parameters
    ----------
    width : columns to wrap at; 0 leaves every sentence on one line.
    """
    lines = [f"{card.name} {card.version}: {card.title}"]
    for passage in passages(card):
        head = passage.title
        for sentence in passage.lines:
            for part in textwrap.wrap(sentence, width - COLUMN) if width > 3 * COLUMN else [sentence]:
                lines.append(f"{head:{COLUMN}}{part}")
                head = ""
        for row in passage.figures:
            beside = f"   (colour baseline {row.baseline})" if row.baseline else ""
            lines.append(f"{'':{COLUMN}}{row.name:28}{row.model}{beside}")
    return "\n".join(lines)


def figure_text(figure: Figure) -> str:
    """``0.912 (0.850 to 0.960)``."""
    if figure.low is None or figure.high is None:
        return f"{figure.value:.3f}"
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"


def headline_figure(card: SystemCard) -> str:
    """The one figure a list shows: AUROC with its interval, else accuracy, else that the model was not judged."""
    for name, words in (("auroc", "AUROC"), ("accuracy", "accuracy")):
        figure = card.judged.metrics.get(name)
        if figure is not None:
            return f"{words} {figure_text(figure)}"
    return "not judged"


def _figures(card: SystemCard) -> tuple[FigureRow, ...]:
    rows = []
    for name, figure in card.judged.metrics.items():
        beside = card.judged.baseline.get(name)
        rows.append(
            FigureRow(
                name.replace("_", " ").replace("auroc", "AUROC"),
                figure_text(figure),
                "" if beside is None else f"{beside.value:.3f}",
            )
        )
    return tuple(rows)


def _source(source: DataSource) -> str:
    counts = ", ".join(f"{n} {key}" for key, n in source.cells.items())
    words = f"{source.name}: {counts}. {source.citation}. Licence: {source.licence}."
    return f"{words} {source.note}".rstrip()


def _input(card: SystemCard) -> str:
    shown = f"showing {card.crop_um:g} µm" if card.unit == "cell" else "showing the whole image"
    colours = "colours as they are" if card.white is None else f"background brought to grey {card.white:g}"
    if card.nucleus is not None:
        colours += ", nuclei to one absorbance"
    return f"{card.input_px} × {card.input_px} px {shown}, {colours}."


def _training(training: Training) -> tuple[str, ...]:
    how = (
        f"{training.epochs} epochs of {training.optimiser} at {training.learning_rate:g}, batch {training.batch}, "
        f"augmentation '{training.augmentation}', seed {training.seed}, {training.precision}, "
        f"{training.seconds:.0f} s on {training.machine}, from {training.starting_weights} weights."
    )
    return (how, *(f"Departs from the paper: {each}" for each in training.departures))


def _backbone(source: BackboneSource) -> str:
    digest = f", sha256 {source.digest[:12]}" if source.digest else ""
    state = "frozen, not stored in the file" if source.frozen else "trained on, stored in the file"
    return f"{source.name} of {source.library}, weights {source.weights}{digest}; {state}."
