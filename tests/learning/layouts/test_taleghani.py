import numpy as np
import pytest

from allviewer.learning.baseline import colour_numbers
from allviewer.learning.layouts import read_samples
from allviewer.learning.patches import cut_patches
from allviewer.learning.picture import read_rgb
from allviewer.learning.splits import make_split
from allviewer.vocab.errors import DataError
from allviewer.vocab.taxonomy import ALL_HEM, STAGES

KINDS = ("Benign", "Early", "Pre", "Pro")


@pytest.fixture
def tree(tmp_path, picture):
    for kind in KINDS:
        name = kind if kind == "Benign" else f"Malignant-{kind}"
        for number in range(1, 11):
            picture(f"Original/{kind}/WBC-{name}-{number:03}.jpg", (50, 50), 20 * number)
    return tmp_path


def test_fields_are_labelled_as_a_whole(tree):
    found = read_samples(tree)
    assert found.unit == "field"
    assert found.taxonomy is STAGES
    assert found.counts() == {"benign": 10, "early": 10, "pre": 10, "pro": 10}
    assert "0.94" in found.confounded
    with pytest.raises(DataError, match="only"):
        read_samples(tree, ALL_HEM)


def test_folders_of_the_first_release_are_known(tmp_path, picture):
    for name in ("Benign", "[Malignant] Pre-B", "[Malignant] Pro-B", "[Malignant] early Pre-B"):
        picture(f"{name}/Snap_001.jpg")
    picture("Segmented/Benign/Snap_001.jpg")
    assert read_samples(tmp_path).counts() == {"benign": 1, "early": 1, "pre": 1, "pro": 1}


def test_blocks_are_contiguous_and_stand_whole_on_one_side(tree):
    found = read_samples(tree)
    split = make_split(found, "given")
    assert split.folds == 5
    for label in range(4):
        rows = np.flatnonzero(found.labels == label)
        order = np.argsort([found.files[found.file[i]] for i in rows])
        assert (np.diff(split.fold[rows][order]) >= 0).all()
        assert np.bincount(split.fold[rows]).tolist() == [2, 2, 2, 2, 2]
    assert not split.optimistic
    dealt = make_split(found, "fold", 5)
    assert all(len(set(dealt.fold[found.groups == g])) == 1 for g in np.unique(found.groups))


def test_the_scale_bar_is_painted_over(tmp_path):
    import cv2

    path = tmp_path / "Benign" / "WBC-Benign-001.png"
    path.parent.mkdir()
    image = np.full((100, 100, 3), 180, np.uint8)
    image[85:95, 85:98] = 0
    cv2.imwrite(str(path), image)
    assert (read_rgb(read_samples(tmp_path), 0) == 180).all()


def test_no_scale_bar_is_left_in_the_published_fields(data):
    """White boxes and black or red strokes in the corner, brighter or darker than anything a smear shows there."""
    found = read_samples(data / "taleghani_all")
    for number in range(0, len(found.files), 16):
        rgb = read_rgb(found, number)
        height, width = (round(part * side) for part, side in zip(found.masked_corner, rgb.shape[:2], strict=True))
        assert len(np.unique(rgb[-height:, -width:].reshape(-1, 3), axis=0)) == 1
        rim = rgb[-height - 4 : -height, -width:].astype(int)  # just above the corner no box goes on
        assert not ((rim > 252).all(-1).mean(1) > 0.9).any() or (rgb > 252).all(-1).mean() > 0.2


def test_colour_alone_tells_the_classes_apart(data):
    """Why the card says confounded: no cell is looked at, and contiguous blocks help little (published: 0.94)."""
    from sklearn.ensemble import RandomForestClassifier

    found = read_samples(data / "taleghani_all")
    numbers = colour_numbers(cut_patches(found, 22.0, 64, None, margin=1))
    for how in ("given", "image"):
        split = make_split(found, how, 5)
        right = np.zeros(len(found), bool)
        for fold in range(split.folds):
            held = split.fold == fold
            forest = RandomForestClassifier(50, random_state=0, n_jobs=1)
            forest.fit(numbers[~held], found.labels[~held])
            right[held] = forest.predict(numbers[held]) == found.labels[held]
        print(f"{how}: {right.mean():.3f}")
        assert 0.80 < right.mean() < 0.99
