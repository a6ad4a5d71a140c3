"""Training end to end on drawn smears: the same seed, a kill in the middle, the file, the judgement."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from allviewer import learning
from allviewer.learning.checkpoint import read_checkpoint, write_checkpoint
from allviewer.learning.patches import cut_patches
from allviewer.learning.report import evaluation_text
from allviewer.systems import load_model
from allviewer.systems.bundle import read_bundle, write_bundle
from allviewer.vocab.errors import DataError, ModelError


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def same(a, b):
    return all(np.array_equal(a[name], b[name]) for name in a | b)


def test_checkpoints_are_whole_or_refused(tmp_path):
    file = tmp_path / "c.safetensors"
    assert read_checkpoint(file) is None
    write_checkpoint(file, {"a": np.arange(3)}, {"done": 1})
    arrays, facts = read_checkpoint(file)
    assert facts == {"done": 1}
    assert arrays["a"].tolist() == [0, 1, 2]
    assert [p.name for p in tmp_path.iterdir()] == ["c.safetensors"]
    file.write_bytes(file.read_bytes()[:-3])
    with pytest.raises(DataError, match="damaged"):
        read_checkpoint(file)


@pytest.fixture(scope="module")
def trained(manifest, tmp_path_factory):
    out = tmp_path_factory.mktemp("model") / "toy-7.safetensors"
    return out, list(
        learning.train("alnet", manifest, out, folds=2, epochs=2, learning_rate=1e-3, seed=1, device="cpu")
    )


def test_training_tells_what_it_does(trained):
    out, events = trained
    assert events[0] == learning.FitStarted(16, 2, 2, events[0].split, events[0].data)
    assert events[0].data == "a CSV manifest of 16 cells in 8 images"
    parts = [(e.part, e.epoch) for e in events if isinstance(e, learning.EpochDone)]
    assert parts == [(p, i) for p in ("fold 1", "fold 2", "final") for i in (1, 2)]
    held = [e for e in events if isinstance(e, learning.FoldDone)]
    assert sum(e.cells for e in held) == 16
    assert events[-1].path == out
    assert not out.with_suffix(".partial").exists()


def test_the_file_is_a_model_with_an_honest_card(trained, manifest, samples):
    out, events = trained
    card = load_model(out, "cpu").card
    assert card == events[-1].card
    assert (card.name, card.version, card.system) == ("toy", "7", "alnet")
    assert card.data[0].digest == samples.digest
    assert card.data[0].groups == ("S0", "S1", "S2", "S3")
    assert "session-grouped, 2 folds" in card.judged.split
    assert {"auroc", "sensitivity", "specificity", "calibration_error", "camera_check"} <= set(card.judged.metrics)
    assert set(card.judged.baseline) == set(card.judged.metrics)
    assert [r.group for r in card.judged.groups] == ["S0", "S1", "S2", "S3"]
    assert card.likeness.distance > 0
    assert 0.1 <= card.likeness.share <= 0.9
    assert card.training.seconds > 0
    assert any("2 epochs (paper: 140)" in d for d in card.training.departures)
    assert any("proxy" in limit for limit in card.limits)
    assert not any("Camera confound" in limit for limit in card.limits)  # every session here has both classes


def test_it_tells_cells_unlike_its_training_cells(trained, manifest, samples):
    model = load_model(trained[0], "cpu")
    crops = cut_patches(samples, model.card.crop_um, 224, model.card.white, model.card.nucleus, margin=1)
    assert model.predict(crops).unlike.mean() <= 0.2
    noise = np.random.default_rng(0).integers(0, 256, (6, 224, 224, 3), np.uint8)
    assert model.predict(noise).unlike.all()


def test_evaluating_on_training_data_answers_out_of_fold(trained, manifest):
    out, events = trained
    found = learning.evaluate(out, manifest, device="cpu")
    assert "out-of-fold" in found.model.split
    assert found.model.out_of_fold
    assert found.figures == events[-1].card.judged.metrics
    assert found.baseline == events[-1].card.judged.baseline
    text = evaluation_text(found)
    assert "session-grouped" in text
    assert "colour baseline" in text
    assert "Research use only" in text


def test_evaluating_on_other_data_predicts(trained, manifest, tmp_path):
    lines = manifest.read_text().splitlines()
    fewer = manifest.with_name("fewer.csv")
    fewer.write_text("\n".join(lines[:1] + lines[5:]))
    try:
        found = learning.evaluate(trained[0], fewer, device="cpu")
    finally:
        fewer.unlink()
    assert "none of it named" in found.model.split
    assert not found.model.out_of_fold
    assert found.data.cells == {"blast": 6, "normal": 6}


def test_a_system_is_judged_by_training_it(trained, manifest, monkeypatch):
    out, events = trained
    monkeypatch.setattr(sys.modules["allviewer.learning.evaluate"], "train", lambda *_, **__: iter(events))
    *told, last = learning.evaluation_events("alnet", manifest, work=out, device="cpu", pictures=True, folds=2)
    assert told == events
    assert last.evaluation.figures == events[-1].card.judged.metrics
    assert len(last.sheet.pictures) == len(last.evaluation.wrong)


def test_a_model_of_fields_is_not_judged_on_cells(trained, manifest, tmp_path):
    card, arrays, _ = read_bundle(trained[0])
    fields = tmp_path / "fields-1.safetensors"
    write_bundle(fields, card.model_copy(update={"unit": "field"}), arrays)
    with pytest.raises(DataError, match="is of fields, and these are cells"):
        learning.evaluate(fields, manifest, device="cpu")


def test_image_splits_stay_labelled_optimistic(manifest, tmp_path):
    *_, last = learning.train(
        "alnet",
        manifest,
        tmp_path / "m.safetensors",
        split="image",
        folds=2,
        epochs=1,
        device="cpu",
        note="Mind the gap.",
    )
    assert "optimistic" in last.card.judged.split
    assert last.card.judged.notes[-1] == "Mind the gap."


def test_unjudged_models_say_so_and_refuse_their_own_data(manifest, tmp_path):
    out = tmp_path / "m.safetensors"
    *_, last = learning.train("alnet", manifest, out, split="none", epochs=1, device="cpu")
    assert last.card.judged.split == "not judged"
    assert last.card.calibration.fitted_on == "not calibrated"
    with pytest.raises(DataError, match="not judged out of fold"):
        learning.evaluate(out, manifest, device="cpu")


def test_wrong_requests_end_in_a_sentence(manifest, tmp_path):
    out = tmp_path / "m.safetensors"
    for arguments, error, match in (
        (("nosuch", manifest, out, {}), ModelError, "no classifier system"),
        (("alnet", manifest, tmp_path / "m.pt", {}), DataError, "ends in .safetensors"),
        (("alnet", manifest, out, {"epochs": 0}), DataError, "at least one epoch"),
        (("alnet", manifest, out, {"taxonomy": "zoo"}), DataError, "no taxonomy"),
        (("alnet", manifest, out, {"device": "tpu"}), ModelError, "no device"),
        (("alnet", manifest, out, {"options": {"depth": "3"}}), DataError, "no option 'depth'"),
    ):
        *positional, more = arguments
        with pytest.raises(error, match=match):
            list(learning.train(*positional, **more))
    assert not out.exists()
    with pytest.raises(DataError, match="needs a file"):
        learning.evaluate("alnet", manifest)


def test_killed_and_resumed_is_the_same_model(manifest, tmp_path):
    """kill -9 in the middle of training, then --resume: the arrays of an undisturbed run."""
    script = (
        "import sys; from pathlib import Path; import torch; torch.set_num_threads(1)\n"
        "from allviewer import learning\n"
        "for e in learning.train('alnet', Path(sys.argv[1]), Path(sys.argv[2]), split='none', epochs=2, seed=1,"
        " device='cpu', resume=True): print(type(e).__name__, flush=True)\n"
    )
    out = tmp_path / "killed.safetensors"
    command = [sys.executable, "-c", script, str(manifest), str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        seen = [running.stdout.readline().strip() for _ in range(2)]
        os.kill(running.pid, signal.SIGKILL)
    assert seen == ["FitStarted", "EpochDone"]
    assert not out.exists()
    begin = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    assert time.perf_counter() - begin < 300
    assert done.stdout.split().count("EpochDone") == 1
    other = tmp_path / "whole.safetensors"
    list(learning.train("alnet", manifest, other, split="none", epochs=2, seed=1, device="cpu"))
    (_, killed, _), (_, whole, _) = read_bundle(out), read_bundle(other)
    assert same(killed, whole)


def test_a_card_keeps_a_files_name_and_not_where_it_lies(samples, tmp_path):
    from allviewer.learning.cardmaker import _options
    from allviewer.learning.job import Job
    from allviewer.systems.latent_svm import LatentSVM

    given = {name: option.default for name, option in LatentSVM.options.items()}
    given |= {"backbone-weights": "/home/someone/secret project/weights.safetensors"}
    job = Job(LatentSVM, samples, None, 1, 0, 0, "cpu", tmp_path, None, None, given)
    assert _options(job) == given | {"backbone-weights": "weights.safetensors"}


def test_fields_labelled_as_a_whole_make_a_model_of_fields(samples, tmp_path):
    from dataclasses import replace

    from allviewer.learning.cardmaker import unjudged_card
    from allviewer.learning.job import Job
    from allviewer.systems.alnet import ALNet
    from allviewer.systems.training import Fitted

    for unit in ("cell", "field"):
        job = Job(ALNet, replace(samples, unit=unit), None, 1, 1e-3, 0, "cpu", tmp_path, None, None, {})
        assert unjudged_card(job, Fitted({}), "fp32").unit == unit


@pytest.mark.skipif(sys.platform == "win32", reason="a limit on file sizes needs POSIX")
@pytest.mark.parametrize(("most", "what"), [(1 << 20, "no room for the cells"), (3_500_000, "checkpoint cannot be")])
def test_a_disk_without_room_ends_in_a_sentence(manifest, tmp_path, most, what):
    """A full disk is played by a limit on file sizes; the patches take 5.4 MB here, crops 2.4, a checkpoint 8.6."""
    import resource

    out, few = tmp_path / "m.safetensors", tmp_path / "few.csv"
    few.write_text("\n".join(manifest.read_text().splitlines()[:9]) + "\n")
    for name in manifest.parent.glob("*.png"):
        (tmp_path / name.name).write_bytes(name.read_bytes())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        with pytest.raises(DataError, match=what):
            list(learning.train("alnet", few, out, split="none", epochs=1, device="cpu"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not out.exists()
    assert not list(out.with_suffix(".partial").glob("*.part"))
