import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allviewer.learning.samples import Samples
from allviewer.learning.splits import make_split, validation_rows
from allviewer.vocab.errors import DataError
from allviewer.vocab.taxonomy import ALL_HEM


def fake(groups, labels, grouped=True, files=None, folds=None):
    n = len(groups)
    from pathlib import Path

    file = np.arange(n) if files is None else np.asarray(files)
    return Samples(
        "fake", "", "", ALL_HEM, Path("fake"), tuple(f"{i}" for i in range(n)), file.astype(np.int64),
        np.zeros((n, 2), np.float32), np.ones(n, np.float32), np.asarray(labels, np.int64), np.asarray(groups),
        grouped, np.zeros(n, bool), np.full(n, ""), folds=folds, folds_word="folds of a fake",
    )  # fmt: skip


cells = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 1)), min_size=12, max_size=80)


@settings(max_examples=200, deadline=None)
@given(cells, st.sampled_from(["fold", "subject", "session"]), st.integers(2, 5))
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


def test_subject_and_session_are_one_split():
    samples = fake([f"g{i % 5}" for i in range(40)], [i // 5 % 2 for i in range(40)])
    one, other = make_split(samples, "subject"), make_split(samples, "session")
    assert one.folds == 5
    assert (one.fold == other.fold).all()
    assert one.words == other.words == "leave one session out"


@given(cells, st.integers(2, 4))
def test_given_folds_hold_every_cell_out_once_and_tell_parted_groups(rows, folds):
    numbers = np.array([(r[0] * 7 + i // 10) % folds * 3 for i, r in enumerate(rows)])
    samples = fake([f"g{r[0]}" for r in rows], [r[1] for r in rows], folds=numbers)
    try:
        split = make_split(samples, "given")
    except DataError:
        return
    assert [set(numbers[split.fold == f].tolist()) for f in range(split.folds)] == [{n} for n in np.unique(numbers)]
    parted = any(len(set(numbers[samples.groups == g].tolist())) > 1 for g in np.unique(samples.groups))
    assert split.optimistic == parted == ("optimistic" in split.words)


@given(cells, st.floats(0.1, 0.4))
def test_validation_rows_are_whole_groups_with_every_class_on_both_sides(rows, share):
    labels, groups = np.array([r[1] for r in rows]), np.array([f"g{r[0]}" for r in rows])
    aside = validation_rows(labels, groups, share)
    if aside is None:
        held_in = [len(np.unique(groups[labels == label])) for label in np.unique(labels)]
        assert min(held_in) < 2  # a class that only one group has cannot stand on both sides
        return
    for group in np.unique(groups):
        assert len(np.unique(aside[groups == group])) == 1
    assert set(labels[aside].tolist()) == set(labels[~aside].tolist()) == set(labels.tolist())


@given(st.lists(st.integers(1, 30), min_size=4, max_size=12))
def test_subjects_of_one_class_each_can_be_kept_aside(sizes):
    """As in C-NMC 2019: every subject is ill or healthy, so a fold needs two of them to hold both classes."""
    labels = np.concatenate([np.full(size, i % 2) for i, size in enumerate(sizes)])
    groups = np.concatenate([np.full(size, f"g{i}") for i, size in enumerate(sizes)])
    assert validation_rows(labels, groups) is not None


def test_validation_rows_are_about_the_share_asked_for():
    groups, labels = np.repeat([f"g{i}" for i in range(20)], 10), np.tile([0, 1], 100)
    aside = validation_rows(labels, groups, 0.2)
    assert aside is not None
    assert aside.mean() == pytest.approx(0.2)
    assert validation_rows(labels[:10], groups[:10]) is None


def test_splits_that_cannot_be_are_refused():
    with pytest.raises(DataError, match="no training cell of class blast"):
        make_split(fake(["a"] * 5 + ["b"] * 5, [0] * 5 + [1] * 5), "session")
    with pytest.raises(DataError, match="cannot make"):
        make_split(fake(["a"] * 5 + ["b"] * 5, [0, 1] * 5), "fold", 3)
    for how in ("fold", "image"):
        for few in (1, 0, -3):
            with pytest.raises(DataError, match="one fold would hold everything out"):
                make_split(fake(["a"] * 5 + ["b"] * 5, [0, 1] * 5), how, few)
    with pytest.raises(DataError, match="images cannot make"):
        make_split(fake(["a", "b"], [0, 1]), "image", 3)
    with pytest.raises(DataError, match="name no folds"):
        make_split(fake(["a"] * 5 + ["b"] * 5, [0, 1] * 5), "given")
    with pytest.raises(DataError, match="one fold"):
        make_split(fake(["a"] * 5 + ["b"] * 5, [0, 1] * 5, folds=np.zeros(10, int)), "given")
    with pytest.raises(DataError, match="no split"):
        make_split(fake(["a"] * 5 + ["b"] * 5, [0, 1] * 5), "luck")
