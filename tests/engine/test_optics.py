import cv2
import numpy as np
import pytest

from allviewer.engine import analyse
from allviewer.engine.optics import CELLAVISION_UM, CNMC_UM, settle_pixel_size
from allviewer.slides import open_slide
from allviewer.vocab.cells import CellTable, Kind
from allviewer.vocab.events import CellsFound
from allviewer.vocab.optics import PixelSizeSource


@pytest.fixture
def opened(tmp_path):
    def make(rgb):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.png"
        cv2.imwrite(str(path), rgb[..., ::-1])
        return open_slide(path)

    return make


def cell_on_black(radius):
    """A stained cell cut out on black, 450 pixels wide, as C-NMC 2019 has them."""
    rgb = np.zeros((450, 450, 3), np.uint8)
    cv2.circle(rgb, (225, 225), radius, (150, 110, 170), -1)
    cv2.circle(rgb, (225, 225), round(0.9 * radius), (90, 50, 120), -1)
    return rgb


def counted(slide, um=None):
    found = [e.cells for e in analyse(slide, model=None, pixel_size_um=um) if isinstance(e, CellsFound)]
    cells = CellTable.concat(found)
    return cells.take((cells.kind == Kind.CELL) & ~cells.touches_border)


def test_cells_on_black_keep_their_sizes_apart(opened):
    """Were every nucleus taken for an ordinary one, a blast and a small lymphocyte would come out alike."""
    areas = []
    for radius in (85, 125):
        slide = opened(cell_on_black(radius))
        size, um = settle_pixel_size(slide, None)
        assert (size.source, um) == (PixelSizeSource.UNKNOWN, CNMC_UM)
        cells = counted(slide)
        assert len(cells) == 1
        assert cells.area_px[0] == pytest.approx(np.pi * radius**2, rel=0.1)
        areas.append(cells.area_px[0] * um**2)
    assert areas[1] / areas[0] == pytest.approx((125 / 85) ** 2, rel=0.1)


def test_what_a_person_says_wins(opened):
    assert settle_pixel_size(opened(cell_on_black(100)), 0.07)[1] == 0.07


def test_another_crop_on_black_is_no_known_makers(opened):
    _, um = settle_pixel_size(opened(cell_on_black(100)[25:425, 25:425]), None)
    assert um != CNMC_UM


def test_a_cellavision_crop_without_red_cells_has_its_makers_scale(opened):
    rgb = np.full((363, 360, 3), (250, 228, 205), np.uint8)
    cv2.circle(rgb, (180, 180), 45, (90, 50, 120), -1)
    size, um = settle_pixel_size(opened(rgb), None)
    assert (size.source, um) == (PixelSizeSource.UNKNOWN, CELLAVISION_UM)


def test_the_published_crops_of_c_nmc_are_one_whole_cell_each(data):
    """Its outline covers what is not black."""
    paths = sorted((data / "cnmc2019_samples").rglob("*.bmp"))
    assert paths
    for path in paths:
        slide = open_slide(path)
        cells = counted(slide)
        inside = cv2.imread(str(path)).max(axis=2) > 0
        assert len(cells) == 1, path
        mask = np.zeros(inside.shape, np.uint8)
        cv2.fillPoly(mask, [np.rint(ring[:, ::-1]).astype(np.int32) for ring in cells.cell.rings(0)], 1)
        both = np.count_nonzero(mask & inside)
        assert both / np.count_nonzero(inside) > 0.97, path
        assert both / np.count_nonzero(mask) > 0.85, path  # drawn 5 pixels too wide all round


def test_cellavision_crops_have_the_scale_that_is_assumed_where_nothing_can_be_measured(data):
    paths = sorted((data / "pbc_barcelona_subset" / "lymphocyte").glob("*.jpg"))[::8]
    assert paths
    sizes = [settle_pixel_size(open_slide(path), None) for path in paths]
    measured = [um for size, um in sizes if size.source is PixelSizeSource.ESTIMATE]
    assert len(measured) > 0.7 * len(sizes)
    assert np.median(measured) == pytest.approx(CELLAVISION_UM, rel=0.06)


def test_a_cell_on_black_is_classified_on_a_light_ground_at_its_scale(opened, tmp_path):
    """What a model sees of it, in prediction as in training: a dark nucleus in the middle of a bright field."""
    from types import SimpleNamespace

    from allviewer.learning.layouts import read_samples
    from allviewer.learning.patches import cut_patches
    from allviewer.systems.model import Output
    from tests.systems.conftest import make_card

    card, seen = make_card(crop_um=22.0, white=245.0, nucleus=(0.8, 1.6)), []

    def predict(crops, heat=False):
        seen.append(crops)
        n = len(crops)
        none = np.zeros(n, bool)
        return Output(
            np.full((n, 2), 0.5, np.float32), none, heat=None, embedding=np.zeros((n, 4), np.float16), unlike=none
        )

    slide = opened(cell_on_black(100))
    list(analyse(slide, model=SimpleNamespace(name="given", card=card, digest="0" * 64, predict=predict)))
    (crop,) = seen[0]
    middle = len(crop) // 2
    assert crop[:10, :10].min() > 235
    assert crop[middle - 9 : middle + 9, middle - 9 : middle + 9].max() < 160
    width = np.count_nonzero(crop[middle].max(axis=1) < 200) / len(crop) * 22
    assert width == pytest.approx(200 * CNMC_UM, rel=0.08)
    path = tmp_path / "tree" / "all" / "UID_1_1_1_all.png"
    path.parent.mkdir(parents=True)
    cv2.imwrite(str(path), cell_on_black(100)[..., ::-1])
    trained = cut_patches(read_samples(tmp_path / "tree"), 22.0, 224, 245.0, (0.8, 1.6), margin=1)[0]
    assert np.abs(trained.astype(int) - crop).mean() < 3
