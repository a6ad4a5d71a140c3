"""Choosing the model, as a person does it: F6, arrows, Return; other classes, other colours, the same decisions."""

import shutil

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from allviewer.gui import palette
from allviewer.gui.fields import Phase
from allviewer.gui.model_dialog import ModelDialog
from allviewer.resources import DEFAULT_MODEL, resource
from allviewer.systems.bundle import write_bundle
from allviewer.systems.card import Calibration, UnsureBand
from allviewer.vocab.taxonomy import ALL_HEM, STAGES
from tests.gui.test_window import click, key, rows_on_disk
from tests.systems.conftest import make_card, random_arrays


@pytest.fixture(scope="session")
def stages_file(tmp_path_factory):
    """A model of four classes with random weights."""
    card = make_card(
        classes=STAGES.keys, taxonomy=STAGES.key, title="four stages, for tests",
        calibration=Calibration(scale=1.0, bias=(0.0, 0.1, 0.2, 9.0)),
        unsure=UnsureBand(thresholds=(0.2,) * 4, coverage=0.9, how="for tests"),
    )  # fmt: skip
    path = tmp_path_factory.mktemp("models") / "stages-1.safetensors"
    write_bundle(path, card, random_arrays(3, 4))
    return path


@pytest.fixture
def shelf(tmp_path, monkeypatch, stages_file):
    """The user's own models: one of four classes, one cut short."""
    import allviewer.systems.model as room

    folder = tmp_path / "own"
    folder.mkdir()
    shutil.copy(stages_file, folder)
    (folder / "broken.safetensors").write_bytes(stages_file.read_bytes()[:5000])
    monkeypatch.setattr(room, "model_folder", lambda: folder)
    return folder


def opened(qtbot, window, wait) -> ModelDialog:
    key(qtbot, window, Qt.Key.Key_F6)
    dialog = window.qt.findChild(ModelDialog)
    wait(lambda: dialog.models and dialog.isActiveWindow(), "the list of models")
    return dialog


def stand_on(qtbot, dialog, name: str) -> None:
    """Walk to a model with the arrow keys."""
    dialog.list.setFocus()
    qtbot.keyClick(dialog.list, Qt.Key.Key_Home)
    for _ in dialog.models:
        if dialog.listed.name == name:
            return
        qtbot.keyClick(dialog.list, Qt.Key.Key_Down)
    raise AssertionError(f"{name} is not among {[one.name for one in dialog.models]}")


def pixels_of(window, colour: str) -> int:
    """How much of the slide on screen is close to a colour."""
    image = window.viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
    return int((np.abs(image - palette.rgb(colour)).sum(axis=2) < 30).sum())


def changed_to(wait, window, name: str | None) -> None:
    wait(lambda: window.desk.models.shelf.chosen == name, f"the choice of {name}")
    wait(lambda: window.desk.analysing is None and window.desk.current.phase is Phase.DONE, "the analysis")


def test_the_list_names_every_model_and_the_card_is_in_words(reviewed, shelf, qtbot, wait):
    dialog = opened(qtbot, reviewed, wait)
    names = [one.name for one in dialog.models]
    assert {DEFAULT_MODEL, "stages-1", "broken"} <= set(names)
    assert dialog.listed.name == DEFAULT_MODEL  # the one in use
    said = dialog.list.currentItem().data(Qt.ItemDataRole.AccessibleTextRole)
    for word in ("in use", dialog.listed.card.system, "cells", "blast, normal", "AUROC 0."):
        assert word in said
    text = dialog.card.toPlainText()
    for word in ("Trained on", "nine colour numbers", "Limits", "Heat explains", "sha256", dialog.listed.digest):
        assert word in text
    stand_on(qtbot, dialog, "broken")
    assert "damaged" in dialog.card.toPlainText()
    assert not dialog.use.isEnabled()
    qtbot.keyClick(dialog.list, Qt.Key.Key_Return)
    assert dialog.isVisible()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    wait(lambda: QApplication.activeWindow() is reviewed.qt)
    assert reviewed.desk.models.name == DEFAULT_MODEL


def test_a_model_of_other_classes_shows_its_own_and_touches_no_decision(reviewed, shelf, qtbot, wait):
    window = reviewed
    key(qtbot, window, Qt.Key.Key_N)
    first = window.desk.row
    key(qtbot, window, Qt.Key.Key_1)
    window.desk.select(None)
    log, before = rows_on_disk(window), window.desk.session
    ids = before.cells.ids.tolist()
    dialog = opened(qtbot, window, wait)
    stand_on(qtbot, dialog, "stages-1")
    assert "reviewed with other classes (blast): 1." in dialog.card.toPlainText()
    qtbot.keyClick(dialog.list, Qt.Key.Key_Return)
    changed_to(wait, window, str(shelf / "stages-1.safetensors"))
    session = window.desk.session
    assert session is not before
    assert session.taxonomy == STAGES
    assert session.cells.ids.tolist() == ids
    assert window.panels.status.model.text() == "model stages-1   F6"
    wait(lambda: list(window.panels.legend.switches)[:4] == list(STAGES.keys), "the legend")
    assert list(window.panels.card.bars) == list(STAGES.keys)
    assert {session.codes.key(int(code)) for code in session.suggested} == {"pro"}
    drawn = pixels_of(window, STAGES.classes[3].colour)
    key(qtbot, window, Qt.Key.Key_O)
    assert drawn > pixels_of(window, STAGES.classes[3].colour) + 300
    key(qtbot, window, Qt.Key.Key_O)
    assert rows_on_disk(window) == log
    wait(lambda: "0 reviewed   ·   1 with other classes" in window.panels.status.words.text())
    # the decision stays, and is not written over
    assert session.foreign[first]
    click(qtbot, window, first)
    assert "reviewed as blast, of other classes" in window.panels.card.words.text()
    key(qtbot, window, Qt.Key.Key_4)
    assert "none of these classes" in window.panels.failures.waiting[0].message
    window.panels.failures.dismiss()
    assert rows_on_disk(window) == log
    # another cell is reviewed by the new classes, with the key printed on its button
    key(qtbot, window, Qt.Key.Key_Escape)
    key(qtbot, window, Qt.Key.Key_N)
    assert window.desk.row != first
    key(qtbot, window, Qt.Key.Key_4)
    assert rows_on_disk(window)[-1][3] == "pro"
    review = [action.text() for action in window.actions._menus["Review"].actions()]
    assert "Pro-B" in review
    assert "Blast" not in review
    labels = [b.accessibleName() for b, c in window.actions.buttons if c.id.startswith("review.label.")]
    assert labels == ["Benign", "Early pre-B", "Pre-B", "Pro-B"]
    # and back: the first decision is there as it was
    dialog = opened(qtbot, window, wait)
    assert dialog.listed.name == "stages-1"
    stand_on(qtbot, dialog, DEFAULT_MODEL)
    qtbot.keyClick(dialog.list, Qt.Key.Key_Return)
    changed_to(wait, window, str(resource("models", f"{DEFAULT_MODEL}.safetensors")))
    assert window.desk.session.taxonomy == ALL_HEM
    assert window.desk.session.codes.key(int(window.desk.session.label[first])) == "blast"
    assert np.count_nonzero(window.desk.session.foreign) == 1
    key(qtbot, window, Qt.Key.Key_Question)
    assert window.panels.help.isVisible()


def test_no_model_finds_and_measures_only(reviewed, shelf, qtbot, wait):
    window = reviewed
    count = len(window.desk.session)
    dialog = opened(qtbot, window, wait)
    qtbot.mouseClick(dialog.none, Qt.MouseButton.LeftButton)
    changed_to(wait, window, None)
    session = window.desk.session
    assert len(session) == count
    assert session.prediction is None
    assert not window.desk.has_heat
    assert window.panels.status.model.text() == "model none   F6"
    click(qtbot, window, 0)
    assert "not classified" in window.panels.card.words.text()


def test_a_model_that_fails_to_load_changes_nothing(reviewed, qtbot, wait, stages_file):
    window, session = reviewed, reviewed.desk.session
    window.desk.models.choose(str(stages_file.with_name("gone.safetensors")))
    wait(lambda: window.panels.failures.waiting)
    failure = window.panels.failures.waiting[0]
    assert failure.title == "The model was not changed"
    assert "no such model file" in failure.message
    assert window.desk.session is session
    assert window.desk.models.name == DEFAULT_MODEL
    assert window.desk.current.phase is Phase.DONE


def test_a_file_from_anywhere_is_added_and_stood_on(window, qtbot, wait, stages_file):
    """Without an image too: the choice is for the images that are opened next."""
    dialog = opened(qtbot, window, wait)
    dialog.open_file(stages_file)
    wait(lambda: dialog.listed is not None and dialog.listed.name == "stages-1")
    dialog.open_file(stages_file.with_name("notes.txt"))
    wait(lambda: dialog.listed.name == "notes")
    assert "no such model file" in dialog.card.toPlainText()
    dialog.open_file(stages_file)
    wait(lambda: dialog.listed.name == "stages-1")
    qtbot.mouseClick(dialog.use, Qt.MouseButton.LeftButton)
    wait(lambda: window.desk.models.name == "stages-1")


def test_all_open_images_follow_and_a_running_analysis_is_left(make_window, smear, shelf, qtbot, wait, tmp_path):
    window = make_window(runs=tmp_path / "runs")
    turned = tmp_path / "turned.png"
    Image.open(smear).rotate(180).save(turned)
    window.open_paths([smear, turned])
    wait(lambda: window.desk.fields[1].phase is Phase.ANALYSING)
    window.desk.models.choose("stages-1")
    wait(lambda: window.desk.models.name == "stages-1")
    wait(lambda: all(f.phase is Phase.DONE for f in window.desk.fields) and window.desk.analysing is None, seconds=90)
    assert [f.session.taxonomy for f in window.desk.fields] == [STAGES, STAGES]
    for field in window.desk.fields:
        assert field.session.prediction.classes == STAGES.keys
