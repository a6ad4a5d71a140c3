from itertools import combinations

from PySide6.QtGui import QKeySequence

from allviewer.gui.commands import MENUS, commands, printed
from allviewer.vocab.taxonomy import ALL_HEM, STAGES

TABLE = commands(ALL_HEM)


def test_every_verb_stands_once_with_its_words():
    ids = [c.id for c in TABLE]
    assert len(ids) == len(set(ids))
    for command in TABLE:
        assert command.menu in MENUS
        assert command.title
        assert command.tip
        assert "\n" not in command.tip


def test_no_key_does_two_things_and_every_key_is_one():
    keys = [(QKeySequence(key).toString(), c.id) for c in TABLE for key in c.keys]
    assert all(text for text, _ in keys)
    assert not [(a, b) for a, b in combinations(keys, 2) if a[0] == b[0]]


def test_the_keys_of_reviewing():
    by_id = {c.id: c.keys for c in TABLE}
    assert {"Return", "Space"} <= set(by_id["review.accept"])
    assert "Backspace" in by_id["review.reject"]
    assert by_id["review.unsure"] == ("U",)
    assert {"N", "Right"} <= set(by_id["review.next"])
    assert {"P", "Left"} <= set(by_id["review.previous"])
    assert by_id["review.undo"] == ("Ctrl+Z",)
    assert "Ctrl+Shift+Z" in by_id["review.redo"]
    assert [by_id[i][0] for i in ("view.heat", "view.outlines", "view.filters", "file.open")] == [
        "H",
        "O",
        "F",
        "Ctrl+O",
    ]
    assert "Esc" in by_id["help.back"]
    assert "?" in by_id["help.keys"]


def test_a_digit_for_each_class_in_the_taxonomy_s_order():
    labels = [c for c in commands(STAGES) if c.id.startswith("review.label.")]
    assert [c.keys[0] for c in labels] == ["1", "2", "3", "4"]
    assert [c.id.rsplit(".", 1)[1] for c in labels] == list(STAGES.keys)


def test_keys_as_printed():
    assert printed("Return") == "⏎"
    assert printed("Backspace") == "⌫"
    assert printed("Ctrl+Z") == "Ctrl+Z"
    assert printed("+") == "+"


def test_words_claim_no_diagnosis():
    words = " ".join(f"{c.title} {c.tip}" for c in TABLE).lower()
    assert "diagnos" not in words
    assert "patient" not in words
