"""Optical density of grey levels."""

import numpy as np

from allviewer.pixels.density import DARKEST, density_table, resolved_table


def test_grey_levels_near_black_are_told_apart_by_no_search():
    exact, resolved = density_table((255.0, 240.0, 140.0)), resolved_table((255.0, 240.0, 140.0))
    assert np.array_equal(resolved[5], resolved[0])
    assert np.array_equal(resolved[60:], exact[60:])
    assert resolved.max() <= DARKEST < exact.max()
