from pathlib import Path

import pytest

from allviewer.gui.fields import Field, Phase
from allviewer.gui.panels.status import duration, optics, progress_words, summary
from allviewer.gui.scale_bar import WIDEST, described, round_length
from allviewer.vocab.optics import UNKNOWN_PIXEL_SIZE, PixelSize, PixelSizeSource


@pytest.mark.parametrize(("longest", "length"), [(160, 100), (99.9, 50), (20, 20), (1.99, 1), (0.07, 0.05), (5.0, 5.0)])
def test_round_lengths(longest, length):
    assert round_length(longest) == pytest.approx(length)


@pytest.mark.parametrize("zoom", [0.01, 0.3, 1.0, 7.0, 40.0])
@pytest.mark.parametrize("um", [0.05, 0.25, 2.0])
def test_the_bar_is_as_long_as_it_says(um, zoom):
    length, words = described(PixelSize(um, PixelSizeSource.FILE), zoom)
    assert length / zoom * um == pytest.approx(float(words.split()[0]))
    assert WIDEST / 2.51 <= length <= WIDEST * 1.001
    assert words.endswith("µm")


def test_an_estimate_is_called_one_and_the_unknown_is_not_guessed():
    assert "estimated" in described(PixelSize(0.1, PixelSizeSource.ESTIMATE), 1)[1]
    assert "µm" not in described(UNKNOWN_PIXEL_SIZE, 1)[1]
    assert "estimated" in optics(PixelSize(0.1, PixelSizeSource.ESTIMATE))
    assert "given" in optics(PixelSize(0.1, PixelSizeSource.GIVEN))
    assert optics(UNKNOWN_PIXEL_SIZE) == "pixel size unknown"


def test_durations():
    assert [duration(s) for s in (0, 59.9, 61, 3600, 7325)] == ["00:00", "00:59", "01:01", "1:00:00", "2:02:05"]


def test_progress_says_what_how_far_how_long():
    field = Field(Path("a.tif"), "a.tif", Phase.ANALYSING, started=100.0)
    assert progress_words(field, 103.0) == "a.tif: preparing   00:03"
    field.tiles, field.done = 8, 2
    assert progress_words(field, 160.0) == "a.tif: 2 of 8 tiles   01:00, about 03:00 left"


def test_the_line_of_an_image_before_its_cells():
    field = Field(Path("a.tif"), "a.tif", Phase.FAILED, problem="it is truncated", synthetic=True)
    words = summary(field).split("   ·   ")
    assert words == ["a.tif failed: its message says why", "synthetic"]
    assert summary(None).startswith("no image")
