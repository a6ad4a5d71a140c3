import numpy as np
import pytest

from allviewer.segment import oadls, segmenter
from allviewer.segment.grid import working_field
from allviewer.segment.seeds import nuclear_parts
from allviewer.segment.stages import Kind, stages
from allviewer.synth import render_field
from allviewer.vocab.errors import RecipeError

UM = 0.12


@pytest.fixture(scope="module")
def field():
    return render_field(601, 803, seed=8, um_per_px=UM, white_cells=9, clumping=1.0)


@pytest.fixture(scope="module", params=["default", "oadls"])
def route(request, field):
    finder = segmenter(request.param)
    survey = finder.survey(field.rgb, UM)
    return finder, survey, stages(request.param, field.rgb, UM, survey)


def by_name(steps):
    return {s.name: s for s in steps}


def test_every_step_says_what_it_is_and_fits_the_image(route, field):
    finder, _, steps = route
    assert len({s.name for s in steps}) == len(steps) == {"default": 10, "oadls": 13}[finder.name]
    assert len({s.title for s in steps}) == len(steps)
    for step in steps:
        assert step.explanation.endswith(".")
        assert len(step.title) <= 24
        rows, columns = step.values.shape
        assert rows == -(-field.rgb.shape[0] // step.factor)
        assert columns == -(-field.rgb.shape[1] // step.factor)
        kinds = {Kind.LABELS: (np.int32,), Kind.MASK: (np.bool_,), Kind.IMAGE: (np.float32, np.uint8)}
        assert step.values.dtype in kinds[step.kind]
        assert (step.scale[1] > step.scale[0]) == (step.kind is Kind.IMAGE)
        assert step.values.any()


def test_the_steps_are_the_routes_own(route, field):
    finder, survey, steps = route
    seen = working_field(field.rgb, UM, survey)
    nuclei = nuclear_parts(seen) if finder.name == "default" else oadls.nuclei(seen, survey)
    assert (by_name(steps)["parted"].values == nuclei).all()
    table = finder.cells(field.rgb, UM, survey)
    cells = by_name(steps)["cells"].values
    assert len(table) >= 8
    assert set(np.unique(cells)) == {0, *range(1, len(table) + 1)}
    for row, (y, x) in enumerate(table.centroid):
        near = cells[max(0, int(y) - 3) : int(y) + 4, max(0, int(x) - 3) : int(x) + 4]
        assert (near == row + 1).any() or not near.any()  # a centre may lie in a bay of its own cell


def test_steps_of_the_default_route_hang_together(field):
    finder = segmenter("default")
    steps = by_name(stages("default", field.rgb, UM, finder.survey(field.rgb, UM)))
    mask, markers, nuclei = (steps[k].values for k in ("nuclear", "basins", "parted"))
    assert mask[markers > 0].all()
    assert mask[nuclei > 0].all()
    assert (steps["distance"].values[markers > 0] > 0).all()
    touched = np.unique(nuclei[markers > 0])
    assert set(np.unique(nuclei)) - {0} <= set(touched)  # every nucleus was flooded from a marker
    zones = steps["zones"].values
    assert (zones[nuclei > 0] == nuclei[nuclei > 0]).all()
    grown = steps["grown"].values
    assert (zones[grown > 0] == grown[grown > 0]).all()
    half = steps["contrast"].values > 0.5 * steps["plateau"].values
    assert half[mask].mean() > 0.97  # the rest are filled pores


def test_what_cannot_hold_a_cell_has_no_steps():
    finder = segmenter("default")
    black = np.zeros((50, 50, 3), np.uint8)
    assert stages("default", black, UM, finder.survey(black, UM)) == ()
    nothing = np.zeros((0, 50, 3), np.uint8)
    assert stages("oadls", nothing, UM, finder.survey(nothing, UM)) == ()


def test_empty_glass_has_steps_without_cells():
    glass = np.full((300, 300, 3), 235, np.uint8)
    for name in ("default", "oadls"):
        steps = stages(name, glass, UM, segmenter(name).survey(glass, UM))
        assert not by_name(steps)["cells"].values.any()


def test_a_wrong_name_is_refused(field):
    with pytest.raises(RecipeError, match="no such segmenter"):
        stages("thresholds", field.rgb, UM, segmenter("default").survey(field.rgb, UM))
