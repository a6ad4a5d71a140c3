import cv2
import numpy as np
import pytest

from allviewer.learning.layouts import read_samples
from allviewer.learning.patches import cut_patches
from allviewer.records import Study
from allviewer.slides import open_slide
from allviewer.vocab.decision import Act, Decision
from allviewer.vocab.errors import DataError, StudyError
from allviewer.vocab.taxonomy import ALL_HEM, FAB, FOLDERS


@pytest.fixture
def study(tmp_path):
    """A study of two images: blasts, normal cells, an unsure one, one that is no cell, one of other classes."""
    path = tmp_path / "ward.sqlite"
    with Study.open(path, reader="ann", device="here") as book:
        for number, um in enumerate((0.1, 0.2)):
            image = tmp_path / "images" / f"s{number}.png"
            image.parent.mkdir(exist_ok=True)
            cv2.imwrite(str(image), np.full((300, 400, 3), 200 - number, np.uint8))
            slide = open_slide(image)
            book.add_slide(slide.digest, slide.name, image, slide.shape, um)
            labels = ("blast", "normal", "unsure", "not-a-cell", "l2")[: 5 - 2 * number]
            book.commit([
                Decision(slide.digest, i, Act.RELABEL, None, label, "blast", (150.0, 70.0 * (i + 1)),
                         (0, 0, 9, 9), "run")
                for i, label in enumerate(labels)
            ])  # fmt: skip
            slide.close()
    return path


def test_settled_cells_are_read_and_the_rest_counted(study):
    found = read_samples(study)
    assert found.taxonomy is ALL_HEM
    assert found.counts() == {"blast": 2, "normal": 2}
    assert found.files == ("s0.png", "s1.png")
    assert found.centres.tolist() == [[150, 70], [150, 140]] * 2
    assert found.um_per_px.tolist() == pytest.approx([0.1, 0.1, 0.2, 0.2])
    assert len(set(found.groups)) == 2
    assert found.grouped
    assert "Left out: 3 settled as unsure or as no cell, 1 of other classes" in found.note
    assert cut_patches(found, 10.0, 32, None, margin=1).shape == (4, 32, 32, 3)


def test_what_was_taken_back_is_no_label(study):
    with Study.open(study, reader="ann", device="here") as book:
        first = book.slides()[0]
        book.undo(first.digest)
    assert read_samples(study).counts() == {"blast": 1, "normal": 1}


def test_classes_may_be_named(study):
    assert read_samples(study, FAB).counts() == {"l1": 0, "l2": 1, "l3": 0}
    assert read_samples(study, FOLDERS).classes == ("blast", "l2", "normal")


def test_an_image_that_moved_or_changed_is_named(study):
    image = study.parent / "images" / "s1.png"
    cv2.imwrite(str(image), np.zeros((300, 400, 3), np.uint8))
    with pytest.raises(DataError, match="changed since it was reviewed"):
        read_samples(study)
    image.unlink()
    with pytest.raises(DataError, match="not where it was last seen"):
        read_samples(study)


def test_a_study_without_settled_cells_and_a_foreign_database_are_refused(tmp_path):
    import sqlite3

    with Study.open(tmp_path / "new.sqlite", reader="ann"):
        pass
    with pytest.raises(DataError, match="no cell of this study"):
        read_samples(tmp_path / "new.sqlite", ALL_HEM)
    with pytest.raises(DataError, match="no cell of this study"):
        read_samples(tmp_path / "new.sqlite")
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("create table t (x)")
    with pytest.raises(StudyError):
        read_samples(tmp_path / "other.db", ALL_HEM)


def test_slides_tell_where_they_were_last_seen(study):
    with Study.open(study, reader="ben") as book:
        first, second = book.slides()
        assert (first.shape, first.pixel_size_um, first.path.name) == ((300, 400), 0.1, "s0.png")
        book.add_slide(first.digest, "renamed", first.path, first.shape, 0.15)
        assert [(s.name, s.pixel_size_um) for s in book.slides()] == [(second.name, 0.2), ("renamed", 0.15)]


def test_cells_of_a_large_slide_are_cut_one_by_one_like_those_of_a_picture(study, monkeypatch):
    from allviewer.learning import picture

    image = study.parent / "images" / "s0.png"
    found = read_samples(study)
    near_the_edge = found.take([0, 1])
    near_the_edge.centres[0] = (3, 2)
    rng = np.random.default_rng(0)
    cv2.imwrite(str(image), rng.integers(0, 256, (300, 400, 3), np.uint8))
    for white in (None, 240.0):
        whole = cut_patches(near_the_edge, 10.0, 32, white)
        with monkeypatch.context() as patch:
            patch.setattr(picture, "PLAIN", ())
            np.testing.assert_array_equal(cut_patches(near_the_edge, 10.0, 32, white), whole)
            patch.setattr(picture, "PLAIN", (".png",))
            patch.setattr(picture, "MOST_PIXELS", 100)
            np.testing.assert_array_equal(cut_patches(near_the_edge, 10.0, 32, white), whole)
