"""Tiles cover the slide once, and every centre has one owner."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from allviewer.engine.tiles import BLOCK, nearest_first, tiles
from allviewer.vocab.region import Region

sides = st.integers(1, 300)


@given(sides, sides, st.integers(0, 40), st.integers(8, 120))
def test_cores_cover_every_pixel_once_and_views_hold_their_cores(height, width, halo, longest):
    seen = np.zeros((height, width), int)
    for tile in tiles((height, width), halo, longest=longest):
        core, view = tile.core, tile.view
        assert max(core.height, core.width) <= longest
        seen[core.y0 : core.y1, core.x0 : core.x1] += 1
        wanted = core.grow(halo).clip(height, width)
        assert view.y0 <= wanted.y0 < view.y0 + BLOCK
        assert view.x0 <= wanted.x0 < view.x0 + BLOCK
        assert wanted.y1 <= view.y1 < wanted.y1 + BLOCK
        assert wanted.x1 <= view.x1 < wanted.x1 + BLOCK
        assert view.y0 % BLOCK == view.x0 % BLOCK == 0
        assert view.clip(height, width) == view
    assert (seen == 1).all()


@given(sides, sides, st.floats(0, 0.999), st.floats(0, 0.999))
def test_every_centre_has_one_owner(height, width, v, u):
    cut = tiles((height, width), 10, longest=70)
    assert sum(t.owns(v * height, u * width) for t in cut) == 1


@given(sides, sides, st.tuples(sides, sides))
def test_what_is_on_screen_comes_first_and_nothing_is_lost(height, width, at):
    cut = tiles((height, width), 5, longest=60)
    y, x = min(at[0], height - 1), min(at[1], width - 1)
    order = nearest_first(cut, Region(y, x, y + 1, x + 1))
    assert sorted(t.index for t in order) == list(range(len(cut)))
    first = order[0].core
    assert first.y0 <= y + 0.5 <= first.y1
    assert first.x0 <= x + 0.5 <= first.x1
