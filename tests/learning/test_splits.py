import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allviewer.learning.samples import Samples
from allviewer.learning.splits import make_split
from allviewer.vocab.errors import DataError


def fake(groups, labels, grouped=True, files=None):
    n = len(groups)
    from pathlib import Path

    file = np.arange(n) if files is None else np.asarray(files)
    return Samples(
        "fake", "", "", ("blast", "normal"), Path("fake"), tuple(f"{i}" for i in range(n)), file.astype(np.int64),
        np.zeros((n, 2), np.float32), np.ones(n, np.float32), np.asarray(labels, np.int64), np.asarray(groups),
        grouped, np.zeros(n, bool), np.full(n, ""),
    )  # fmt: skip


cells = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 1)), min_size=12, max_size=80)


@settings(max_examples=200, deadline=None)
@given(cells, st.sampled_from(["fold", "session"]), st.integers(2, 5))
def test_no_group_stands_on_both_sides(rows, how, folds):
    samples = fake([f"g{r[0]}" for r in rows], [r[1] for r in rows])
    try:
        split = make_split(samples, how, folds)
    except DataError:
        return
    assert split.fold.shape == (len(rows),)
    assert set(split.fold.tolist()) == set(range(split.folds))
    for group in np.unique(samples.groups):
        assert len(np.unique(split.fold[samples.groups == group])) == 1
    for f in range(split.folds):
        assert set(samples.labels[split.fold != f].tolist()) == {0, 1}
    assert not split.optimistic


def test_folds_are_dealt_evenly():
    groups = [f"g{i}" for i in range(12) for _ in range(10)]
    labels = [i % 2 for i in range(12) for _ in range(10)]
    split = make_split(fake(groups, labels), "fold", 3)
    assert np.bincount(split.fold).tolist() == [40, 40, 40]
    assert [int(np.sum((split.fold == f) & (np.array(labels) == 0))) for f in range(3)] == [20, 20, 20]


def test_image_splits_are_called_optimistic_and_keep_an_image_whole():
    groups, labels = ["a"] * 20 + ["b"] * 20, [0, 1] * 20
    split = make_split(fake(groups, labels, files=np.repeat(np.arange(20), 2)), "image", 4)
    assert split.optimistic
    assert "optimistic" in split.words
    assert (split.fold[::2] == split.fold[1::2]).all()
    assert len(np.unique(split.fold[:20])) > 1
    unknown = make_split(fake([f"{i}" for i in range(40)], labels, grouped=False), "fold", 4)
    assert unknown.optimistic
    assert "optimistic" in unknown.words


def test_splits_that_cannot_be_are_refused():
    with pytest.raises(DataError, match="no training cell of class blast"):
        make_split(fake(["a"] * 5 + ["b"] * 5, [0] * 5 + [1] * 5), "session")
    with pytest.raises(DataError, match="cannot make"):
        make_split(fake(["a"] * 5 + ["b"] * 5, [0, 1] * 5), "fold", 3)
    with pytest.raises(DataError, match="no split"):
        make_split(fake(["a"] * 5 + ["b"] * 5, [0, 1] * 5), "luck")
