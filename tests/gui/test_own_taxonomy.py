"""A model whose classes nobody here knew before: names, colours, keys and labels are its own."""

import sqlite3

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QPushButton

from allviewer.gui import palette
from allviewer.gui.fields import Phase
from allviewer.systems.bundle import write_bundle
from allviewer.systems.card import OwnClass
from allviewer.vocab.taxonomy import ALL_HEM
from tests.systems.conftest import make_card, random_arrays

OWN = (
    OwnClass(key="blast", name="blast", colour="#AA3377", letter="b"),
    OwnClass(key="reactive", name="reactive lymphocyte", colour="#117733", letter="r"),
    OwnClass(key="other", name="any other cell", colour="#332288", letter="o"),
)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "ward.safetensors"
    keys = tuple(c.key for c in OWN)
    card = make_card(classes=keys, taxonomy="ward-7", taxonomy_name="what ward 7 tells apart", own_classes=OWN)
    write_bundle(path, card, random_arrays(classes=3))
    return path


@pytest.fixture
def ward(make_window, model, smear, wait, settle):
    window = make_window(model=str(model))
    window.open_paths([smear])
    wait(lambda: window.desk.current.phase is Phase.DONE, "the analysis", 90)
    settle(0.1)
    return window


def test_names_colours_keys_and_labels_are_the_models_own(ward, qtbot):
    window, session = ward, ward.desk.session
    names = [c.name for c in OWN]
    assert [c.name for c in window.desk.taxonomy.classes] == names
    assert list(window.panels.legend.switches)[:3] == [c.key for c in OWN]
    card = window.panels.card
    assert list(card.bars) == [c.key for c in OWN]
    assert [card.heat_class.itemText(i) for i in range(4)] == ["as suggested", *(f"for {n}" for n in names)]
    table = palette.build(window.desk.taxonomy)
    assert tuple(table[0, 1][:3]) == (0xAA, 0x33, 0x77)
    shown = [b.accessibleName() for b in card.findChildren(QPushButton) if b.isVisible()]
    assert shown.index("Reactive lymphocyte") > shown.index("Accept, go on")
    assert "Normal" not in shown
    assert sum(session.counts()[key].model_only for key in (*(c.key for c in OWN), "unsure")) == len(session)

    window.desk.select(0)
    qtbot.keyClick(QApplication.focusWidget() or window.canvas, Qt.Key.Key_3)
    qtbot.wait(30)
    with sqlite3.connect(window.desk.study.path) as db:
        assert db.execute("select label_after from decision").fetchall() == [("other",)]
    assert "reviewed as any other cell" in card.words.text()
    review = next(m for m in window.qt.menuBar().actions() if m.text() == "&Review").menu()
    titles = [a.text() for a in review.actions()]
    assert titles.index("Reactive lymphocyte") < titles.index("Any other cell") < titles.index("Not a cell")
    assert "Normal" not in titles
    window.actions.trigger("help.keys")
    assert window.panels.help.isVisible()


def test_another_taxonomy_takes_the_place_of_the_first(ward, qtbot):
    """The labels change places without a trace of the old ones; back again all is as before."""
    own = ward.desk.taxonomy
    for taxonomy in (ALL_HEM, own, ALL_HEM):
        ward.actions.label(taxonomy)
        keys = {c.id: c.keys for c in ward.actions.table.values() if c.id.startswith("review.label.")}
        assert keys == {f"review.label.{c.key}": (str(i),) for i, c in enumerate(taxonomy.classes, start=1)}
        qtbot.wait(20)
        shortcuts = [k.toString() for a in ward.qt.actions() for k in a.shortcuts()]
        assert [shortcuts.count(str(i)) for i in (1, 2, 3)] == [1, 1, int(len(taxonomy.classes) > 2)]
