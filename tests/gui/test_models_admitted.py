"""Models that are not the file that was recorded are asked about; models of whole fields speak of the image alone."""

import sqlite3

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QMessageBox

from allviewer.gui.fields import Phase
from allviewer.records import Study
from allviewer.resources import DEFAULT_MODEL
from allviewer.systems.bundle import write_bundle
from allviewer.vocab.taxonomy import STAGES
from tests.gui.test_window import key
from tests.systems.conftest import random_arrays
from tests.systems.test_fields import field_card

OLD = "f" * 64


@pytest.fixture
def study_that_knows_another(tmp_path):
    path = tmp_path / "known.sqlite"
    with Study.open(path, reader="m.k.") as study:
        study.admit_model(DEFAULT_MODEL, OLD)
    return path


@pytest.fixture(scope="session")
def fields_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "fields-1.safetensors"
    write_bundle(path, field_card(), random_arrays(4, 4))
    return path


def asked(window, wait) -> QMessageBox:
    wait(lambda: any(box.isActiveWindow() for box in window.qt.findChildren(QMessageBox)), "the question")
    return next(box for box in window.qt.findChildren(QMessageBox) if box.isActiveWindow())


def admitted(window) -> list[tuple]:
    with sqlite3.connect(window.desk.study.path) as raw:
        return raw.execute("select name, digest, accepted_by is not null from model_used order by id").fetchall()


def test_what_is_used_is_noted_in_the_study(reviewed, model_warm):
    assert admitted(reviewed) == [(DEFAULT_MODEL, model_warm.digest, 0)]


def test_another_file_is_asked_about_with_both_digests_and_used_once_accepted(
    make_window, study_that_knows_another, smear, qtbot, wait, model_warm
):
    window = make_window(study=study_that_knows_another)
    window.open_paths([smear])
    box = asked(window, wait)
    words = box.text() + box.informativeText()
    for word in (DEFAULT_MODEL, OLD[:12], model_warm.digest[:12], str(study_that_knows_another)):
        assert word in words
    assert window.desk.session is None  # nothing is suggested before the answer
    qtbot.keyClick(box, Qt.Key.Key_Escape)  # the careful answer
    wait(lambda: window.canvas.hasFocus())
    assert window.desk.current.phase is Phase.FAILED
    assert f"--accept-model {DEFAULT_MODEL}" in window.desk.current.problem
    assert admitted(window) == [(DEFAULT_MODEL, OLD, 0)]
    key(qtbot, window, Qt.Key.Key_F5)
    box = asked(window, wait)
    accept = next(b for b in box.buttons() if "Accept" in b.text())
    while not accept.hasFocus():
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    qtbot.keyClick(accept, Qt.Key.Key_Space)
    wait(lambda: window.desk.current.phase is Phase.DONE, "the analysis")
    assert len(window.desk.session) >= 8
    assert admitted(window) == [(DEFAULT_MODEL, OLD, 0), (DEFAULT_MODEL, model_warm.digest, 1)]
    window.quit()
    again = make_window(study=study_that_knows_another)  # the study remembers the answer
    again.open_paths([smear])
    wait(lambda: again.desk.current.phase is Phase.DONE, "the analysis")
    assert not again.qt.findChildren(QMessageBox)


def test_accepted_on_the_command_line_nothing_is_asked(make_window, study_that_knows_another, smear, wait, model_warm):
    window = make_window(study=study_that_knows_another, accepted=frozenset({DEFAULT_MODEL}))
    window.open_paths([smear])
    wait(lambda: window.desk.current.phase is Phase.DONE, "the analysis")
    assert admitted(window)[-1] == (DEFAULT_MODEL, model_warm.digest, 1)


def test_a_model_of_fields_suggests_for_the_image_and_leaves_every_cell(reviewed, fields_file, smear, qtbot, wait):
    window, session = reviewed, reviewed.desk.session
    before = session.prediction.probabilities.copy()
    line = window.panels.whole_field
    assert not line.isVisible()
    window.desk.models.choose(str(fields_file))
    wait(line.isVisible, "the line")
    said = window.desk.current.suggestion
    name = STAGES.classes[said.best].name
    assert line.words.text().startswith("Field as a whole: ")
    assert f"{name} {max(said.probabilities):.2f}" in line.words.text()
    assert "a suggestion of fields-1 for the whole image" in line.words.text()
    assert window.desk.session is session
    assert session.prediction.probabilities.tobytes() == before.tobytes()
    assert window.panels.status.model.text() == f"model {DEFAULT_MODEL}   F6"
    window.desk.models.choose(None)
    wait(lambda: not line.isVisible())
    wait(lambda: window.desk.analysing is None and window.desk.session.prediction is None)


def test_a_model_of_fields_given_at_the_start_and_a_wrong_one(make_window, fields_file, smear, wait):
    window = make_window(field_model=str(fields_file), autostart=False)
    window.open_paths([smear])
    wait(window.panels.whole_field.isVisible, "the line")
    assert window.desk.session is None
    window.quit()
    wrong = make_window(field_model=DEFAULT_MODEL, autostart=False)
    wait(lambda: wrong.panels.failures.waiting)
    assert "judges single cells" in wrong.panels.failures.waiting[0].message
