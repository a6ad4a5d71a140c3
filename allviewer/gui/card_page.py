"""A model's card as a page to read, in the colours of the window."""

from html import escape

from allviewer.gui.theme import SMALLEST_TEXT, Look
from allviewer.systems.catalogue import Listed
from allviewer.systems.describe import Passage, passages


def card_page(listed: Listed, look: Look, note: str = "") -> str:
    """HTML of what a model says of itself, or of why it cannot be used.

    Parameters
    ----------
    listed : the model. look : gives the colours. note : a sentence that stands before the card; may be empty.
    """
    card = listed.card
    if card is None:
        body = f"<p><b>This model cannot be used.</b></p><p>{escape(listed.problem)}</p>"
    else:
        body = f"<p>{escape(card.title)}</p>" + "".join(_part(passage, look) for passage in passages(card))
    if note:
        body = f'<p style="color: {look.warning}">{escape(note)}</p>{body}'
    where = "bundled" if listed.bundled else "your own"
    facts = f"{where}, {listed.size / 1e6:.1f} MB, {listed.path}<br>sha256 {listed.digest or 'not readable'}"
    return (
        f'<div style="color: {look.text}; font-size: 13px">'
        f'<p style="font-size: 16px; font-weight: 600">{escape(listed.name)}</p>{body}'
        f'<p style="color: {look.dim}; font-size: {SMALLEST_TEXT}px">{facts}</p></div>'
    )


def _part(passage: Passage, look: Look) -> str:
    """A heading, its sentences, and its figures beside the colour baseline."""
    dim = f'style="color: {look.dim}; font-size: {SMALLEST_TEXT}px"'
    head = f"color: {look.dim}; font-size: {SMALLEST_TEXT}px; margin: 12px 0 1px 0"
    out = f'<p style="{head}"><b>{escape(passage.title)}</b></p>'
    out += "".join(f'<p style="margin: 2px 0">{escape(sentence)}</p>' for sentence in passage.lines)
    if passage.figures:
        rows = "".join(
            f"<tr><td>{escape(row.name)}&nbsp;&nbsp;</td><td>{escape(row.model)}&nbsp;&nbsp;</td>"
            f"<td>{escape(row.baseline) or '–'}</td></tr>"
            for row in passage.figures
        )
        out += (
            f'<table cellspacing="0" cellpadding="2"><tr><td></td><td {dim}>this model</td>'
            f"<td {dim}>nine colour numbers</td></tr>{rows}</table>"
        )
    return out
