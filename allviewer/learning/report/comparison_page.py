"""A comparison as one HTML page."""

from html import escape

from allviewer.learning.report import parts, plots
from allviewer.learning.report.labels import BAND, HEADINGS, interval, label, number
from allviewer.learning.report.sheet import Sheet
from allviewer.learning.report.words import Comparison, Rival

_NAMED = 100
"""Cells that the page names; the JSON inside it has all."""


def comparison_page(found: Comparison, sheet: Sheet | None = None) -> str:
    """The page; with pictures of the first of ``found.disagreements`` inside where there is a sheet."""
    names = [rival.model.name for rival in found.models]
    title = f"{', '.join(names[:-1])} and {names[-1]} on {found.data.name}"
    body = [
        parts.header("Comparison", title, found.data, [r.model for r in found.models], found.baseline_split),
        _figures(found),
        parts.missing(found.models[0].undefined, found.data),
        *(_differences(found, rival) for rival in found.models[1:]),
        _bands(found),
        _curves(found),
        _disagreements(found, names, sheet),
        parts.notes(found.notes, found.data),
        parts.digests([r.model for r in found.models], found.data),
    ]
    return parts.page(title, "Comparison", body, found)


def _figures(found: Comparison) -> str:
    columns = [r.figures for r in found.models] + ([found.baseline] if found.baseline else [])
    names = [r.model.name for r in found.models] + (["colour baseline"] if found.baseline else [])
    rows = []
    for heading, keys in HEADINGS.items():
        known = [k for k in keys if any(k in figures for figures in columns)]
        if known:
            rows.append(f'<tr class="part"><th colspan="{1 + 2 * len(names)}">{escape(heading.capitalize())}</th></tr>')
        for key in known:
            values = "".join(parts.valued(figures.get(key)) for figures in columns)
            rows.append(f"<tr>{parts.indented(label(key, found.data))}{values}</tr>")
    head = parts.heads("", *(cell for n in names for cell in (escape(n), "95 % interval")))
    about = f"95 % intervals: bootstrap over {escape(found.data.drawn)}."
    return f"<h2>Figures</h2><p>{about}</p>{parts.table(head, ''.join(rows))}"


def _differences(found: Comparison, rival: Rival) -> str:
    first, name = escape(found.models[0].model.name), escape(rival.model.name)
    reach = [abs(v) for f in rival.differences.values() for v in (f.value, f.low or 0.0, f.high or 0.0)]
    bound = min(1.0, max(0.1, *reach)) if reach else 0.1
    rows = []
    for key in (k for keys in HEADINGS.values() for k in keys if k in rival.differences):
        f = rival.differences[key]
        beyond = f.low is not None and f.high is not None and (f.low > 0 or f.high < 0)
        weight = ' class="value"' if beyond else ""
        rows.append(
            f"<tr>{parts.indented(label(key, found.data))}<td{weight}>{f.value:+.3f}</td>"
            f'<td class="dim">{interval(f, sign=True)}</td><td>{plots.strip(f, None, -bound, bound, 0.0)}</td></tr>'
        )
    test = ""
    if rival.mcnemar is not None:
        alone = f"{name} {rival.only_this} cells, {first} {rival.only_first}"
        test = f"<p>Right alone: {alone}; McNemar’s exact p <b>{rival.mcnemar:.3g}</b>.</p>"
    about = "The same draws for both. Bold: the interval does not hold 0. In errors and log loss, less is better."
    head = parts.heads("", "difference", "95 % interval") + f'<th class="mid">{-bound:+.2f} to {bound:+.2f}</th>'
    return f"<h2>{name} less {first}</h2><p>{about}</p>{test}{parts.table(head, ''.join(rows), narrow=True)}"


def _bands(found: Comparison) -> str:
    kept = [(f"kept of {key}", [r.band.coverage.get(key) for r in found.models]) for key in found.classes]
    rest = [(words, [r.band.figures.get(name) for r in found.models]) for name, words in BAND.items()]
    rows = "".join(
        f"<tr><td>{escape(words)}</td>{''.join(map(parts.valued, figures))}</tr>"
        for words, figures in kept + rest
        if any(figures)
    )
    heads = [
        f"{escape(r.model.name)}<br>{number(r.band.stated)} {'out of fold' if r.band.out_of_fold else 'as it stands'}"
        for r in found.models
    ]
    head = parts.heads("", *(cell for words in heads for cell in (words, "95 % interval")))
    about = "Whole cells. Below each name: the share of each class that is to keep its own class possible."
    return f"<h2>The unsure band</h2><p>{about}</p>{parts.table(head, rows, narrow=len(heads) < 3)}"


def _curves(found: Comparison) -> str:
    if not all(rival.curves for rival in found.models):
        return ""
    two = len(found.classes) == 2
    pictures = []
    for key in found.models[0].curves:

        def lines(name: str, key: str = key) -> list[plots.Line]:
            return [(r.model.name, r.curves[key], r.figures.get(name) if two else None) for r in found.models]

        chance = found.data.cells[key] / found.data.total
        about = f"{key} against the rest, all cells"
        roc = plots.roc(lines("auroc"), None, None)
        precision = plots.precision(lines("average_precision"), None, None, chance)
        steps = [r.curves[key].reliability for r in found.models]
        bins = f"{key}; 15 bins of equal mass, whole cells; the legend gives the calibration error"
        pictures += [
            parts.figure("Receiver operating characteristic", about, roc),
            parts.figure("Precision and recall", about, precision),
            parts.figure("Reliability", bins, plots.reliability(steps, [_with_error(r) for r in found.models])),
        ]
    return f'<h2>Curves</h2><div class="plots">{"".join(pictures)}</div>'


def _with_error(rival: Rival) -> str:
    error = rival.figures.get("calibration_error")
    return rival.model.name + (f" {number(error.value)}" if error else "")


def _disagreements(found: Comparison, names: list[str], sheet: Sheet | None) -> str:
    total = found.disagreements_total
    head = f"<h2>Cells they disagree on</h2><p>{total} of {found.data.total}"
    if not total:
        return head + ".</p>"
    shown = len(sheet.pictures) if sheet is not None else _NAMED
    some = f"; here the {shown} they are furthest apart on, the JSON has all" if total > shown else ""
    return f"{head}{some}.</p>{parts.cells(found.disagreements[:shown], names, sheet)}"
