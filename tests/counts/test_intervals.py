import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allviewer.counts.intervals import wilson


def test_wilson_matches_published_values():
    # Newcombe 1998, Statistics in Medicine 17: 857-872, table I, method 3 (score, no continuity correction)
    for successes, trials, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)):
        got = wilson(successes, trials)
        assert got == pytest.approx((low, high), abs=6e-5)
    assert wilson(1, 29) == pytest.approx((0.0061, 0.1718), abs=6e-5)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_and_mirrors(case):
    k, n = case
    low, high = wilson(k, n)
    assert 0 <= low <= k / n <= high <= 1
    mirrored = wilson(n - k, n)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-12)


def test_wilson_refuses_what_is_no_proportion():
    assert all(math.isnan(v) for v in wilson(0, 0))
    for bad in ((2, 1), (-1, 3)):
        with pytest.raises(ValueError, match="no proportion"):
            wilson(*bad)
