"""Classes of a user's own, and whole fields, from the data to the card that a viewer reads."""

import cv2
import numpy as np
import pytest
import torch

from allviewer import learning
from allviewer.systems import load_model
from allviewer.systems.card import OwnClass
from allviewer.vocab.errors import DataError
from allviewer.vocab.taxonomy import STAGES, TAXONOMIES
from tests.systems.conftest import make_card

MINE = """
key = "ward-7"
name = "what ward 7 tells apart"
classes = [
    { key = "blast", colour = "#AA3377", aliases = ["lymphoblast"] },
    { key = "reactive", name = "reactive lymphocyte" },
    { key = "other" },
]
"""


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def crops(tmp_path):
    rng = np.random.default_rng(0)
    for kind in ("Lymphoblast", "reactive", "other"):
        (tmp_path / "cells" / kind).mkdir(parents=True)
        for i in range(2):
            image = rng.integers(120, 240, (40, 40, 3), np.uint8)
            cv2.imwrite(str(tmp_path / "cells" / kind / f"{i}.png"), image)
    return tmp_path / "cells"


def fit(data, out, **more):
    *_, last = learning.train("alnet", data, out, epochs=1, split="none", device="cpu", **more)
    return last.card


def test_a_file_of_classes_goes_with_the_model(crops, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(MINE)
    card = fit(crops, tmp_path / "ward-1.safetensors", taxonomy=str(file))
    assert card.classes == ("blast", "reactive", "other")
    shown = load_model(tmp_path / "ward-1.safetensors", "cpu").card.shown_taxonomy
    assert (shown.key, shown.name) == ("ward-7", "what ward 7 tells apart")
    assert [c.name for c in shown.classes] == ["blast", "reactive lymphocyte", "other"]
    assert shown.classes[0].colour == "#AA3377"
    assert shown.find("lymphoblast") == 0  # so that the same data can be read for judging it
    (crops / "reactive" / "2.png").write_bytes((crops / "other" / "0.png").read_bytes())  # other data than it knows
    assert learning.evaluate(tmp_path / "ward-1.safetensors", crops, device="cpu")


def test_the_datas_own_names_go_with_the_model(crops, tmp_path):
    card = fit(crops, tmp_path / "own-1.safetensors", taxonomy="folders")
    assert card.taxonomy == "folders"
    assert [c.name for c in card.shown_taxonomy.classes] == ["Lymphoblast", "other", "reactive"]


def test_whole_fields_and_what_confounds_them_stand_on_the_card(tmp_path):
    for kind in ("Benign", "Malignant-Early", "Malignant-Pre", "Malignant-Pro"):
        for number in (1, 2):
            path = tmp_path / "fields" / kind.rpartition("-")[2] / f"WBC-{kind}-{number:03}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), np.full((40, 40, 3), 200, np.uint8))
    card = fit(tmp_path / "fields", tmp_path / "fields-1.safetensors")
    assert card.unit == "field"
    assert card.shown_taxonomy is STAGES
    assert any("nine global colour numbers" in limit for limit in card.limits)


def test_one_fold_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(DataError, match="one fold would hold everything out"):
        next(learning.train("alnet", tmp_path / "nowhere", tmp_path / "m.safetensors", folds=1))


def test_a_card_keeps_its_classes_consistent():
    own = tuple(OwnClass(key=k, name=k, colour="#AA3377", letter=k) for k in "ab")
    assert make_card(classes=("a", "b"), taxonomy="mine", own_classes=own).shown_taxonomy.keys == ("a", "b")
    assert make_card(classes=("a", "b"), taxonomy="mine").shown_taxonomy.classes[0].name == "a"
    assert make_card().shown_taxonomy is TAXONOMIES["all-hem"]
    with pytest.raises(ValueError, match="different keys"):
        make_card(classes=("a", "c"), taxonomy="mine", own_classes=own)
    with pytest.raises(ValueError, match="cannot be shown apart"):
        make_card(classes=tuple(f"c{i}" for i in range(28)), taxonomy="mine")
    with pytest.raises(ValueError, match="colour"):
        OwnClass(key="a", name="a", colour="red", letter="a")
