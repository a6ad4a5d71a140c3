"""The verb synth: files that say what they are, and refusals before any work."""

import argparse

import numpy as np
import pytest
import tifffile
from PIL import Image

from allviewer.cli import synth
from allviewer.synth import STAINS, render_field


def call(*words):
    parser = argparse.ArgumentParser()
    synth.add(parser.add_subparsers())
    args = parser.parse_args(["synth", *map(str, words)])
    return args.run(args)


def test_stains_offered_are_the_stains_there_are():
    assert tuple(STAINS) == synth.STAIN_NAMES


def test_png_holds_pixels_pixel_size_and_the_word(tmp_path, capsys):
    out = tmp_path / "synthetic.png"
    assert call("--out", out, "--height", 300, "--width", 400, "--seed", 3, "--white-cells", 2, "--truth") == 0
    field = render_field(300, 400, seed=3, white_cells=2)
    with Image.open(out) as image:
        np.testing.assert_array_equal(np.asarray(image), field.rgb)
        assert image.info["dpi"][0] == pytest.approx(25_400 / 0.096, rel=1e-3)
        assert "synthetic" in image.info["Description"]
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "synthetic.truth-cells.tif"), field.cells)
    assert (tmp_path / "synthetic.truth.csv").read_text().count("\n") == 3
    assert len(capsys.readouterr().out.split()) == 4


def test_tif_is_a_pyramid(tmp_path):
    out = tmp_path / "synthetic.tif"
    assert call("--out", out, "--height", 700, "--width", 600, "--jpeg") == 0
    with tifffile.TiffFile(out) as tiff:
        assert len(tiff.series[0].levels) == 2


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--out", "s.gif"], "ends in .png"),
        (["--out", "s.png", "--jpeg"], "--jpeg"),
        (["--out", "s.png", "--height", "100000", "--width", "100000"], "40 million"),
        (["--out", "s.png", "--white-cells", "9999"], "do not fit"),
        (["--out", "s.png", "--height", "0"], "no area"),
    ],
)
def test_wrong_usage_is_refused_in_a_sentence(tmp_path, monkeypatch, capsys, words, why):
    monkeypatch.chdir(tmp_path)
    assert call(*words) == 2
    assert why in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_existing_files_need_overwrite(tmp_path, capsys):
    out = tmp_path / "synthetic.png"
    out.write_text("mine")
    assert call("--out", out, "--height", 64, "--width", 64) == 2
    assert out.read_text() == "mine"
    assert call("--out", out, "--height", 64, "--width", 64, "--overwrite") == 0
    assert out.read_bytes()[:4] == b"\x89PNG"
