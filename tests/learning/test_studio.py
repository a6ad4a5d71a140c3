"""A stage of training, run in a studio: seeded, resumed as if never stopped, stopped early by cells kept aside."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from allviewer.learning.job import Job, checked_options
from allviewer.learning.patches import cut_patches
from allviewer.learning.splits import validation_rows
from allviewer.learning.studio import FitStudio, drawing_weights
from allviewer.systems.alnet import ALNet
from allviewer.systems.descent import Descent, arrays_of, cell_views, class_loss, plan_for
from allviewer.systems.training import Option
from allviewer.vocab.errors import DataError


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def job(samples, tmp_path_factory):
    cut = [cut_patches(samples, 22.0, 224, 245.0, margin=margin) for margin in (1.5, 1)]
    return Job(ALNet, samples, None, 2, 1e-3, 3, "cpu", tmp_path_factory.mktemp("job"), *cut, {})


class Small(nn.Module):
    """A pixel average, batch norm, a layer: enough to have weights, running statistics and chance (dropout)."""

    def __init__(self, seed=0):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.norm, self.drop, self.last = nn.BatchNorm1d(48), nn.Dropout(0.2), nn.Linear(48, 2)

    def forward(self, pixels):
        return self.last(self.drop(self.norm(nn.functional.adaptive_avg_pool2d(pixels / 255, 4).flatten(1))))


def studio_of(job, folder, **changes):
    return FitStudio(replace(job, folder=folder, **changes), np.ones(len(job.samples), bool), "final", 3, "fp32")


def descent(studio, **changes):
    plan = plan_for(studio, ALNet.defaults, **changes)
    return Descent(Small(), cell_views(studio), class_loss("bce"), studio.weights, plan)


def trained(job, folder, **changes):
    studio = studio_of(job, folder)
    stage = descent(studio, **changes)
    events = list(studio.run("stage", stage, studio.epochs))
    return events, arrays_of(stage.settled()), studio


def same(a, b):
    return all(np.array_equal(a[name], b[name]) for name in a | b)


def test_one_event_an_epoch(job, tmp_path):
    events, arrays, studio = trained(job, tmp_path)
    assert [(e.epoch, e.epochs, e.part) for e in events] == [(i, 2, "final stage") for i in (1, 2)]
    assert all(np.isfinite(e.loss) and 0 <= e.accuracy <= 1 and e.held_out is None for e in events)
    assert all(np.isfinite(a).all() for a in arrays.values())
    assert studio.seconds >= sum(e.seconds for e in events)


def test_same_seed_same_network_other_seed_another(job, tmp_path):
    first, again = trained(job, tmp_path / "a"), trained(job, tmp_path / "b")
    assert same(first[1], again[1])
    assert not same(first[1], trained(job, tmp_path / "c", seed=4)[1])


@pytest.mark.parametrize("optimiser", ["rmsprop", "adam", "adamw"])
def test_resumed_equals_uninterrupted(job, tmp_path, optimiser):
    whole = trained(job, tmp_path / "whole", optimiser=optimiser)
    studio = studio_of(job, tmp_path / "cut")
    first = studio.run("stage", descent(studio, optimiser=optimiser), 2)
    next(first)
    first.close()  # as if killed after the first checkpoint
    events, arrays, again = trained(job, tmp_path / "cut", optimiser=optimiser)
    assert [e.epoch for e in events] == [2]
    assert again.seconds > sum(e.seconds for e in events)
    assert same(arrays, whole[1])
    assert events[-1].loss == whole[0][-1].loss


def test_a_checkpoint_of_another_job_is_not_continued(job, tmp_path):
    trained(job, tmp_path)
    studio = studio_of(job, tmp_path, learning_rate=2e-3)
    assert [e.epoch for e in studio.run("stage", descent(studio), 1)] == [1]


def test_it_learns(job, tmp_path):
    studio = studio_of(job, tmp_path, epochs=15)
    plan = plan_for(studio, ALNet.defaults, learning_rate=1e-2, averaging=0.0)
    stage = Descent(Small(), cell_views(studio), class_loss("ce", 0.0), studio.weights, plan)
    losses = [e.loss for e in studio.run("", stage, 15)]
    assert losses[-1] < 0.7 * losses[0]


def test_what_it_answers_may_be_anything(job, tmp_path):
    """A stage without classes has no accuracy."""
    studio = studio_of(job, tmp_path)

    def batch(rows, rng):
        return torch.from_numpy(studio.views(rows, rng)).permute(0, 3, 1, 2).float(), torch.zeros(len(rows), 2)

    stage = Descent(Small(), batch, nn.functional.mse_loss, studio.weights, plan_for(studio, ALNet.defaults))
    assert [e.accuracy for e in studio.run("", stage, 2)] == [None, None]


def test_it_stops_where_nothing_is_gained_and_keeps_the_best(job, tmp_path):
    studio = studio_of(job, tmp_path, patience=2, epochs=20)
    assert studio.patience == 2
    measured = iter([0.5, 0.9, 0.7, 0.9, 0.6])
    seen = []

    def measure(network):
        seen.append(arrays_of(network))
        assert not network.training
        return next(measured)

    plan = plan_for(studio, ALNet.defaults)
    stage = Descent(Small(), cell_views(studio), class_loss("ce"), studio.weights, plan, measure)
    events = list(studio.run("", stage, 20))
    assert [e.held_out for e in events] == [0.5, 0.9, 0.7, 0.9]
    assert same(arrays_of(stage.settled()), seen[1])
    again = Descent(Small(), cell_views(studio), class_loss("ce"), studio.weights, plan, measure)
    assert list(studio.run("", again, 20)) == []  # it had finished
    assert same(arrays_of(again.settled()), seen[1])


def test_cells_kept_aside_are_whole_groups_never_drawn(job, tmp_path):
    studio = studio_of(job, tmp_path, patience=1)
    aside = studio.validation
    assert 0 < aside.sum() < len(aside)
    assert not set(studio.groups[aside]) & set(studio.groups[~aside])
    assert set(studio.labels[aside]) == set(studio.labels[~aside]) == {0, 1}
    assert studio.weights[aside].sum() == 0
    assert studio.weights.sum() == pytest.approx(1)
    assert validation_rows(np.array([0, 1]), np.array(["one", "one"])) is None


def test_computed_once(job, tmp_path):
    calls = []

    def compute():
        calls.append(1)
        return {"x": np.arange(3)}

    for _ in range(2):
        assert studio_of(job, tmp_path).once("features", compute)["x"].tolist() == [0, 1, 2]
    assert len(calls) == 1


def test_patches_on_disk_are_those_in_memory(samples, tmp_path):
    kept = cut_patches(samples, 22.0, 64, 245.0, into=tmp_path / "patches.npy")
    assert np.array_equal(kept, cut_patches(samples, 22.0, 64, 245.0))
    assert [p.name for p in tmp_path.iterdir()] == ["patches.npy"]


def test_options_are_checked():
    class Choosy(ALNet):
        options = {"depth": Option("2", "how deep", ("2", "3")), "name": Option("x", "any")}  # noqa: RUF012

    assert checked_options(Choosy, {"depth": "3"}) == {"depth": "3", "name": "x"}
    with pytest.raises(DataError, match="does not take"):
        checked_options(Choosy, {"depth": "4"})
    with pytest.raises(DataError, match="no option"):
        checked_options(ALNet, {"depth": "2"})


def test_every_class_is_drawn_alike():
    weights = drawing_weights(np.array([0, 0, 0, 1]), np.array(["a", "a", "b", "b"]))
    assert weights.sum() == pytest.approx(1)
    assert weights[3] == pytest.approx(0.5)
