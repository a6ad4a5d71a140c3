"""Decisions for tests of the log."""

import pytest

from allviewer.vocab.decision import Act, Decision


def decision(cell, before, after, *, act=Act.RELABEL, slide="slide", run="run", origin=None):
    return Decision(
        slide=slide, cell=cell, act=act, label_before=before, label_after=after, suggested="blast",
        centre=(10.25 * cell, 0.1), box=(10 * cell, 0, 10 * cell + 9, 8), run=run, origin=origin,
    )  # fmt: skip


@pytest.fixture
def decide():
    return decision


@pytest.fixture
def study_file(tmp_path):
    return tmp_path / "study.sqlite"
