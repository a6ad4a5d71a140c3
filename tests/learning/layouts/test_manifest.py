import csv

import cv2
import numpy as np
import pytest

from allviewer.learning.layouts import read_samples
from allviewer.learning.patches import cut_patches
from allviewer.learning.picture import read_rgb
from allviewer.systems.crops import crop_boxes, prepare
from allviewer.vocab.errors import DataError
from allviewer.vocab.taxonomy import ALL_HEM, FOLDERS
from tests.systems.conftest import make_card


def test_manifest_is_read(samples):
    assert len(samples) == 16
    assert samples.counts() == {"blast": 8, "normal": 8}
    assert samples.grouped
    assert sorted(set(samples.groups)) == ["S0", "S1", "S2", "S3"]
    assert not samples.cut.any()
    assert samples.take(samples.labels == 0).counts() == {"blast": 8, "normal": 0}


def test_digest_knows_the_data_and_its_changes(samples, manifest):
    assert samples.digest == read_samples(manifest, ALL_HEM).digest
    assert samples.digest != samples.take(np.arange(15)).digest


def test_patches_show_what_prediction_shows(samples):
    """Training and prediction must cut the same pixels."""
    card = make_card(crop_um=22.0, white=245.0, nucleus=(0.8, 1.6))
    crops = cut_patches(samples, 22.0, 224, 245.0, (0.8, 1.6), margin=1)
    for row in (0, 5, 15):
        rgb = read_rgb(samples, int(samples.file[row]))
        boxes = crop_boxes(samples.centres[row : row + 1], float(samples.um_per_px[row]), card)
        np.testing.assert_array_equal(prepare(rgb, boxes, card)[0], crops[row])
    assert cut_patches(samples, 22.0, 224, 245.0).shape == (16, 336, 336, 3)


def write(path, header, *rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def test_unusable_data_end_in_a_sentence(tmp_path):
    with pytest.raises(DataError, match="no such data"):
        read_samples(tmp_path / "nowhere", ALL_HEM)
    with pytest.raises(DataError, match="no labelled images"):
        read_samples(tmp_path, ALL_HEM)
    table = tmp_path / "m.csv"
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((9, 9, 3), np.uint8))
    (tmp_path / "broken.png").write_bytes(b"no image")
    for header, row, match in (
        (("file",), ("a.png",), "column is missing"),
        (("file", "label"), None, "no rows"),
        (("file", "label"), ("b.png", "blast"), "missing"),
        (("file", "label"), ("broken.png", "blast"), "cannot be read"),
        (("file", "label"), ("a.png", "zebra"), "no class"),
        (("file", "label", "y", "x"), ("a.png", "blast", "4", "4"), "needs its scale"),
        (("file", "label", "y", "x", "um_per_px"), ("a.png", "blast", "four", "4", "1"), "no number"),
    ):
        write(table, header, *([row] if row else []))
        with pytest.raises(DataError, match=match):
            read_samples(table, ALL_HEM)


def test_a_group_is_named_in_every_row_or_in_none(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((9, 9, 3), np.uint8))
    write(tmp_path / "m.csv", ("file", "label", "group"), ("a.png", "blast", "one"), ("a.png", "blast", ""))
    with pytest.raises(DataError, match=r"row 3: some rows have no group"):
        read_samples(tmp_path / "m.csv", ALL_HEM)


def test_labels_choose_the_classes_where_nobody_does(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((9, 9, 3), np.uint8))
    write(tmp_path / "m.csv", ("file", "label"), ("a.png", "L1"), ("a.png", "l3"))
    found = read_samples(tmp_path / "m.csv")
    assert (found.taxonomy.key, found.counts()) == ("fab", {"l1": 1, "l2": 0, "l3": 1})
    own = read_samples(tmp_path / "m.csv", FOLDERS)
    assert (own.taxonomy.key, own.classes) == ("folders", ("L1", "l3"))


def test_a_file_that_is_no_table_is_named_as_that(tmp_path):
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff")
    with pytest.raises(DataError, match="no table"):
        read_samples(tmp_path / "picture.png", ALL_HEM)
