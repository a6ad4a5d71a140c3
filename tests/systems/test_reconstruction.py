import numpy as np
import pytest

from allviewer.systems.alnet import ALNet
from allviewer.systems.cae_cnn import CAECNN
from allviewer.systems.reconstruction import Reconstructs, correlation


def test_correlation_is_pearsons_correlation():
    rng = np.random.default_rng(0)
    crops, other = rng.integers(0, 256, (2, 3, 8, 8, 3), dtype=np.uint8)
    expected = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(crops, other, strict=True)]
    np.testing.assert_allclose(correlation(crops, other), expected, atol=1e-5)
    np.testing.assert_allclose(correlation(crops, 255 - crops), -1, atol=1e-5)
    np.testing.assert_allclose(correlation(crops // 2 * 2, crops // 2), 1, atol=1e-5)  # brightness alone does not count
    assert np.isnan(correlation(np.zeros((1, 8, 8, 3), np.uint8), crops[:1])).all()


@pytest.mark.parametrize(("system", "can"), [(CAECNN, True), (ALNet, False)])
def test_who_reconstructs(system, can):
    assert issubclass(system, Reconstructs) is can
