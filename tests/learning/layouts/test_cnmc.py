import numpy as np
import pytest

from allviewer.learning.layouts import read_samples
from allviewer.learning.splits import make_split
from allviewer.vocab.errors import DataError
from allviewer.vocab.taxonomy import ALL_HEM, FOLDERS, STAGES

LABELS = "C-NMC_test_prelim_phase_data_labels.csv"


@pytest.fixture
def tree(tmp_path, picture):
    """Three folds with an ALL and a healthy subject of the same number each, and both test phases, as published."""
    for fold in range(3):
        for cell in (1, 2):
            picture(f"training/fold_{fold}/all/UID_{fold + 1}_1_{cell}_all.bmp", (450, 450), 0)
            picture(f"training/fold_{fold}/hem/UID_H{fold + 1}_1_{cell}_hem.bmp", (450, 450), 0)
    for name in ("1.bmp", "2.bmp", "3.bmp"):
        picture(f"validation/C-NMC_test_prelim_phase_data/{name}", (450, 450), 0)
    picture("testing/C-NMC_test_final_phase_data/1.bmp", (450, 450), 0)
    (tmp_path / "validation" / LABELS).write_text(
        "Patient_ID,new_names,labels\nUID_57_29_1_all.bmp,1.bmp,1\nUID_57_29_2_all.bmp,2.bmp,1\n"
        "UID_H40_1_1_hem.bmp,3.bmp,0\n"
    )
    return tmp_path


def test_names_folds_and_the_label_table_are_understood(tree):
    found = read_samples(tree)
    assert found.taxonomy is ALL_HEM
    assert found.counts() == {"blast": 8, "normal": 7}
    assert sorted(set(found.groups)) == ["1", "2", "3", "57", "H1", "H2", "H3", "H40"]
    assert found.folds is not None
    assert np.bincount(found.folds).tolist() == [4, 4, 4, 3]
    assert {str(g) for g in found.groups[found.folds == 3]} == {"57", "H40"}
    assert "Left out: 1 images without a label" in found.note
    assert "3 training folds" in found.layout


def test_a_cell_is_cut_at_the_assumed_scale_from_the_middle(tree):
    found = read_samples(tree)
    assert (found.um_per_px == np.float32(0.05)).all()
    assert (found.centres == 225).all()
    assert not found.cut.any()


def test_the_organisers_folds_are_honoured_and_part_no_subject(tree):
    split = make_split(read_samples(tree), "given")
    assert (split.folds, split.optimistic) == (4, False)
    assert "C-NMC 2019" in split.words


def test_a_subject_in_two_given_folds_is_called_optimistic(tree, picture):
    picture("training/fold_2/all/UID_1_9_9_all.bmp", (450, 450), 0)
    split = make_split(read_samples(tree), "given")
    assert split.optimistic
    assert "1 subjects stand on both sides" in split.words


@pytest.mark.parametrize(
    ("part", "cells", "folds"), [("training", 12, 3), ("validation", 3, 0), ("training/fold_1", 4, 0)]
)
def test_a_phase_may_be_named_by_itself(tree, part, cells, folds):
    found = read_samples(tree / part)
    assert len(found) == cells
    assert (0 if found.folds is None else int(found.folds.max()) + 1) == folds


def test_data_without_labels_are_refused(tree):
    with pytest.raises(DataError, match="no image here has a label"):
        read_samples(tree / "testing")


@pytest.mark.parametrize(
    ("row", "match"),
    [
        ("UID_57_29_1_all.bmp,1.bmp,0", "label and name disagree"),
        ("UID_57_29_1_all.bmp,1.bmp,ALL", "label and name disagree"),
        ("UID_57_29_1_all.bmp,9.bmp,1", "missing"),
        ("57,1.bmp,1", "names no subject"),
    ],
)
def test_a_wrong_label_table_ends_in_a_sentence_with_its_row(tree, row, match):
    (tree / "validation" / LABELS).write_text(f"Patient_ID,new_names,labels\n{row}\n")
    with pytest.raises(DataError, match=match) as told:
        read_samples(tree)
    assert "row 2" in str(told.value)


def test_name_and_folder_must_agree(tree, picture):
    picture("training/fold_0/hem/UID_9_1_1_all.bmp")
    with pytest.raises(DataError, match="name and folder disagree"):
        read_samples(tree)


def test_other_classes_are_refused_and_the_datas_own_names_taken(tree):
    with pytest.raises(DataError, match="all and hem only"):
        read_samples(tree, STAGES)
    assert read_samples(tree, FOLDERS).classes == ("all", "hem")


def test_the_published_samples_are_read(data):
    found = read_samples(data / "cnmc2019_samples")
    assert sorted(found.groups.tolist()) == ["1", "13", "2", "H1", "H10", "H6"]
    assert (found.labels == np.char.startswith(found.groups, "H")).all()
    assert found.folds is not None
    assert np.bincount(found.folds).tolist() == [2, 2, 2]
