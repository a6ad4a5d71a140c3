"""The quality table as text."""

from collections.abc import Sequence

from allviewer.learning.report.aligned import aligned
from allviewer.learning.segmentation.words import Case, Curve, Row, Section

SHOWN = 8
"""Worst cases told on the terminal; a JSON file holds all."""
_HEAD = ("figure", "value", "95 % interval", "to reach", "", "floor", "median", "n")


def section_text(section: Section, *, floors: bool = True) -> str:
    """One data set: its figures, curves and worst cases.

    Parameters
    ----------
    section : what was measured.
    floors : also tell what the tests defend; it holds for the default route alone.
    """
    lines = [f"{section.data}  ({section.seconds:.0f} s)"]
    if section.note:
        lines.append(f"  {section.note}")
    table = [_HEAD, *(_cells(row, floors) for row in section.rows)]
    for k, line in enumerate(aligned(table, left=(0, len(_HEAD) - 1))):
        lines.append(line)
        row = section.rows[k - 1] if k else None
        if row is not None and row.worst is not None:
            lines.append(f"      worst {shown(row.worst[0], row.unit)}  {row.worst[1]}")
    for curve in section.curves:
        lines += ["", *_curve(curve)]
    lines += _cases(section.cases)
    return "\n".join(lines) + "\n"


def shown(value: float | None, unit: str) -> str:
    """A figure as it is told: shares in percent, all else with three decimals."""
    if value is None:
        return "-"
    return f"{100 * value:.1f} %" if unit == "share" else f"{value:.3f}"


def _cells(row: Row, floors: bool) -> tuple[str, ...]:
    interval = "" if row.low is None or row.high is None else f"{_bare(row.low, row)} – {_bare(row.high, row)}"
    unit = "" if row.unit == "share" else f" [{row.unit}]"
    sign, target, floor, mark = "", "", "", ""
    if row.held is not None:
        sign = "≤ " if row.held.at_most else "≥ "
        target = sign + shown(row.held.target, row.unit)
        floor = sign + shown(row.held.floor, row.unit) if floors else ""
        mark = {True: "reached", False: "SHORT", None: ""}[row.reached]
    median = shown(row.median, row.unit) if row.median is not None else ""
    return (
        row.what + unit, shown(row.value, row.unit), interval, target, mark, floor, median, f"{row.n} {row.of}",
    )  # fmt: skip


def _bare(value: float, row: Row) -> str:
    return shown(value, row.unit).removesuffix(" %")


def _curve(curve: Curve) -> list[str]:
    unit = f" [{curve.unit}]" if curve.unit else ""
    heads = [level if isinstance(level, str) else f"{level:g}" for level in curve.levels]
    rows = [[name, *(shown(v, curve.key) for v in values)] for name, values in curve.figures.items()]
    return aligned([[curve.what + unit, *heads], *rows, ["n", *map(str, curve.n)]])


def _cases(cases: Sequence[Case]) -> list[str]:
    if not cases:
        return []
    lines = ["", "  worst", *aligned([(c.file, c.what) for c in cases[:SHOWN]], left=(0, 1), indent=4)]
    if len(cases) > SHOWN:
        lines.append(f"    and {len(cases) - SHOWN} more")
    return lines
