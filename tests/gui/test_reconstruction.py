"""The reconstruction beside the crop: there for a model with an autoencoder, and only for one."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QMainWindow

from allviewer.engine.optics import overview
from allviewer.gui.actions import Actions
from allviewer.gui.commands import commands
from allviewer.gui.desk import Desk, Options
from allviewer.gui.fields import Field
from allviewer.gui.panels.cell_card import CellCard
from allviewer.gui.panels.reconstruction import Reconstruction
from allviewer.records import Study
from allviewer.review import ReviewSession
from allviewer.slides import open_slide
from allviewer.systems import Model, load_model
from allviewer.systems.cae_cnn import CAECNN
from allviewer.systems.crops import prepare
from allviewer.systems.stain import slide_stain
from allviewer.vocab.prediction import Prediction
from allviewer.vocab.taxonomy import ALL_HEM
from tests.gui.conftest import round_cells
from tests.systems.test_cae_cnn import cae_card, random_arrays

BOX = np.array([-20.3, 100.2, 117.2, 237.7], np.float32)
"""It reaches past the slide's edge."""


class Post(QObject):
    """Runs calls on the Qt thread."""

    asked = Signal(object)

    def __init__(self):
        super().__init__()
        self.asked.connect(lambda call: call(), Qt.ConnectionType.QueuedConnection)


@pytest.fixture(scope="module")
def model():
    return Model("cae", CAECNN.from_arrays(cae_card(), random_arrays(), "cpu"), "0" * 64)


@pytest.fixture(scope="module")
def slide(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures") / "blots.png"
    small = np.random.default_rng(0).integers(60, 250, (20, 20, 3), dtype=np.uint8)
    cv2.imwrite(str(path), cv2.resize(small, (400, 400), interpolation=cv2.INTER_CUBIC))
    return open_slide(path)


def test_given_and_redrawn_crop_are_the_models_own(slide, model, wait, qtbot, needs_screen):
    post, reader = Post(), ThreadPoolExecutor(1)
    panel = Reconstruction(reader, post.asked.emit)
    qtbot.addWidget(panel)
    panel.show_cell(model, slide, BOX)
    wait(panel.isVisible, "the reconstruction")
    view, _ = overview(slide)
    crop = prepare(view, BOX[None], model.card, slide_stain(view))
    expected = np.corrcoef(crop.ravel(), model.autoencoder.reconstruct(crop).ravel())[0, 1]
    assert panel.words.text() == f"correlation {expected:.3f}"
    assert not panel.redrawn.pixmap().isNull()
    assert panel.given.pixmap().toImage() != panel.redrawn.pixmap().toImage()
    panel.show_cell(load_model("alnet-1"), slide, BOX)  # it has no autoencoder
    assert not panel.isVisible()
    panel.show_cell(model, slide, BOX)
    panel.clear()  # before it came: what comes late is not shown
    reader.shutdown(wait=True)
    qtbot.wait(50)
    assert not panel.isVisible()


def test_it_stands_on_the_card_of_the_selected_cell(slide, model, wait, qtbot, needs_screen, tmp_path, monkeypatch):
    post = Post()
    desk = Desk(Options(autostart=False), Study.open(tmp_path / "study.sqlite"), post.asked.emit)
    session = ReviewSession(ALL_HEM, None, slide.digest, "run")
    session.add(round_cells([(48.0, 168.0), (200.0, 200.0)]))
    shares = np.array([[0.8, 0.2], [np.nan, np.nan]], np.float32)  # the second cell was not classified
    boxes = np.stack([BOX, BOX])
    session.classify([1, 2], Prediction(ALL_HEM.keys, shares, np.zeros(2, bool), boxes, "0" * 64))
    desk.current = Field(slide.path, "blots.png", slide=slide, session=session)
    window = QMainWindow()
    qtbot.addWidget(window)
    card = CellCard(desk, Actions(window, None, commands(ALL_HEM)), post.asked.emit)
    qtbot.addWidget(card)
    card.show()
    panel = card.reconstruction
    for used, row, seen in ((None, 0, False), (model, 0, True), (model, 1, False), (model, 0, True)):
        monkeypatch.setattr(Desk, "model", used)
        desk.select(row)
        if seen:
            wait(panel.isVisible, "the reconstruction")
        else:
            qtbot.wait(200)
        assert panel.isVisible() is seen
    desk.select(None)
    assert not panel.isVisible()
    card.shut()
