"""Columns of text that line up."""

from collections.abc import Collection, Sequence


def aligned(rows: Sequence[Sequence[str]], left: Collection[int] = (0,), indent: int = 2) -> list[str]:
    """Lines of a table: columns padded to their widest cell, two blanks apart.

    Parameters
    ----------
    rows : cells; all rows are equally long.
    left : columns that start at their left edge; the others end at their right.
    indent : blanks before each line.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        (
            " " * indent
            + "  ".join(
                cell.ljust(width) if k in left else cell.rjust(width)
                for k, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
        ).rstrip()
        for row in rows
    ]
