"""The panel that says how far the image can be trusted."""

from allviewer.gui.desk import Desk, Options
from allviewer.gui.fields import Field
from allviewer.gui.panels.quality import NOTHING, Verdicts
from allviewer.records import Study
from allviewer.vocab.quality import SUBJECTS, FieldQuality, Verdict


def quality(**grades):
    return FieldQuality(tuple(Verdict(n, 1.0, "", grades.get(n, "good"), f"{n} said in words.", {}) for n in SUBJECTS))


def test_it_says_each_grade_and_the_sentences_of_doubt(qtbot, tmp_path, needs_screen):
    study = Study.open(tmp_path / "study.allviewer")
    desk = Desk(Options(), study, lambda call: call())
    panel = Verdicts(desk)
    qtbot.addWidget(panel)
    assert panel.words.text() == NOTHING
    desk.current = Field(tmp_path / "a.png", "a.png")
    desk.current.judged.append(quality())
    desk.progressed.emit(desk.current)
    qtbot.waitUntil(lambda: panel.grades["focus"].text() == "good", timeout=3000)
    assert "against the counts" in panel.words.text()
    desk.current.judged.append(quality(focus="poor", stain="fair"))
    desk.progressed.emit(desk.current)
    qtbot.waitUntil(lambda: panel.grades["focus"].text() == "poor", timeout=3000)
    assert panel.grades["stain"].text() == "fair"
    assert panel.grades["focus"].accessibleName() == "focus: poor"
    assert panel.words.text().startswith("focus said in words.")
    assert "crowding" not in panel.words.text()
    desk.current = None
    desk.shown.emit(None)
    qtbot.waitUntil(lambda: panel.words.text() == NOTHING, timeout=3000)
    desk.shut()
