"""Pieces of HTML that the pages of an evaluation and of a comparison share."""

import base64
from collections.abc import Mapping, Sequence
from html import escape

from pydantic import BaseModel

from allviewer import __version__
from allviewer.learning.judge import meaning
from allviewer.learning.report.labels import interval, label, number, share
from allviewer.learning.report.sheet import Sheet
from allviewer.learning.report.style import STYLE
from allviewer.learning.report.words import NOTICE, Data, Identity, Wrong
from allviewer.systems.card import Figure

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""The page may fetch nothing, whatever stands in it."""
OPTIMISTIC = (
    "Image-level split (optimistic). Cells of one subject may stand on both sides of the split, so every figure here "
    "is higher than it would be on new subjects."
)


def page(title: str, kind: str, body: Sequence[str], data: BaseModel) -> str:
    """A whole page: no script, no request; ``data`` is put in as JSON."""
    # a closing tag inside a file's name must not end the block
    packed = data.model_dump_json().replace("<", "\\u003c")
    inner = "\n".join(part for part in body if part)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
{inner}
<footer>{escape(kind)} by allviewer {escape(__version__)}. {NOTICE}</footer>
</main>
<script type="application/json" id="figures">{packed}</script>
</body>
</html>
"""


def header(kind: str, title: str, data: Data, models: Sequence[Identity], baseline_split: str) -> str:
    """Title, cells, how each model was kept from knowing them, and the notice."""
    splits = "".join(
        f'<p class="split"><b>{escape(m.name)}</b> <span class="dim">{escape(m.title)}</span><br>{escape(m.split)}</p>'
        for m in models
    )
    if baseline_split:
        splits += (
            '<p class="split dim">Colour baseline: nine colour numbers of each crop, random forest; '
            f"{escape(baseline_split)}</p>"
        )
    warned = f'<p class="optimistic"><b>Optimistic.</b> {OPTIMISTIC}</p>' if any(m.optimistic for m in models) else ""
    return (
        f'<header><div class="kind">{escape(kind)}</div><h1>{escape(title)}</h1>'
        f'<p class="lead">{escape(data.counted)}.</p>{splits}'
        f'<p class="notice">{NOTICE}</p>{warned}</header>'
    )


def table(head: str, rows: str, *, narrow: bool = False) -> str:
    """A table that scrolls by itself where the window is narrow; ``head`` and ``rows`` are its cells."""
    look = ' class="narrow"' if narrow else ""
    return f'<div class="scroll"><table{look}><tr>{head}</tr>{rows}</table></div>'


def heads(*words: str) -> str:
    """Cells of a table's first row."""
    return "".join(f"<th>{word}</th>" for word in words)


SCALE = '<th class="mid">0 to 1</th>'
"""Stands over a strip."""


def figure(title: str, about: str, picture: str) -> str:
    """A plot with its caption."""
    return f"<figure><figcaption>{escape(title)}<small>{escape(about)}</small></figcaption>{picture}</figure>"


def card(what: str, figure: Figure | None, why: str, says: str) -> str:
    """One large figure."""
    if figure is None:
        return f'<div><span class="what">{what}</span><b class="none">not told</b><span>{escape(why)}</span></div>'
    between = interval(figure)
    told = f"95 % {between}" if between else "no interval: one group"
    return (
        f'<div><span class="what">{what}</span><b>{number(figure.value)}</b><span>{told}<br>{escape(says)}</span></div>'
    )


def indented(text: str) -> str:
    """A label's first cell: what belongs to the line above stands further in."""
    depth = text.count("… ")
    look = ("", ' class="sub"', ' class="sub2"')[min(depth, 2)]
    return f"<td{look}>{escape(text.replace('… ', ''))}</td>"


def missing(undefined: Mapping[str, str], data: Data) -> str:
    """What cannot be told, and why."""
    if not undefined:
        return ""
    by_reason: dict[str, list[str]] = {}
    for name, reason in undefined.items():
        by_reason.setdefault(reason, []).append(label(name, data).replace("… ", "AUROC, ", 1))
    items = "".join(f"<li>{escape('; '.join(names))}: {escape(why)}.</li>" for why, names in by_reason.items())
    return f"<h2>Not told</h2><ul>{items}</ul>"


def says(name: str, classes: tuple[str, ...]) -> str:
    """The cell that explains a figure."""
    return f'<td class="says">{escape(meaning(name, classes))}</td>'


def valued(figure: Figure | None) -> str:
    """Value and interval as two cells."""
    return f'<td class="value">{number(figure.value if figure else None)}</td><td class="dim">{interval(figure)}</td>'


def stacked(figure: Figure | None) -> str:
    """A value with its interval below, for one cell."""
    below = f'<br><span class="dim">{interval(figure)}</span>' if figure else ""
    return number(figure.value if figure else None) + below


def cells(wrong: Sequence[Wrong], names: Sequence[str], sheet: Sheet | None) -> str:
    """Cells by name, or as a contact sheet where it was asked for."""
    if sheet is not None:
        wide = f", {sheet.um:g} µm wide" if sheet.um is not None else ""
        shown = "".join(_pictured(w, p) for w, p in zip(wrong, sheet.pictures, strict=False))
        return (
            f'<p class="lead">Pictures of cells are inside this page, in the slide’s own colours{wide}: '
            f'mind whom you give it to.</p><div class="sheet">{shown}</div>'
        )
    called = "".join(f"<th>{escape(n)} calls it</th><th>p of the truth</th>" for n in names)
    rows = "".join(_row(w) for w in wrong)
    head = f'<th>file</th><th>y, x</th><th class="left">group</th><th class="left">is</th>{called}<th></th>'
    return table(head, rows)


def _place(w: Wrong) -> str:
    return "" if w.y is None or w.x is None else f"{w.y:.0f}, {w.x:.0f}"


def _row(w: Wrong) -> str:
    answers = "".join(f"<td>{escape(c)}</td><td>{p:.3f}</td>" for c, p in zip(w.called, w.probability, strict=True))
    group = w.group if w.group != w.file else ""
    where = f'<td class="wrap">{escape(w.file)}</td><td class="dim">{_place(w)}</td>'
    truth = f'<td class="left">{escape(group)}</td><td class="left">{escape(w.label)}</td>'
    return f'<tr>{where}{truth}{answers}<td class="dim">{"cut" if w.cut else ""}</td></tr>'


def _pictured(w: Wrong, picture: bytes) -> str:
    data = base64.b64encode(picture).decode()
    answers = ", ".join(f"{escape(c)} ({p:.2f})" for c, p in zip(w.called, w.probability, strict=True))
    where = " · ".join(t for t in (w.group if w.group != w.file else "", w.file.rpartition("/")[2], _place(w)) if t)
    cut = " · cut" if w.cut else ""
    return (
        f'<div><img alt="{escape(w.label)} cell" src="data:image/jpeg;base64,{data}">'
        f"<b>{escape(w.label)}</b>called {answers}<br>{escape(where)}{cut}</div>"
    )


def notes(lines: Sequence[str], data: Data) -> str:
    """How to read the figures, and what the data's reader knows."""
    told = [*lines, *data.notes]
    return f"<h2>Notes</h2><ul>{''.join(f'<li>{escape(n)}</li>' for n in told)}</ul>"


def digests(models: Sequence[Identity], data: Data) -> str:
    """What exactly was judged on what exactly."""
    rows = "".join(f"<li>{escape(m.name)}, system {escape(m.system)}: <code>{m.digest}</code></li>" for m in models)
    return f"<h2>Traced by</h2><ul>{rows}<li>cells of {escape(data.name)}: <code>{data.digest}</code></li></ul>"


def percent(value: float) -> str:
    """A share in percent."""
    return share(value).replace(" ", " ")
