"""Verdicts on a field follow what was done to it, and anything that is no smear is a sentence and no cells."""

import cv2
import numpy as np
import pytest

from allviewer.segment import segmenter
from allviewer.segment.pixel_size import assumed_pixel_size, estimate_pixel_size
from allviewer.segment.quality import judge_field
from allviewer.synth.field import render_field
from allviewer.vocab.quality import GRADES, SUBJECTS

FINDER = segmenter("default")
UM = 0.12


def judged(rgb, um=UM):
    survey = FINDER.survey(rgb, um)
    return judge_field(rgb, um, survey, FINDER.cells(rgb, um, survey))


def field(**settings):
    return render_field(800, 1000, **({"seed": 4, "um_per_px": UM, "white_cells": 10, "smudges": 0} | settings)).rgb


@pytest.fixture(scope="module")
def plain():
    return field()


def falls(verdicts):
    """Grades never get better, and get worse."""
    ranks = [GRADES.index(v.grade) for v in verdicts]
    return ranks == sorted(ranks, reverse=True) and ranks[-1] < ranks[0]


def test_a_sharp_even_well_stained_field_is_good(plain):
    assert judged(plain).grade == "good"
    assert all(v.sentence.endswith(".") for v in judged(plain).verdicts)


def test_blur_lowers_focus_and_nothing_else_much():
    blurred = [judged(field(blur_um=b)) for b in (0.1, 0.3, 0.6, 1.0)]
    values = [q["focus"].value for q in blurred]
    assert values == sorted(values, reverse=True)
    assert falls([q["focus"] for q in blurred])
    assert blurred[-1]["focus"].grade == "poor"
    assert blurred[2]["exposure"].grade == "good"


def test_red_cells_alone_tell_focus_too():
    values = [judged(field(white_cells=0, blur_um=b))["focus"].value for b in (0.1, 0.3, 0.6, 1.0)]
    assert values == sorted(values, reverse=True)
    assert values[0] > 2 * values[-1]


def test_focus_hardly_depends_on_the_magnification():
    values = [
        judged(render_field(round(96 / um), round(120 / um), seed=4, um_per_px=um, white_cells=10).rgb, um)[
            "focus"
        ].value
        for um in (0.07, 0.1, 0.15, 0.2)
    ]
    assert max(values) < 1.7 * min(values)


def test_uneven_light_on_pale_red_cells_is_no_blur():
    def photographed(blur):
        plain = field(white_cells=0, blur_um=blur, noise=0.5)
        white = plain.reshape(-1, 3).max(axis=0)
        pale = white * (np.maximum(plain, 1) / white) ** 0.35
        return np.rint(pale * np.linspace(1.0, 0.8, plain.shape[1])[:, None]).astype(np.uint8)

    sharp, soft = (judged(photographed(blur))["focus"] for blur in (0.1, 1.2))
    assert sharp.grade == "good"
    assert soft.grade == "poor"


def test_no_photograph_is_called_noise(data):
    crops = sorted((data / "segmentation_wbc" / "Dataset 1").glob("*.bmp"))[:150:6]
    assert len(crops) == 25
    for path in crops:
        rgb = np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])
        assert not any("noise" in v.sentence for v in judged(rgb, 0.2).verdicts), path.name


def test_dimming_and_burning_lower_exposure(plain):
    dimmed = [judged((plain * share).astype(np.uint8))["exposure"] for share in (1.0, 0.5, 0.3)]
    assert [v.value for v in dimmed] == sorted((v.value for v in dimmed), reverse=True)
    assert falls(dimmed)
    burnt = [judged(np.clip(plain.astype(np.float32) * gain, 0, 255).astype(np.uint8)) for gain in (1, 1.5, 2.5)]
    clipped = [q["exposure"].figures["clipped"] for q in burnt]
    assert clipped == sorted(clipped)
    assert falls([q["exposure"] for q in burnt])


def test_shading_lowers_exposure():
    shaded = [judged(field(vignette=v))["exposure"] for v in (0.0, 0.3, 0.6)]
    unevenness = [v.figures["unevenness"] for v in shaded]
    assert unevenness == sorted(unevenness)
    assert falls(shaded)


def test_pale_stain_lowers_stain(plain):
    light = plain.reshape(-1, 3).max(axis=0) / 255.0
    values = []
    for part in (1.0, 0.6, 0.4, 0.25):
        faded = 255 * light * np.maximum(plain / 255 / light, 1 / 255) ** part
        values.append(judged(np.clip(faded, 0, 255).astype(np.uint8))["stain"])
    assert falls(values)
    assert values[1].value == pytest.approx(0.6 * values[0].value, rel=0.15)


def test_denser_cells_raise_crowding():
    crowds = [judged(field(red_spacing=s, rouleaux=r))["crowding"] for s, r in ((2.0, 0), (0.77, 0.1), (0.5, 0.9))]
    assert [v.value for v in crowds] == sorted(v.value for v in crowds)
    assert falls(crowds)


def test_white_cells_that_touch_are_counted():
    apart = judged(field(clumping=0.0))["crowding"].figures["white_cells_touching"]
    clumped = judged(field(white_cells=None, smudges=None, clumps=(8,), cleft_um=0.0))["crowding"]
    assert apart < 0.5 < clumped.figures["white_cells_touching"]
    assert clumped.grade != "good"


def nothing():
    """Images that are no smear, by name."""
    rng = np.random.default_rng(1)
    return {
        "black": np.zeros((300, 400, 3), np.uint8),
        "white": np.full((300, 400, 3), 255, np.uint8),
        "one colour": np.full((300, 400, 3), (200, 120, 190), np.uint8),
        "noise": rng.integers(0, 256, (600, 800, 3)).astype(np.uint8),
        "grey noise": np.repeat(rng.integers(0, 256, (600, 800, 1)), 3, axis=2).astype(np.uint8),
        "faint noise": np.clip(rng.normal(220, 6, (600, 800, 3)), 0, 255).astype(np.uint8),
        "one pixel": np.full((1, 1, 3), 90, np.uint8),
        "no pixel": np.zeros((0, 0, 3), np.uint8),
        "a line": rng.integers(90, 250, (10, 100_000, 3)).astype(np.uint8),
        "a blank line": np.full((10, 100_000, 3), 230, np.uint8),
        "out of focus": cv2.GaussianBlur(field(), (0, 0), 8 / UM),
    }


@pytest.mark.parametrize("name", nothing())
def test_what_is_no_smear_gives_no_cells_and_says_why(name):
    rgb = nothing()[name]
    um = estimate_pixel_size(rgb).um or assumed_pixel_size(rgb)
    survey = FINDER.survey(rgb, um)
    cells = FINDER.cells(rgb, um, survey)
    assert len(cells) == 0
    quality = judge_field(rgb, um, survey, cells)
    assert quality.grade == "poor"
    assert tuple(v.name for v in quality.verdicts) == SUBJECTS
    assert all(v.sentence.endswith(".") and len(v.sentence) > 20 for v in quality.verdicts)


def test_the_crop_of_one_dark_cell_is_not_called_noise():
    one = render_field(700, 900, seed=5, um_per_px=0.25, white_cells=12, smudges=0)
    y, x = next(c for c in one.centres.astype(int) if (c > 40).all() and (c < np.array([660, 860])).all())
    crop = np.ascontiguousarray(one.rgb[y - 32 : y + 32, x - 32 : x + 32])
    assert "noise" not in judged(crop, 0.25)["focus"].sentence
