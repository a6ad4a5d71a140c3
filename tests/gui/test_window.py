"""The window as a person uses it: real keys, real clicks, real drops, a real study on disk."""

import sqlite3

import numpy as np
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QPushButton

from allviewer.gui.fields import Phase
from allviewer.gui.napari_inside import world_at
from allviewer.records import Study
from allviewer.resources import DEFAULT_MODEL
from allviewer.vocab.taxonomy import ALL_HEM


def key(qtbot, window, key, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    """Press a key where the focus is."""
    qtbot.keyClick(QApplication.focusWidget() or window.canvas, key, modifier)
    qtbot.wait(30)


def spot(window, y: float, x: float) -> QPoint:
    """Canvas point of a place in the house's frame."""
    y0, x0 = world_at(window.viewer, 0, 0)
    y1, x1 = world_at(window.viewer, window.canvas.width(), window.canvas.height())
    across = (x - 0.5 - x0) / (x1 - x0) * window.canvas.width()
    down = (y - 0.5 - y0) / (y1 - y0) * window.canvas.height()
    return QPoint(round(across), round(down))


def click(qtbot, window, row: int) -> None:
    y, x = window.desk.session.cells.centroid[row].tolist()
    qtbot.mouseClick(window.canvas, Qt.MouseButton.LeftButton, pos=spot(window, y, x))
    qtbot.wait(30)


def rows_on_disk(window) -> list[tuple]:
    with sqlite3.connect(window.desk.study.path) as db:
        return db.execute("select act, cell, label_before, label_after from decision order by id").fetchall()


def test_first_sight_is_a_sentence_and_three_doors(window, qtbot):
    page = window.panels.first_sight
    assert page.isVisible()
    assert [b.accessibleName() for b in page.findChildren(QPushButton)] == [
        "Open images…", "Open a study…", "Try the sample",
    ]  # fmt: skip
    assert "no image" in window.panels.status.words.text()


def test_open_analyse_click_relabel_undo(reviewed, qtbot, wait):
    """The whole path once, with the mouse and the keyboard, down to the rows in the database."""
    window, session = reviewed, reviewed.desk.session
    assert not window.panels.first_sight.isVisible()
    assert len(session) >= 8
    for row in np.random.default_rng(0).permutation(len(session))[:5]:
        click(qtbot, window, int(row))
        assert window.desk.row == row
    row = next(r for r in range(len(session)) if session.codes.key(int(session.suggested[r])) == "blast")
    click(qtbot, window, row)
    cell = int(session.cells.ids[row])
    key(qtbot, window, Qt.Key.Key_2)
    assert rows_on_disk(window) == [("relabel", cell, None, "normal")]
    assert session.codes.key(int(session.label[row])) == "normal"
    assert "reviewed as normal" in window.panels.card.words.text()
    assert window.desk.row == row  # a click, not a walk: nothing runs away from under the hand
    key(qtbot, window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert rows_on_disk(window)[1] == ("undo", cell, "normal", None)
    assert session.label[row] == -1
    assert "model suggests" in window.panels.card.words.text()
    key(qtbot, window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert rows_on_disk(window)[2] == ("redo", cell, None, "normal")
    assert session.codes.key(int(session.label[row])) == "normal"


def test_every_cell_is_settled_by_one_key_each_and_none_twice(reviewed, qtbot):
    window, session = reviewed, reviewed.desk.session
    key(qtbot, window, Qt.Key.Key_N)
    seen = [window.desk.row]
    keys = [Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_1, Qt.Key.Key_U, Qt.Key.Key_Backspace]
    for i in range(len(session) - 1):
        key(qtbot, window, keys[i % len(keys)])
        seen.append(window.desk.row)
    key(qtbot, window, Qt.Key.Key_Space)
    assert sorted(seen) == list(range(len(session)))
    assert session.reviewed.all()
    assert len(rows_on_disk(window)) == len(session)
    cut = session.cells.touches_border[seen]
    assert (np.diff(cut.astype(int)) >= 0).all()  # whole cells, then those the edge cuts
    for part in (session.confidence[seen][~cut], session.confidence[seen][cut]):
        assert (np.diff(part) >= -1e-6).all()  # the most doubtful came first
    key(qtbot, window, Qt.Key.Key_N)
    assert "reviewed" in window.panels.note._words.text()


def test_what_was_decided_is_there_again_in_the_next_window(reviewed, make_window, smear, qtbot, wait):
    first = reviewed
    key(qtbot, first, Qt.Key.Key_N)
    cell = int(first.desk.session.cells.ids[first.desk.row])
    key(qtbot, first, Qt.Key.Key_Backspace)
    path = first.desk.study.path
    first.quit()
    second = make_window(study=path)
    second.open_paths([smear])
    wait(lambda: second.desk.current.phase is Phase.DONE)
    session = second.desk.session
    row = int(session.rows_of([cell])[0])
    assert session.codes.key(int(session.label[row])) == "not-a-cell"
    assert session.reviewed.sum() == 1
    assert session.can_undo


def test_a_key_for_a_class_does_nothing_without_a_cell(reviewed, qtbot):
    for press in (Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_U, Qt.Key.Key_Backspace, Qt.Key.Key_Space):
        key(qtbot, reviewed, press)
    assert rows_on_disk(reviewed) == []


def test_escape_goes_one_step_back_each_time(reviewed, qtbot):
    window = reviewed
    key(qtbot, window, Qt.Key.Key_N)
    key(qtbot, window, Qt.Key.Key_Question)
    assert window.panels.help.isVisible()
    key(qtbot, window, Qt.Key.Key_Escape)
    assert not window.panels.help.isVisible()
    assert window.desk.row is not None
    key(qtbot, window, Qt.Key.Key_Escape)
    assert window.desk.row is None


def test_focus_is_never_stuck_and_a_focused_button_keeps_its_space(reviewed, qtbot):
    window = reviewed
    key(qtbot, window, Qt.Key.Key_N)
    row = window.desk.row
    unsure = next(b for b, c in window.actions.buttons if c.id == "review.unsure")
    unsure.setFocus()
    key(qtbot, window, Qt.Key.Key_Space)  # presses the button it is on, accepts nothing
    session = window.desk.session
    assert session.codes.key(int(session.label[row])) == "unsure"
    assert len(rows_on_disk(window)) == 1
    window.panels.legend.which.setFocus()
    key(qtbot, window, Qt.Key.Key_Escape)
    assert window.canvas.hasFocus()
    for button, _ in window.actions.buttons:
        assert button.focusPolicy() == Qt.FocusPolicy.TabFocus  # a click leaves the focus on the slide


def test_heat_is_shown_for_cell_view_and_field_on_one_raw_scale(reviewed, qtbot, wait):
    window, field = reviewed, reviewed.desk.current
    layer = window.view.heat.layer
    key(qtbot, window, Qt.Key.Key_N)
    key(qtbot, window, Qt.Key.Key_H)
    wait(lambda: layer.visible)
    tops = set()
    for scope in ("cell", "view", "field"):
        window.actions.trigger(f"view.heat.{scope}")
        qtbot.wait(250)
        assert layer.visible
        assert layer.data.max() > 0
        tops.add(window.view.heat.top)
    prediction = window.desk.session.prediction
    assert tops == {field.heat_top} == {float(np.nanmax(prediction.heat))}
    assert f"{field.heat_top:.3g}" in window.panels.heat_bar.scale.accessibleDescription()
    assert "% of the heat for " in window.panels.card.share.text()
    # the hottest place of the layer is the hottest place of the maps
    y, x = np.unravel_index(layer.data.argmax(), layer.data.shape)
    hottest = layer.data_to_world((y, x))
    own = prediction.heat[np.arange(len(prediction)), prediction.predicted]
    row = int(np.nanmax(own, axis=(1, 2)).argmax())
    y0, x0, y1, x1 = prediction.boxes[row]
    assert y0 <= hottest[0] <= y1
    assert x0 <= hottest[1] <= x1
    before = layer.data.copy()
    window.actions.trigger("view.heat.class")
    qtbot.wait(250)
    assert (before.shape != layer.data.shape) or (before != layer.data).any()
    key(qtbot, window, Qt.Key.Key_H)
    assert not layer.visible
    assert not window.panels.heat_bar.isVisible()


def test_filters_hide_cells_from_eye_and_mouse(reviewed, qtbot):
    window, session = reviewed, reviewed.desk.session
    switch = window.panels.legend.switches["blast"]
    row = next(r for r in range(len(session)) if session.codes.key(int(session.suggested[r])) == "blast")
    click(qtbot, window, row)
    assert window.desk.row == row
    switch.click()
    click(qtbot, window, row)
    assert window.desk.row is None
    switch.click()
    low = float(session.confidence[row])
    window.desk.set_filters(confidence=(min(1.0, low + 0.05), 1.0))
    click(qtbot, window, row)
    assert window.desk.row is None


def hover(qtbot, window, y: float, x: float) -> None:
    """Move the mouse to a place in small steps, as a hand does."""
    for step in (12, 6, 2, 0):
        qtbot.mouseMove(window.canvas, spot(window, y, x) + QPoint(step, step))
        qtbot.wait(20)


def test_hover_tells_class_probability_and_size(reviewed, qtbot, wait):
    window = reviewed
    y, x = window.desk.session.cells.centroid[3].tolist()
    hover(qtbot, window, y, x)
    wait(lambda: window.panels.hover.isVisible(), "the hover card")
    text = " ".join(line.text() for line in window.panels.hover._lines)
    assert "model suggests" in text
    assert "µm across" in text
    assert "blast 0." in text or "blast 1." in text
    hover(qtbot, window, 4, 4)
    wait(lambda: not window.panels.hover.isVisible())


def test_words_on_the_screen(reviewed, qtbot):
    window = reviewed
    key(qtbot, window, Qt.Key.Key_N)
    key(qtbot, window, Qt.Key.Key_1)
    window.panels.status.refresh()
    words = window.panels.status.words.text()
    for part in (f"analysed {len(window.desk.session):,} cells", "1 reviewed", "saved ", "synthetic"):
        assert part in words
    assert window.panels.status.model.text() == f"model {DEFAULT_MODEL}   F6"
    assert "synthetic" in window.panels.worklist.list.item(0).text()
    assert window.qt.windowTitle() == "rendered.png – allviewer"
    everything = " ".join(b.text() for b in window.qt.findChildren(QPushButton)) + words
    assert "diagnos" not in everything.lower()
    assert "positive" not in everything.lower()


def test_bad_files_are_told_in_a_sentence_that_stays_and_can_be_copied(window, tmp_path, smear, qtbot, wait):
    empty, text = tmp_path / "empty.png", tmp_path / "notes.jpg"
    empty.write_bytes(b"")
    text.write_text("not an image")
    window.open_paths([empty, text, smear, tmp_path / "missing.tif"])
    wait(lambda: all(not f.busy and f.phase is not Phase.WAITING for f in window.desk.fields))
    assert [f.phase for f in window.desk.fields] == [Phase.FAILED, Phase.FAILED, Phase.DONE, Phase.FAILED]
    banner = window.panels.failures
    assert banner.isVisible()
    assert len(banner.waiting) == 3
    qtbot.wait(300)
    assert banner.isVisible()  # until it is read
    banner.copy()
    assert "empty.png" in QGuiApplication.clipboard().text()
    for _ in range(3):
        banner.dismiss()
    assert not banner.isVisible()
    window.desk.show(window.desk.fields[2])
    assert window.view.image is not None


def test_a_model_that_cannot_be_used_is_told_and_the_image_stays(make_window, smear, wait):
    window = make_window(model="no-such-model")
    window.open_paths([smear])
    wait(lambda: window.desk.current.phase is Phase.FAILED)
    assert "no-such-model" in window.panels.failures.waiting[0].message
    assert window.view.image is not None
    assert window.qt.isVisible()


def test_images_dropped_anywhere_are_opened_as_ours(window, smear, wait):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(smear))])
    event = QDropEvent(
        QPointF(50, 50), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    from allviewer.gui.napari_inside import accept_drops_from

    target = accept_drops_from(window.viewer)[0]
    where, action = QPoint(50, 50), Qt.DropAction.CopyAction
    QApplication.sendEvent(
        target, QDragEnterEvent(where, action, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    )
    QApplication.sendEvent(target, event)
    wait(lambda: window.desk.current is not None and window.desk.current.phase is Phase.DONE)
    assert window.desk.current.path == smear
    assert [layer.name for layer in window.viewer.layers] == ["Smear", "Lens", "Heat (Grad-CAM)", "Outlines"]


def test_several_images_each_keep_their_cells(window, smear, tmp_path, wait, qtbot):
    from allviewer.synth import Scene, render, write_png

    other = tmp_path / "other.png"
    scene = Scene(500, 600, seed=9, um_per_px=0.16, white_cells=4, smudges=0)
    write_png(other, render(scene), scene)
    window.open_paths([smear, other])
    wait(lambda: all(f.phase is Phase.DONE for f in window.desk.fields))
    counts = [len(f.session) for f in window.desk.fields]
    assert window.desk.current.path == smear
    assert len(window.view.outlines.visual) == counts[0]
    key(qtbot, window, Qt.Key.Key_PageDown)
    assert window.desk.current.path == other
    assert len(window.view.outlines.visual) == counts[1]
    click(qtbot, window, 1)
    assert window.desk.row == 1
    key(qtbot, window, Qt.Key.Key_PageDown)
    assert window.desk.row is None
    key(qtbot, window, Qt.Key.Key_W, Qt.KeyboardModifier.ControlModifier)
    assert [f.path for f in window.desk.fields] == [other]


def test_an_analysis_can_be_stopped_and_taken_up_again(make_window, large, tmp_path, wait):
    window = make_window(runs=tmp_path / "runs")
    window.open_paths([large])
    wait(lambda: window.desk.current.done >= 1, seconds=60)
    window.actions.trigger("analyse.cancel")
    wait(lambda: window.desk.current.phase is not Phase.ANALYSING, seconds=60)
    assert window.desk.current.phase is Phase.CANCELLED
    found = len(window.desk.session)
    assert 0 < found == len(window.view.outlines.visual)
    window.actions.trigger("analyse.run")
    wait(lambda: window.desk.current.phase is Phase.DONE, seconds=60)
    assert len(window.desk.session) > found
    assert len(window.view.outlines.visual) == len(window.desk.session)


def test_a_pixel_size_typed_in_is_what_the_cells_are_measured_with(reviewed, monkeypatch, wait):
    window = reviewed
    before = window.desk.session.cells.measurements["cell_diameter_um"].mean()
    monkeypatch.setattr(window.dialogs, "pixel_size", lambda now: now.um / 2)
    window.actions.trigger("slide.pixel")
    wait(lambda: window.desk.analysing is None and window.desk.current.phase is Phase.DONE)
    assert "0.08 µm/px (given)" in window.panels.status.words.text() or window.desk.current.pixel_size.um == 0.08
    if len(window.desk.session):
        assert window.desk.session.cells.measurements["cell_diameter_um"].mean() < before
    assert "estimated" not in window.panels.scale_bar.words


def test_light_and_dark(reviewed, qtbot):
    window = reviewed
    dark = window.qt.grab().toImage().pixelColor(40, 700).lightness()
    key(qtbot, window, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    qtbot.wait(100)
    light = window.qt.grab().toImage().pixelColor(40, 700).lightness()
    assert dark < 60
    assert light > 200


def test_another_study_brings_its_own_decisions(reviewed, tmp_path, qtbot, wait):
    window = reviewed
    key(qtbot, window, Qt.Key.Key_N)
    key(qtbot, window, Qt.Key.Key_1)
    first = window.desk.study.path
    window.desk.open_study(tmp_path / "second.sqlite")
    wait(lambda: window.desk.current.phase is Phase.DONE)
    assert window.desk.session.reviewed.sum() == 0
    window.actions.trigger("analyse.run")
    assert window.desk.analysing is window.desk.current
    window.desk.open_study(first)  # in the middle of an analysis
    wait(lambda: window.desk.current.phase is Phase.DONE and window.desk.session.reviewed.sum() == 1)
    with Study.open(first) as study:
        assert len(study.labels(window.desk.current.slide.digest)) == 1


def test_it_fits_a_small_laptop(reviewed):
    size = reviewed.qt.minimumSizeHint()
    assert size.width() <= 1366
    assert size.height() <= 768
    card = reviewed.panels.card
    for button in card.findChildren(QPushButton):
        wanted = button.fontMetrics().horizontalAdvance(button.text())
        assert button.width() >= wanted + 8, f"{button.text()} is cut off"


def test_every_control_has_a_name_and_a_line_of_help(reviewed):
    from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QComboBox, QListWidget, QScrollBar

    panels = reviewed.panels
    roots = panels.left.widget(), panels.right.widget(), panels.status, panels.first_sight, panels.heat_bar
    controls = [
        w
        for root in roots
        for kind in (QAbstractButton, QAbstractSlider, QComboBox, QListWidget)
        for w in root.findChildren(kind)
        if not isinstance(w, QScrollBar)
    ]
    assert len(controls) > 20
    nameless = [w for w in controls if not (w.accessibleName() or getattr(w, "text", str)())]
    helpless = [w for w in controls if not w.toolTip()]
    assert nameless == []
    assert helpless == []


def test_the_heat_class_follows_the_taxonomy(reviewed):
    box = reviewed.panels.card.heat_class
    assert [box.itemText(i) for i in range(box.count())] == [
        "as suggested",
        *(f"for {c.name}" for c in ALL_HEM.classes),
    ]


def test_napari_s_own_menus_are_within_reach_and_take_no_key_of_ours(window):
    from PySide6.QtGui import QKeySequence
    from PySide6.QtWidgets import QMenu

    menus = {menu.title().replace("&", ""): menu for menu in window.qt.findChildren(QMenu)}
    assert {"File", "Slide", "Analyse", "Review", "View", "Help", "napari", "Plugins", "Layers"} <= set(menus)
    bar = [action.text().replace("&", "") for action in window.qt.menuBar().actions()]
    assert bar == ["File", "Slide", "Analyse", "Review", "View", "Help"]
    ours = {QKeySequence(key).toString() for command in window.actions.table.values() for key in command.keys}
    inner = menus["napari"].actions()
    assert len(inner) >= 5
    stolen = [a.text() for entry in inner for a in entry.menu().actions() if a.shortcut().toString() in ours]
    assert stolen == []


def test_what_nobody_foresaw_is_shown_and_the_window_stays(window, monkeypatch, qtbot):
    import sys
    import threading

    from allviewer.gui.app import _tell_of_the_unexpected

    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    _tell_of_the_unexpected(window)

    def fail() -> None:
        raise ZeroDivisionError("a test of the unexpected")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: window.panels.failures.isVisible())
    failure = window.panels.failures.waiting[0]
    assert "a test of the unexpected" in failure.message
    assert "ZeroDivisionError" in failure.text  # the details are for the clipboard
    assert window.qt.isVisible()
