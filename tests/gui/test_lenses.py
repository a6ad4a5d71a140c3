"""Other looks at the place on screen, by real keys: stain normalised, and the steps of the segmentation."""

import time

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtWidgets import QApplication, QComboBox

from allviewer.gui import lens_pictures as pictures
from allviewer.gui.dialogs import RECIPE_WORDS
from allviewer.gui.fields import Phase
from allviewer.gui.lenses import Lens
from allviewer.pixels.normalise import appearance, normalise, normaliser
from allviewer.pixels.prepare import PREPARATIONS, prepare
from allviewer.segment import SEGMENTERS, segmenter
from allviewer.segment.stages import Kind, Stage
from allviewer.slides import open_slide
from allviewer.vocab.region import Region


def key(qtbot, window, key, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    qtbot.keyClick(QApplication.focusWidget() or window.canvas, key, modifier)
    qtbot.wait(30)


def layer(window):
    return window.view.lens.layer


# ---------------------------------------------------------------------- stain
def test_t_shows_the_slide_normalised_and_t_takes_it_away(reviewed, qtbot, wait):
    window, pixels = reviewed, np.asarray(reviewed.desk.current.pixels)
    key(qtbot, window, Qt.Key.Key_T)
    wait(lambda: layer(window).visible, "the normalised view")
    goal = normalise(pixels, normaliser("macenko", appearance(pixels)))
    assert (layer(window).data[..., :3] == goal).all()
    assert (layer(window).data[..., 3] == 255).all()
    assert layer(window).translate.tolist() == [0, 0]
    assert layer(window).scale.tolist() == [1, 1]
    assert layer(window).name == "Stain normalised: Macenko 2009"
    assert window.panels.stain_bar.isVisible()
    key(qtbot, window, Qt.Key.Key_T, Qt.KeyboardModifier.ShiftModifier)
    wait(lambda: "Reinhard" in layer(window).name, "the other method")
    assert (layer(window).data[..., :3] == normalise(pixels, normaliser("reinhard", appearance(pixels)))).all()
    key(qtbot, window, Qt.Key.Key_T)
    assert not layer(window).visible
    assert not window.panels.stain_bar.isVisible()


def test_of_a_large_slide_only_what_is_on_screen_is_normalised(window, large, qtbot, wait, settle):
    window.open_paths([large])
    wait(lambda: window.desk.current.phase is Phase.DONE, "the analysis", 120)
    window.view.bring_close(1600, 1500, 40)
    settle(0.2)
    key(qtbot, window, Qt.Key.Key_T)
    wait(lambda: layer(window).visible, "the normalised view")
    view = window.view.region()
    rows = layer(window).data.shape[0]
    assert rows < 0.7 * 3200
    top, left = (layer(window).translate + 0.5 - layer(window).scale / 2).tolist()
    assert top <= view.y0
    assert left <= view.x0
    assert top + rows * layer(window).scale[0] >= view.y1
    before = layer(window).data
    window.view.bring_close(600, 500, 40)
    wait(lambda: layer(window).data is not before, "the place gone to")
    window.fit()
    wait(lambda: layer(window).scale[0] > 1, "the overview")
    assert layer(window).data.shape[0] < 1600  # no finer than the screen


# ---------------------------------------------------------------------- steps
@pytest.fixture
def stepping(reviewed, qtbot, wait):
    """A window in which S was pressed on the whole field."""
    key(qtbot, reviewed, Qt.Key.Key_S)
    wait(lambda: layer(reviewed).visible, "the steps")
    return reviewed


def test_s_lists_the_steps_and_the_point_key_walks_them(stepping, qtbot):
    window, panel = stepping, stepping.panels.steps
    assert panel.isVisible()
    titles = [panel.list.item(i).text() for i in range(panel.list.count())]
    assert titles[0] == "1  Nuclear contrast"
    assert titles[-1] == "10  Cells"
    assert layer(window).name == "Step: Nuclear contrast"
    seen = [panel.words.text()]
    for number in range(2, 11):
        key(qtbot, window, Qt.Key.Key_Period)
        assert panel.list.currentRow() == number - 1
        assert layer(window).name == f"Step: {titles[number - 1].split('  ')[1]}"
        seen.append(panel.words.text())
    assert len(set(seen)) == 10
    key(qtbot, window, Qt.Key.Key_Comma)
    assert panel.list.currentRow() == 8
    click = panel.list.visualItemRect(panel.list.item(4)).center()
    qtbot.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(click))
    assert layer(window).name == f"Step: {titles[4].split('  ')[1]}"


def test_the_last_step_lies_on_the_cells_of_the_table(stepping, qtbot):
    window, session = stepping, stepping.desk.session
    key(qtbot, window, Qt.Key.Key_Comma)  # round the end
    assert layer(window).name == "Step: Cells"
    corner = layer(window).translate + 0.5 - layer(window).scale / 2
    inside = layer(window).data[..., 3] > 0
    for y, x in session.cells.centroid:
        i, j = ((np.array([y, x]) - corner) / layer(window).scale).astype(int)
        assert inside[max(0, i - 2) : i + 3, max(0, j - 2) : j + 3].any()
    covered = inside.sum() * np.prod(layer(window).scale)
    assert covered == pytest.approx(session.cells.area_px.sum(), rel=0.1)


def test_escape_leaves_the_steps_and_keeps_the_cell(stepping, qtbot):
    window = stepping
    window.desk.select(0)
    key(qtbot, window, Qt.Key.Key_Escape)
    assert window.lenses.on is None
    assert not layer(window).visible
    assert not window.panels.steps.isVisible()
    assert window.desk.row == 0
    key(qtbot, window, Qt.Key.Key_Escape)
    assert window.desk.row is None


def test_one_lens_at_a_time(stepping, qtbot, wait):
    window = stepping
    key(qtbot, window, Qt.Key.Key_T)
    wait(lambda: "normalised" in layer(window).name, "the normalised view")
    assert not window.panels.steps.isVisible()
    key(qtbot, window, Qt.Key.Key_S)
    wait(lambda: "Step" in layer(window).name, "the steps")
    assert not window.panels.stain_bar.isVisible()


def test_steps_go_along_to_another_image_and_another_pixel_size(stepping, smear, large, qtbot, wait):
    window = stepping
    first = window.lenses._steps
    window.desk.analyse(window.desk.current, 0.2)
    wait(lambda: window.lenses._steps and window.lenses._steps is not first, "the steps at another pixel size")
    window.open_paths([large])
    key(qtbot, window, Qt.Key.Key_PageDown)
    wait(lambda: window.desk.current.path == large and layer(window).visible, "the steps of the other image", 60)
    field, _, region, _ = window.lenses._shown
    assert field is window.desk.current
    assert max(region.height, region.width) <= pictures.LONGEST


def test_no_answer_that_nobody_waits_for_is_shown(reviewed, qtbot, settle):
    window = reviewed
    window.lenses.use(Lens.STEPS)
    window.lenses.use(None)
    settle(2.5)
    assert not layer(window).visible
    assert not window.panels.steps.isVisible()


def test_the_window_stays_alive_while_lenses_work(reviewed, settle, wait):
    """While the worker works, the event loop turns; and to hand a finished picture to napari is short.

    The frames painted afterwards are not looked at: how long a software renderer takes for one is not theirs.
    """
    window, beats, own, idle, stalls = reviewed, [], [], [], []
    heart = QTimer()
    heart.setTimerType(Qt.TimerType.PreciseTimer)
    heart.setInterval(5)
    heart.timeout.connect(lambda: beats.append(time.perf_counter()))
    shown = window.view.lens.show

    def timed(*what) -> None:
        begun = time.thread_time()
        shown(*what)
        own.append(time.thread_time() - begun)

    window.view.lens.show = timed
    for lens in (Lens.STAIN, Lens.STEPS, Lens.STEPS):
        window.lenses.use(None)
        settle(0.5)
        heart.start()
        settle(0.7)
        idle += (np.diff(beats) * 1e3 - 5).tolist()
        beats.clear()
        window.lenses.use(lens)
        wait(lambda: own, str(lens))
        heart.stop()
        stalls += (np.diff(beats) * 1e3 - 5).tolist()
        beats.clear()
        own.clear()
    for _ in range(9):
        window.lenses.walk(1)
        settle(0.15)
    busy, quiet = np.percentile(stalls, 95), np.percentile(idle, 95)
    print(f"stalls: p95 {busy:.0f} ms (idle {quiet:.0f}); to show a picture: {np.median(own) * 1e3:.1f} ms")
    assert len(stalls) > 30
    assert busy <= quiet + 33  # a machine busy with other things stalls by itself
    assert np.median(own) < 0.030


def test_a_failure_is_told(reviewed, qtbot, wait, monkeypatch):
    from allviewer.gui import lenses

    def broken(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(lenses, "normalised", broken)
    reviewed.lenses.use(Lens.STAIN)
    wait(lambda: reviewed.panels.failures.isVisible(), "the failure")
    assert "memory" in reviewed.panels.failures.waiting[0].message


def test_another_recipe_is_chosen_analysed_said_and_stepped_through(reviewed, qtbot, wait):
    window = reviewed
    before = window.desk.session.cells.centroid

    def answer() -> None:
        asks = QApplication.activeModalWidget()
        routes, pixels = asks.findChildren(QComboBox)
        routes.setCurrentIndex(routes.findData("oadls"))
        pixels.setCurrentIndex(pixels.findData("macenko"))
        qtbot.keyClick(asks, Qt.Key.Key_Return)

    QTimer.singleShot(300, answer)
    window.actions.trigger("analyse.recipe")
    wait(lambda: window.desk.current.phase is Phase.DONE and window.desk.current.recipe.segmenter == "oadls", "it")
    assert window.desk.current.recipe.preprocessing == "macenko"
    near = np.linalg.norm(before[:, None] - window.desk.session.cells.centroid[None], axis=2).min(axis=1)
    assert (near < 12).mean() > 0.8
    wait(lambda: "route oadls" in window.panels.status.words.text(), "the status line")
    assert "cells found after macenko" in window.panels.status.words.text()
    window.actions.trigger("view.steps")  # without a window manager the focus does not come back from a dialog
    wait(lambda: layer(window).visible, "the steps")
    titles = [window.panels.steps.list.item(i).text() for i in range(window.panels.steps.list.count())]
    assert titles[:2] == ["1  Preprocessed", "2  Wiener filter"]
    assert len(titles) == 14


def test_a_recipe_not_chosen_changes_nothing(reviewed, qtbot):
    session = reviewed.desk.session
    QTimer.singleShot(300, lambda: qtbot.keyClick(QApplication.activeModalWidget(), Qt.Key.Key_Escape))
    reviewed.actions.trigger("analyse.recipe")
    assert reviewed.desk.session is session
    assert reviewed.desk.analysing is None


def test_every_name_a_recipe_may_hold_has_words():
    assert set(RECIPE_WORDS) == {*SEGMENTERS, *PREPARATIONS}


# ---------------------------------------------------------------------- pictures, without a window
def test_the_area_is_bounded_in_the_middle_and_on_multiples_of_eight():
    shape = (5003, 7001)
    assert pictures.area(Region(100, 200, 900, 1000), 0.1, shape) == Region(96, 200, 904, 1000)
    wide = pictures.area(Region(0, 0, *shape), 0.1, shape)
    assert max(wide.height, wide.width) <= pictures.LONGEST + 8
    assert abs(wide.y0 + wide.y1 - shape[0]) <= 16
    assert pictures.area(Region(0, 0, *shape), 0.3, shape).width <= pictures.FINEST + 8
    corner = pictures.area(Region(4990, 6990, *shape), 0.1, shape)
    assert (corner.y1, corner.x1) == shape
    assert corner.y0 % 8 == corner.x0 % 8 == 0


def test_colours_of_steps():
    image = Stage("i", "I", "I.", np.array([[0.0, 0.5], [1.0, 9.0]], np.float32), Kind.IMAGE, 1, (0.0, 1.0), "OD")
    assert pictures.coloured(image)[..., 0].tolist() == [[0, 127], [255, 255]]
    assert (pictures.coloured(image)[..., 3] == 255).all()
    numbers = np.zeros((9, 9), np.int32)
    numbers[1:8, 1:5], numbers[1:8, 5:8] = 1, 2
    rgba = pictures.coloured(Stage("l", "L", "L.", numbers, Kind.LABELS, 1))
    assert rgba[0, 0].tolist() == [0, 0, 0, 0]
    assert rgba[3, 2, 3] == pictures.FILL
    assert rgba[3, 4, 3] == rgba[3, 5, 3] == 255  # the seam between the two
    assert rgba[3, 4, :3].tolist() != rgba[3, 5, :3].tolist()
    many = np.arange(1, 37, dtype=np.int32).reshape(6, 6).repeat(8, axis=0).repeat(8, axis=1)
    tints = pictures.coloured(Stage("l", "L", "L.", many, Kind.LABELS, 1))[4::8, 4::8, :3].astype(int)
    assert (tints[1:] != tints[:-1]).any(axis=2).all()  # neighbours never share a tint
    assert (tints[:, 1:] != tints[:, :-1]).any(axis=2).all()
    mask = pictures.coloured(Stage("m", "M", "M.", numbers > 0, Kind.MASK, 1))
    assert mask[3, 4, 3] == pictures.FILL


@pytest.mark.parametrize("name", ["default", "oadls"])
def test_steps_of_an_area_are_those_of_the_whole_field(smear, name):
    slide = open_slide(smear)
    route = pictures.slide_route(slide, name, "none", 0.16)
    height, width = slide.shape
    whole = pictures.steps(slide, route, Region(0, 0, height, width))
    part = pictures.steps(slide, route, Region(240, 320, 560, 800))
    assert [s.title for s in whole] == [s.title for s in part]
    for one, other in zip(whole, part, strict=True):
        step = height // one.picture.rgba.shape[0]
        same = one.picture.rgba[240 // step : 560 // step, 320 // step : 800 // step]
        agree = (same[..., 3] > 0) == (other.picture.rgba[..., 3] > 0)  # tints go by number, numbers by area
        assert agree.mean() > (0.999 if name == "default" else 0.99), one.title


@pytest.mark.parametrize("preprocessing", PREPARATIONS)
def test_preprocessing_is_the_first_step(smear, preprocessing):
    slide = open_slide(smear)
    route = pictures.slide_route(slide, "default", preprocessing, 0.16)
    core = Region(160, 160, 480, 480)
    made = pictures.steps(slide, route, core)
    if preprocessing == "none":
        assert made[0].title == "Nuclear contrast"
        return
    assert made[0].title == "Preprocessed"
    pixels = slide.read(Region(0, 0, *slide.shape))
    assert (made[0].picture.rgba[..., :3] == prepare(preprocessing, pixels)(pixels)[160:480, 160:480]).all()
    assert route.survey == segmenter("default").survey(prepare(preprocessing, pixels)(pixels), 0.16)
