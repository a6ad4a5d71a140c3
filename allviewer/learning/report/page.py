"""An evaluation as one HTML page that needs nothing else and asks nobody."""

from html import escape

from allviewer.learning.judge import SPECIFICITY
from allviewer.learning.report import parts, plots
from allviewer.learning.report.labels import BAND, HEADINGS, UNIT_FREE, interval, label, number
from allviewer.learning.report.sheet import Sheet
from allviewer.learning.report.words import Evaluation, GroupLine
from allviewer.systems.card import Figure


def evaluation_page(found: Evaluation, sheet: Sheet | None = None) -> str:
    """The page; with the pictures of ``found.wrong`` inside where there is a sheet."""
    title = f"{found.model.name} on {found.data.name}"
    body = [
        parts.header("Evaluation", title, found.data, [found.model], found.baseline_split),
        _headline(found),
        _figures(found),
        parts.missing(found.undefined, found.data),
        _plots(found),
        _classes(found),
        _band(found),
        _groups(found),
        _prevalence(found),
        _wrong(found, sheet),
        parts.notes(found.notes, found.data),
        parts.digests([found.model], found.data),
    ]
    return parts.page(title, "Evaluation", body, found)


def _headline(found: Evaluation) -> str:
    two, first, groups = len(found.classes) == 2, found.classes[0], found.data.mean_of
    mean = found.figures.get("auroc_group_mean")
    inside = "same slides, same camera for both classes"
    inside += f"; mean of {', '.join(groups)}: {number(mean.value)}" if mean is not None and len(groups) <= 5 else ""
    told = {
        "auroc": ("AUROC, all cells", f"{first} against the rest" if two else "each class against the rest, averaged"),
        "auroc_inside_groups": (f"AUROC inside {found.data.drawn}", inside),
        "accuracy": ("Accuracy", "largest probability, all cells"),
        "sensitivity_at_specificity": (f"Sensitivity at spec. ≥ {SPECIFICITY:.2f}", "all cells"),
        "calibration_error": ("Calibration error", "15 bins of equal mass, whole cells"),
    }
    names = [n for n in told if n != ("accuracy" if two else "auroc_inside_groups")]
    cards = [
        parts.card(told[n][0], found.figures.get(n), found.undefined.get(n, "not asked of these data"), told[n][1])
        for n in names
    ]
    return f'<div class="headline">{"".join(cards)}</div>'


def _figures(found: Evaluation) -> str:
    wide = 6 if found.baseline else 5
    rows = []
    for heading, names in HEADINGS.items():
        known = [n for n in names if n in found.figures]
        if known:
            rows.append(f'<tr class="part"><th colspan="{wide}">{escape(heading.capitalize())}</th></tr>')
        for name in known:
            figure, other = found.figures[name], found.baseline.get(name)
            drawn = "" if name in UNIT_FREE else plots.strip(figure, other)
            beside = f'<td class="dim" title="{interval(other)}">{number(other.value if other else None)}</td>'
            rows.append(
                f"<tr>{parts.indented(label(name, found.data))}{parts.valued(figure)}"
                f"<td>{drawn}</td>{beside if found.baseline else ''}{parts.says(name, found.classes)}</tr>"
            )
    colour = "<th>colour<br>baseline</th>" if found.baseline else ""
    ring = " Dot and line: the model and its interval; ring: the colour baseline." if found.baseline else ""
    head = parts.heads("", "model", "95 % interval") + parts.SCALE + colour + '<th class="left">what it is</th>'
    about = f"95 % intervals: bootstrap over {escape(found.data.drawn)}.{ring}"
    return f"<h2>Figures</h2><p>{about}</p>{parts.table(head, ''.join(rows))}"


def _plots(found: Evaluation) -> str:
    pictures = [*_curves(found)] if found.curves else []
    drawn = plots.confusion(found.confusion, found.classes)
    pictures.append(parts.figure("Confusion", "largest probability; shade and percent: share of the row", drawn))
    return f'<h2>Plots</h2><div class="plots">{"".join(pictures)}</div>'


def _curves(found: Evaluation) -> list[str]:
    two = len(found.classes) == 2
    by_class = {row.key: row.figures for row in found.per_class}
    base = next(iter(found.baseline_curves.values()), None) if two else None

    def lines(name: str) -> list[plots.Line]:
        return [(found.model.name if two else k, c, by_class[k].get(name)) for k, c in found.curves.items()]

    def colour(name: str) -> Figure | None:
        return found.baseline.get(name) if two else None

    chance = found.data.cells[found.classes[0]] / found.data.total if two else None
    steps = [curves.reliability for curves in found.curves.values()]
    error = found.figures.get("calibration_error")
    what = f"{found.classes[0]} against the rest, all cells" if two else "each class against the rest, all cells"
    shade = f"; shade: 95 % over {found.data.drawn}" if two else "; the legend gives the area"
    bins = "15 bins of equal mass, whole cells" + (f"; calibration error {number(error.value)}" if error else "")
    roc = plots.roc(lines("auroc"), base, colour("auroc"))
    name = "average_precision"
    precision = plots.precision(lines(name), base, colour(name), chance)
    return [
        parts.figure("Receiver operating characteristic", what + shade, roc),
        parts.figure("Precision and recall", f"{what}; the legend gives the average precision", precision),
        parts.figure("Reliability", bins, plots.reliability(steps, list(found.curves))),
    ]


def _classes(found: Evaluation) -> str:
    told = ("sensitivity", "specificity", "precision", "f1", "auroc", "average_precision")
    names = [n for n in told if any(n in row.figures for row in found.per_class)]
    rows = ""
    for row in found.per_class:
        shares = "".join(f"<td>{parts.stacked(row.figures.get(n))}</td>" for n in names)
        rows += f"<tr><td>{escape(row.key)}</td><td>{row.cells}</td><td>{row.called}</td>{shares}</tr>"
    head = parts.heads("", "cells", "called", *(escape(label(n, found.data)) for n in names))
    about = "By the largest probability; under each figure its 95 % interval."
    return f"<h2>Each class against the rest</h2><p>{about}</p>{parts.table(head, rows)}"


def _share(figure: Figure, middle: float = 0.5) -> str:
    """Value, interval and strip as three cells."""
    return f"{parts.valued(figure)}<td>{plots.strip(figure, None, middle=middle)}</td>"


def _band(found: Evaluation) -> str:
    band = found.band
    rows = [
        f"<tr><td>kept of {escape(key)}</td>{_share(f, band.stated)}<td>{number(band.stated)}</td></tr>"
        for key, f in band.coverage.items()
    ]
    rows += [f"<tr><td>{escape(BAND[name])}</td>{_share(f)}<td></td></tr>" for name, f in band.figures.items()]
    how = (
        "Thresholds and calibration of each fold were fitted on the other folds."
        if band.out_of_fold
        else "These are the model’s own thresholds, fitted on its training data; elsewhere they promise nothing."
    )
    head = parts.heads("", "share", "95 % interval") + parts.SCALE + "<th>stated</th>"
    return (
        "<h2>The unsure band</h2><p>Conformal prediction by class: of each class so many cells are to keep their own "
        f"class possible, and a cell is unsure unless exactly one class is. {how} Whole cells.</p>"
        + parts.table(head, "".join(rows), narrow=True)
    )


def _groups(found: Evaluation) -> str:
    if not found.groups:
        return ""
    told = ("sensitivity", "specificity", "accuracy")
    names = [n for n in told if any(n in line.figures for line in found.groups)]
    areas = any("auroc" in line.figures for line in found.groups)
    head = parts.heads("", *map(escape, found.classes), *(escape(label(n, found.data)) for n in names), "unsure")
    head += parts.heads("AUROC", "95 %, over its cells") + parts.SCALE + "<th></th>" if areas else ""
    rows = "".join(_group(line, names, areas) for line in found.groups)
    about = "A group’s own AUROC is drawn over its cells; it says nothing of other subjects." if areas else ""
    return f"<h2>By {escape(found.data.group_word)}</h2><p>{about}</p>{parts.table(head, rows)}"


def _group(line: GroupLine, names: list[str], areas: bool) -> str:
    row = "".join(f"<td>{n or '–'}</td>" for n in line.cells.values())
    row += "".join(f"<td>{number(f.value if (f := line.figures.get(n)) else None)}</td>" for n in names)
    row += f"<td>{number(line.unsure)}</td>"
    area, look = line.figures.get("auroc"), ""
    if areas:
        few = "" if line.counts or area is None else "not in the mean"
        row += "<td></td>" * 3 if area is None else _share(area)
        row += f'<td class="dim left">{few}</td>'
        look = "" if line.counts else ' class="aside"'
    return f"<tr{look}><td>{escape(line.group)}</td>{row}</tr>"


def _prevalence(found: Evaluation) -> str:
    p = found.prevalence
    if p is None or (p.fitted is None and not p.predictive):
        return ""
    first, text = escape(p.first), ""
    if p.fitted is not None:
        text = (
            f"<p>The model was calibrated where {parts.percent(p.fitted)} of cells are {first}; here "
            f"{parts.percent(p.here)} are. Where {first} is rarer than in calibration, its probabilities are too high; "
            "Bayes’ rule moves them: multiply the odds by the ratio of the two prior odds."
        )
        error = p.calibration_error
        if error is not None:
            moved = f"<b>{number(error.value)}</b> ({interval(error)})"
            text += f" Moved to the share here, the calibration error is {moved}."
        text += "</p>"
    if p.predictive:
        rows = "".join(f"<tr><td>{parts.percent(float(s))}</td>{_share(f)}</tr>" for s, f in p.predictive.items())
        head = parts.heads(f"{first} among the cells", f"would be {first}", "95 % interval") + parts.SCALE
        text += f"<p>From sensitivity and specificity here: of the cells called {first}, so many would be {first}.</p>"
        text += parts.table(head, rows, narrow=True)
    return f"<h2>Where {first} is rarer, or commoner</h2>{text}"


def _wrong(found: Evaluation, sheet: Sheet | None) -> str:
    if not found.wrong:
        return ""
    told, total = len(found.wrong), found.wrong_total
    some = f"The {told} surest of {total}" if total > told else "All of them"
    about = (
        f"{some}, those that an edge cuts last; p, or the number in brackets, is the probability given to the truth."
    )
    shown = parts.cells(found.wrong, [found.model.name], sheet)
    return f"<h2>Cells called what they are not</h2><p>{about}</p>{shown}"
