import csv

import cv2
import numpy as np
import pytest
from PIL import Image

from allviewer.learning.layouts import all_idb1, read_samples
from allviewer.vocab.errors import DataError
from allviewer.vocab.taxonomy import ALL_HEM, FAB, STAGES


def field(path, cells=(), at="", model="Canon PowerShot G5"):
    """A field of the right size with round nuclei at ``cells`` (y, x), taken at a time if one is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.full((1944, 2592, 3), (225, 218, 215), np.uint8)
    for y, x in cells:
        cv2.circle(image, (x, y), 62, (170, 150, 205), -1)
        cv2.circle(image, (x, y), 50, (95, 55, 145), -1)
    exif = Image.Exif()
    if at:
        exif[0x0110], exif[0x0132] = model, at
    Image.fromarray(cv2.GaussianBlur(image, (0, 0), 2)).save(path, quality=95, exif=exif)


@pytest.fixture
def published(tmp_path):
    """Two ill fields and a healthy one, as published: marks in xyc."""
    (tmp_path / "xyc").mkdir()
    field(tmp_path / "im" / "Im001_1.jpg", [(500, 600), (900, 1500)], "2005:09:06 10:00:00")
    field(tmp_path / "im" / "Im002_1.jpg", [(700, 700)], "2005:09:06 10:03:00")
    field(tmp_path / "im" / "Im003_0.jpg", [(1000, 1000)], "2005:09:06 10:30:00")
    (tmp_path / "xyc" / "Im001_1.xyc").write_text("605\t496\n")
    (tmp_path / "xyc" / "Im002_1.xyc").write_text("700 700\n")
    (tmp_path / "xyc" / "Im003_0.xyc").write_text("")
    return tmp_path


def test_marks_are_blasts_and_what_else_is_found_is_normal(published):
    found = read_samples(published)
    assert found.taxonomy is ALL_HEM
    assert "as published" in found.layout
    places = {
        (found.files[f], label): tuple(c) for f, label, c in zip(found.file, found.labels, found.centres, strict=True)
    }
    assert places["im/Im001_1.jpg", 0] == (496, 605)
    assert places["im/Im002_1.jpg", 0] == (700, 700)
    assert np.allclose(places["im/Im001_1.jpg", 1], (900, 1500), atol=8)
    assert np.allclose(places["im/Im003_0.jpg", 1], (1000, 1000), atol=8)
    assert len(found) == 4


def test_sessions_are_gaps_in_the_cameras_clock(published):
    found = read_samples(published)
    session = dict(zip(np.array(found.files)[found.file].tolist(), found.groups.tolist(), strict=True))
    assert found.grouped
    assert session["im/Im001_1.jpg"] == session["im/Im002_1.jpg"] != session["im/Im003_0.jpg"]
    field(published / "im" / "Im003_0.jpg", [(1000, 1000)])
    untold = read_samples(published)
    assert not untold.grouped
    assert "no recording times" in untold.note


@pytest.mark.parametrize(
    ("name", "text", "match"),
    [
        ("Im003_0.xyc", "5 5", "name and marks disagree"),
        ("Im001_1.xyc", "", "name and marks disagree"),
        ("Im001_1.xyc", "5 five", "cannot be read"),
        ("Im001_1.xyc", "5 5 5", "no y"),
    ],
)
def test_wrong_marks_end_in_a_sentence(published, name, text, match):
    (published / "xyc" / name).write_text(text)
    with pytest.raises(DataError, match=match):
        read_samples(published)


def test_a_field_of_another_size_has_no_known_scale(published):
    Image.new("RGB", (640, 480), (225, 218, 215)).save(published / "im" / "Im001_1.jpg")
    with pytest.raises(DataError, match="scale is not known"):
        read_samples(published)


def test_all_idb_is_read_with_its_sessions_and_cut_cells(data):
    found = read_samples(data / "all_idb1", ALL_HEM)
    assert found.counts() == {"blast": 449, "normal": 211}
    assert found.digest.startswith("da7f7d025994")  # the bundled model knows its training data by it
    assert sorted(set(found.groups)) == ["A1", "A2", "A3", "A6", "A7", "H1", "H2", "H3", "H6"]
    # The experts marked no blast at a field's edge, so what is cut there is "other" whatever it is.
    assert found.cut.sum() == 46
    assert (found.labels[found.cut] == 1).all()
    assert set(found.camera[np.char.startswith(found.groups, "H")]) == {"Canon G5"}
    with pytest.raises(DataError, match="only"):
        read_samples(data / "all_idb1", STAGES)


def test_the_clock_gives_the_published_sessions(data):
    """No session of ours joins two of those that the table names; fields that are missing may part one."""
    found = read_samples(data / "all_idb1", ALL_HEM)
    named = dict(zip(np.array(found.files)[found.file].tolist(), found.groups.tolist(), strict=True))
    ours = all_idb1._sessions(data / "all_idb1", sorted(named))
    assert all(len({named[f] for f in named if ours[f] == s}) == 1 for s in set(ours.values()))
    assert len(set(ours.values())) <= 12


def test_real_fields_as_published_give_the_tables_cells(data, tmp_path):
    source = data / "all_idb1"
    names = ("Im031_1.jpg", "Im079_0.jpg")
    if not all((source / "im" / n).is_file() for n in names):
        pytest.skip("these fields are not here")
    with (source / "cells.csv").open() as file:
        rows = [r for r in csv.DictReader(file) if r["image"] in names]
    (tmp_path / "xyc").mkdir()
    (tmp_path / "im").mkdir()
    for name in names:
        (tmp_path / "im" / name).write_bytes((source / "im" / name).read_bytes())
        marks = [f"{r['x']} {r['y']}" for r in rows if r["image"] == name and r["label"] == "lymphoblast"]
        (tmp_path / "xyc" / name.replace(".jpg", ".xyc")).write_text("\n".join(marks))
    found = read_samples(tmp_path)
    assert found.counts()["blast"] == sum(r["label"] == "lymphoblast" for r in rows)
    table = [
        (names.index(r["image"]), float(r["y"]), float(r["x"]))
        for r in rows if r["label"] != "lymphoblast" and r["kind_guess"] == "wbc_like"
    ]  # fmt: skip
    ours = [(int(f), *c) for f, c in zip(found.file[found.labels == 1], found.centres[found.labels == 1], strict=True)]
    near = [min((np.hypot(y - b, x - c) for a, b, c in table if a == f), default=1e9) for f, y, x in ours]
    assert ours
    assert sum(d < 60 for d in near) >= 0.7 * len(ours)


def crops(folder, *rows):
    with (folder / "crops.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("crop", "label", "session", "field", "x", "y", "w", "h", "notes"), *rows])


def test_crops_by_their_names(tmp_path, picture):
    for name in ("Im001_1.tif", "Im131_0.tif", "Im132_0.tif", "mask_nucleus/Im001_1.png"):
        picture(name, (257, 257))
    found = read_samples(tmp_path)
    assert found.counts() == {"blast": 1, "normal": 2}
    assert not found.grouped
    assert "no subjects" in found.layout
    with pytest.raises(DataError, match="only"):
        read_samples(tmp_path, FAB)


def test_crops_with_a_table_have_sessions(tmp_path, picture):
    for name in ("Im001_1.tif", "Im131_0.tif"):
        picture(name, (257, 257))
    rows = [("Im001_1.tif", "blast", "A1", "f", 0, 0, 1, 1, ""), ("Im131_0.tif", "normal", "H1", "f", 0, 0, 1, 1, "")]
    crops(tmp_path, *rows)
    assert read_samples(tmp_path).groups.tolist() == ["A1", "H1"]
    crops(tmp_path, rows[0])
    assert not read_samples(tmp_path).grouped


def test_crops_are_found_in_their_fields_without_the_platelets(tmp_path):
    field(tmp_path / "all_idb1" / "im" / "Im001_1.jpg")
    folder = tmp_path / "all_idb2"
    folder.mkdir()
    crops(
        folder, ("Im001_1.tif", "blast", "A1", "Im001_1.jpg", 100, 200, 257, 257, ""),
        ("Im002_0.tif", "normal", "H1", "Im999_0.jpg", 100, 200, 257, 257, ""),
        ("Im003_0.tif", "normal", "A1", "Im001_1.jpg", 700, 800, 257, 255, ""),
        ("Im004_0.tif", "normal", "A1", "Im001_1.jpg", 1, 1, 257, 257, "PLATELET not WBC"),
    )  # fmt: skip
    found = read_samples(folder)
    assert found.centres.tolist() == [[328.5, 228.5], [927.5, 828.5]]
    assert found.um_per_px == pytest.approx(7.5 / 78)
    assert "1 platelets, 1 crops" in found.note


def test_fields_without_marks_are_no_crops(tmp_path):
    field(tmp_path / "Im001_1.jpg")
    with pytest.raises(DataError, match="whole fields of ALL-IDB1"):
        read_samples(tmp_path)


def test_the_shared_crops_are_read_in_their_fields(data):
    found = read_samples(data / "all_idb2")
    assert found.grouped
    assert found.counts()["blast"] > 100
    assert "platelets" in found.note
