"""Every model file is listed: usable ones with their card, the rest with what is wrong with them."""

import pytest

import allviewer.systems.model as model_room
from allviewer.systems.bundle import file_digest, write_bundle
from allviewer.systems.catalogue import catalogue, examine
from allviewer.systems.describe import describe, headline_figure, passages
from tests.systems.conftest import make_card


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(model_room, "model_folder", lambda: tmp_path)
    return tmp_path


def test_bundled_models_come_first_then_the_users_own(folder, model_file, card):
    found = catalogue()
    assert [one.bundled for one in found] == sorted((one.bundled for one in found), reverse=True)
    assert "alnet-1" in {one.name for one in found if one.bundled}
    own = next(one for one in found if one.name == "toy")
    assert own.card == card
    assert not own.problem
    assert not own.bundled
    assert own.size == model_file.stat().st_size
    assert own.digest == file_digest(model_file)


def test_bad_files_are_listed_with_their_sentence_and_stop_nothing(folder, model_file, arrays):
    whole = model_file.read_bytes()
    (folder / "cut.safetensors").write_bytes(whole[:-100])
    changed = bytearray(whole)
    changed[-5] ^= 1
    (folder / "altered.safetensors").write_bytes(changed)
    (folder / "foreign.safetensors").write_bytes(b"PK\x03\x04 no model")
    write_bundle(folder / "stranger.safetensors", make_card(system="unheard-of"), arrays)
    problems = {one.name: one.problem for one in catalogue() if one.card is None}
    assert problems.keys() == {"cut", "altered", "foreign", "stranger"}
    for name, words in (
        ("cut", "damaged"), ("altered", "altered"), ("foreign", "not a model file"), ("stranger", "not installed"),
    ):  # fmt: skip
        assert words in problems[name]
        assert f"{name}.safetensors" in problems[name]
        assert "\n" not in problems[name]


def test_a_file_that_is_not_there_is_a_sentence_too(tmp_path):
    missing = examine(tmp_path / "gone.safetensors")
    assert missing.card is None
    assert "no such model file" in missing.problem
    assert (missing.size, missing.digest) == (0, "")


def test_the_card_in_words_leaves_nothing_out(card):
    rich = card.model_copy(
        update={
            "options": {"head": "cubic svm"},
            "explains": "the neural head, not the trees",
            "unit": "field",
        }
    )
    text = describe(rich)
    for word in ("head: cubic svm", "the neural head, not the trees", "whole", "not judged", "for tests", "blast"):
        assert word in text
    assert "Options" not in {p.title for p in passages(card)}
    assert "Grad-CAM" in describe(card)
    assert headline_figure(card) == "AUROC 0.500"
    narrow = describe(rich, width=60)
    assert max(len(line) for line in narrow.splitlines()[1:]) <= 60
    assert " ".join(narrow.split()).replace(" ", "") == " ".join(text.split()).replace(" ", "")
