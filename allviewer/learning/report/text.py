"""An evaluation or a comparison as text for a terminal of 100 columns."""

import textwrap
from collections.abc import Mapping, Sequence

from allviewer.learning.judge import ENOUGH
from allviewer.learning.report.aligned import aligned
from allviewer.learning.report.labels import BAND, HEADINGS, interval, label, number, share
from allviewer.learning.report.words import NOTICE, Comparison, Data, Evaluation, Figures, Wrong
from allviewer.systems.card import Figure, SystemCard

WIDE = 100
GROUPS_TOLD, CELLS_TOLD = 40, 8
"""Rows that a terminal shows; JSON and page hold more."""


def evaluation_text(found: Evaluation) -> str:
    """The whole evaluation; every split that is not by subject says so."""
    lines = _head(f"{found.model.name} on {found.data.name}", found.data)
    lines += _wrapped(("OPTIMISTIC. " if found.model.optimistic else "") + "split: " + found.model.split)
    if found.baseline:
        lines += _wrapped(f"colour baseline: nine colour numbers, random forest; {found.baseline_split}")
    columns = {"model": found.figures, **({"colour baseline": found.baseline} if found.baseline else {})}
    lines += [
        "",
        *_figures(columns, found.data),
        "  (95 % intervals)",
        *_missing(found.undefined, found.data),
    ]
    lines += ["", "the unsure band", *_band(found)]
    lines += ["", "confusion: rows true, columns called", *_confusion(found)]
    if found.groups:
        lines += ["", f"by {found.data.group_word}", *_groups(found)]
    lines += ["", *_prevalence(found)] if found.prevalence else []
    if found.wrong:
        lines += [
            "",
            f"{found.wrong_total} cells called what they are not; the surest of them, with what was given to the truth",
        ]
        lines += _cells(found.wrong, found.wrong_total)
    return "\n".join([*lines, "", *_notes(found.notes), NOTICE])


def comparison_text(found: Comparison) -> str:
    """The whole comparison."""
    first = found.models[0].model.name
    lines = _head(f"{len(found.models)} models on {found.data.name}", found.data)
    for rival in found.models:
        lines += _wrapped(f"{rival.model.name}: {'OPTIMISTIC. ' if rival.model.optimistic else ''}{rival.model.split}")
    columns = {rival.model.name: rival.figures for rival in found.models}
    for k in range(0, len(columns), 3):  # three models fit side by side
        part = dict(list(columns.items())[k : k + 3])
        if k == 0 and len(part) < 3 and found.baseline:
            part["colour baseline"] = found.baseline
        lines += ["", *_figures(part, found.data)]
    lines += _missing(found.models[0].undefined, found.data)
    for rival in found.models[1:]:
        lines += ["", f"{rival.model.name} less {first}", *_differences(rival.differences, found.data)]
        lines += _wrapped(
            f"right alone: {rival.only_this} cells, {first} alone: {rival.only_first}; "
            f"McNemar's exact p {rival.mcnemar:.3g}" if rival.mcnemar is not None else "", indent=2,
        )  # fmt: skip
    lines += ["", "the unsure band, whole cells", *_bands(found)]
    lines += ["", f"{found.disagreements_total} cells that not all models call the same"]
    lines += _cells(found.disagreements, found.disagreements_total)
    return "\n".join([*lines, "", *_notes(found.notes), NOTICE])


def card_text(card: SystemCard) -> str:
    """What a card tells of how its model was judged: the end of a training."""
    judged = card.judged
    columns = {"model": judged.metrics, **({"colour baseline": judged.baseline} if judged.baseline else {})}
    lines = [f"{card.name} {card.version} on {', '.join(source.name for source in card.data)}", "─" * WIDE]
    lines += _wrapped(("OPTIMISTIC. " if "optimistic" in judged.split else "") + "split: " + judged.split)
    lines += ["", *_figures(columns, None)] if judged.metrics else []
    return "\n".join([*lines, "", *_notes(judged.notes), NOTICE])


def _head(title: str, data: Data) -> list[str]:
    return [title, "─" * WIDE, *_wrapped(data.counted)]


def _figures(columns: Mapping[str, Figures], data: Data | None) -> list[str]:
    """One line a figure, value and interval of each column, under headings."""
    table: list[list[str]] = []
    headings: dict[int, str] = {}
    for heading, names in HEADINGS.items():
        known = [n for n in names if any(n in figures for figures in columns.values())]
        if known:
            headings[len(table) + 1] = heading
        table += [[label(n, data), *(_told(f.get(n)) for f in columns.values())] for n in known]
    out = []
    for k, line in enumerate(aligned([["", *(name[:18] for name in columns)], *table])):
        out += [headings[k]] if k in headings else []
        out.append(line)
    return out


def _told(figure: Figure | None) -> str:
    between = "" if figure is None else interval(figure).replace(" ", "")
    return f"{number(figure.value if figure else None)}  {between:11}"


def _missing(undefined: Mapping[str, str], data: Data) -> list[str]:
    """What cannot be told, one line a reason."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in undefined.items():
        by_reason.setdefault(reason, []).append(label(name, data).replace("… ", "AUROC, ", 1))
    lines = []
    for reason, names in by_reason.items():
        lines += _wrapped(f"not told: {'; '.join(names)}: {reason}", indent=2)
    return lines


def _band(found: Evaluation) -> list[str]:
    band = found.band
    rows = [
        [f"kept of {key}, stated {share(band.stated)}", number(f.value), interval(f)]
        for key, f in band.coverage.items()
    ]
    rows += [[BAND[name], number(f.value), interval(f)] for name, f in band.figures.items()]
    how = "thresholds fitted without the fold" if band.out_of_fold else "the model's own thresholds"
    return [*aligned(rows), f"  ({how}; whole cells)"] if rows else ["  no cells"]


def _bands(found: Comparison) -> list[str]:
    rows = [["", *(f"kept of {key}" for key in found.classes), *BAND.values()]]
    rows[0] = [head.replace(" among the sure", ", sure") for head in rows[0]]
    for rival in found.models:
        kept = (rival.band.coverage.get(key) for key in found.classes)
        figures = (*kept, *map(rival.band.figures.get, BAND))
        told = [number(f.value if f else None) for f in figures]
        rows.append([f"{rival.model.name[:16]}, {share(rival.band.stated)}", *told])
    columns = [list(column) for column in zip(*rows, strict=True)]
    return aligned([column for column in columns if set(column[1:]) != {number(None)}])


def _confusion(found: Evaluation) -> list[str]:
    rows = [["", *found.classes]]
    rows += [[key, *map(str, row)] for key, row in zip(found.classes, found.confusion, strict=True)]
    return aligned(rows)


def _groups(found: Evaluation) -> list[str]:
    names = ("auroc", "sensitivity", "specificity", "accuracy")
    known = [n for n in names if any(n in line.figures for line in found.groups)]
    heads = (label(n, found.data) for n in known)
    rows = [["", *found.classes, *heads, "unsure", "95 %, over its cells" if "auroc" in known else ""]]
    for line in found.groups[:GROUPS_TOLD]:
        area = line.figures.get("auroc")
        rows.append([
            line.group[:20], *(str(n) for n in line.cells.values()),
            *(number(line.figures[n].value if n in line.figures else None) for n in known), number(line.unsure),
            "" if area is None else interval(area) + ("" if line.counts else " *"),
        ])  # fmt: skip
    more = len(found.groups) - GROUPS_TOLD
    told = [f"  and {more} more"] if more > 0 else []
    if any("auroc" in line.figures and not line.counts for line in found.groups):
        told.append(f"  * fewer than {ENOUGH} whole cells of a class: printed only")
    return [*aligned(rows, left=(0, len(rows[0]) - 1)), *told]


def _prevalence(found: Evaluation) -> list[str]:
    p = found.prevalence
    assert p is not None
    lines = []
    if p.fitted is not None:
        text = f"calibrated where {share(p.fitted)} of cells are {p.first}; here {share(p.here)} are."
        if p.calibration_error is not None and abs(p.fitted - p.here) > 0.005:
            text += (
                f" Moved to that share by Bayes' rule, the calibration error is {number(p.calibration_error.value)} "
                f"({interval(p.calibration_error)})."
            )
        lines += _wrapped(text)
    if p.predictive:
        told = ", ".join(f"{share(f.value)} where {share(float(s))} are" for s, f in p.predictive.items())
        lines += _wrapped(f"of cells called {p.first}, so many would be {p.first}: {told}.")
    return lines


def _differences(differences: Figures, data: Data) -> list[str]:
    rows = [["", "difference", "95 % interval", ""]]
    for names in HEADINGS.values():
        for name in (n for n in names if n in differences):
            f = differences[name]
            beyond = f.low is not None and f.high is not None and (f.low > 0 or f.high < 0)
            rows.append([label(name, data), f"{f.value:+.3f}", interval(f, sign=True), "*" if beyond else ""])
    return [*aligned(rows), "  * the interval does not hold 0"] if len(rows) > 1 else []


def _cells(cells: Sequence[Wrong], total: int) -> list[str]:
    rows = [
        [
            "" if cell.y is None or cell.x is None else f"{cell.y:.0f}, {cell.x:.0f}",
            cell.group[:12] if cell.group != cell.file else "",
            f"{cell.label}, called {' | '.join(cell.called)}",
            " | ".join(f"{p:.2f}" for p in cell.probability) if len(cell.called) <= 3 else "",
            "cut" if cell.cut else "",
        ]
        for cell in cells[:CELLS_TOLD]
    ]
    more = total - len(rows)
    told = [f"  and {more} more"] if more > 0 else []
    if not rows:
        return told
    room = WIDE - 2 - sum(2 + max(map(len, column)) for column in zip(*rows, strict=True))
    named = [[cell.file[-max(12, room) :], *row] for cell, row in zip(cells, rows, strict=False)]
    return [*aligned(named, left=range(6)), *told]


def _notes(notes: Sequence[str]) -> list[str]:
    return [line for note in notes for line in _wrapped(note)]


def _wrapped(text: str, indent: int = 0) -> list[str]:
    return textwrap.wrap(text, WIDE, initial_indent=" " * indent, subsequent_indent=" " * (indent + 2))
