import numpy as np
import pytest
import torch

from allviewer.systems.scaled_conjugate_gradient import ScaledConjugateGradient
from allviewer.systems.sparse_autoencoder import SparseAutoencoder, range_scaler


def test_learnables_of_the_papers_three_sizes():
    assert [SparseAutoencoder(3072, h).size for h in (768, 1536, 2304)] == [4_722_432, 9_441_792, 14_161_152]
    assert 3072 * 768 + 768 == 2_360_064  # the encoder's, which are kept


@pytest.fixture
def small():
    network = SparseAutoencoder(7, 4)
    x = torch.from_numpy(np.random.default_rng(1).uniform(size=(9, 7)))
    w = network.start(3) + 0.1 * torch.sin(torch.arange(network.size, dtype=torch.float64))  # biases too
    return network, x, w


def test_the_loss_is_eq_1_term_by_term(small):
    network, x, w = small
    w1, b1, w2, b2 = (p.numpy() for p in network.parts(w))
    rows = x.numpy()
    h = 1 / (1 + np.exp(-(rows @ w1.T + b1)))
    y = 1 / (1 + np.exp(-(h @ w2.T + b2)))
    squared = sum(((rows[n] - y[n]) ** 2).sum() for n in range(9)) / 9
    weights = 0.5 * ((w1**2).sum() + (w2**2).sum())
    mean = h.mean(axis=0)
    kl = (0.05 * np.log(0.05 / mean) + 0.95 * np.log(0.95 / (1 - mean))).sum()
    assert network.loss(w, x)[0] == pytest.approx(squared + 0.001 * weights + kl, rel=1e-12)


def test_the_gradient_is_autograds(small):
    network, x, w = small
    w = w.clone().requires_grad_()
    encoder, b1, decoder, b2 = network.parts(w)
    h = torch.sigmoid(x @ encoder.T + b1)
    y = torch.sigmoid(h @ decoder.T + b2)
    mean = h.mean(0)
    kl = (0.05 * torch.log(0.05 / mean) + 0.95 * torch.log(0.95 / (1 - mean))).sum()
    (((x - y) ** 2).sum() / len(x) + 0.0005 * (encoder.square().sum() + decoder.square().sum()) + kl).backward()
    np.testing.assert_allclose(network.loss(w.detach(), x)[1], w.grad, rtol=1e-9, atol=1e-12)


def test_it_learns_sparse_codes_that_rebuild_their_input():
    """Twelve patterns of a kind: the error falls far below that of the mean, and units rest at about 0.05."""
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.uniform(0.1, 0.9, (3, 20))[rng.integers(0, 3, 60)] + rng.normal(0, 0.01, (60, 20)))
    network = SparseAutoencoder(20, 10)
    stage = ScaledConjugateGradient(lambda w: network.loss(w, x), network.start(0))
    first = stage.epoch(0).loss
    for number in range(1, 300):
        last = stage.epoch(number).loss
    assert last < 0.6 * first
    encoder, bias, decoder, decoder_bias = network.parts(stage.w)
    h = torch.sigmoid(x @ encoder.T + bias)
    y = torch.sigmoid(h @ decoder.T + decoder_bias)
    assert float(h.mean()) == pytest.approx(0.05, abs=0.03)
    assert float((x - y).square().sum()) < 0.5 * float((x - x.mean(0)).square().sum())


def test_the_scaler_fills_the_range_and_leaves_constants():
    x = np.array([[1, 5, 2], [3, 5, 4], [2, 5, 8]], np.float32)
    least, span = range_scaler(x)
    np.testing.assert_allclose((x - least) / span, [[0, 0, 0], [1, 0, 1 / 3], [0.5, 0, 1]], atol=1e-7)
