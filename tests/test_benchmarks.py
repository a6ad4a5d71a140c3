"""The benchmarks' own pieces still run, on a tiny field: no installs, no limits on time."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from allviewer.systems.crops import cut_crops

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def bench():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import segmentation

        yield segmentation
    finally:
        sys.path.remove(str(BENCHMARKS))


@pytest.fixture(scope="module")
def picture(bench):
    return bench.pictures.synthetic(400, 520, cells=4)


def test_truth_itself_scores_full_marks_and_an_empty_field_none(bench, picture):
    judge = bench.contest.quality.judge
    assert judge(picture.nuclei, picture) == {"precision": 1, "recall": 1, "f1": 1, "dice": 1}
    assert judge(np.zeros_like(picture.nuclei), picture)["recall"] == 0


def test_a_nucleus_found_on_a_smudge_counts_neither_way(bench, picture):
    assert picture.smudges.any()
    both = np.where(picture.smudges > 0, picture.nuclei.max() + picture.smudges, picture.nuclei)
    assert bench.contest.quality.judge(both, picture)["precision"] == 1


def test_centres_are_judged_by_who_holds_them(bench):
    labels = np.zeros((20, 20), np.int32)
    labels[2:8, 2:18], labels[12:16, 2:6], labels[12:16, 12:16] = 1, 2, 3
    centres = np.array([[4.0, 4.0], [4.0, 15.0], [13.0, 3.0], [18.0, 18.0]])
    field = bench.pictures.Picture("hand", np.zeros((20, 20, 3), np.uint8), 0.2, centres=centres)
    assert bench.contest.quality.judge(labels, field) == {"found": 0.75, "own": 0.25, "per_centre": 0.75}


def test_every_peer_that_needs_no_install_finds_nuclei(bench, picture, tmp_path, monkeypatch):
    monkeypatch.setenv("ALLVIEWER_BENCHMARK_INSTALLS", "0")
    monkeypatch.setattr("peers.worker.CACHE", tmp_path)
    peers = bench.contest.invite()
    rows = bench.contest.fields(picture, peers, 1, least=0)
    assert set(rows) == {"allviewer", "scikit-image", "OpenCV", "CellProfiler", "ImageJ"}
    for name in ("allviewer", "scikit-image", "OpenCV"):
        assert rows[name]["quality"]["recall"] > 0.4
        assert rows[name]["cpu"] > 0
    assert "installs nothing" in rows["CellProfiler"]["reason"]
    assert "reason" in rows["ImageJ"]
    text = [bench.line(name, row) for name, row in rows.items()]
    assert "could not be installed" in text[-1]
    assert "F1" in text[0]


def test_the_oadls_stages_and_their_scikit_image_form_see_the_same_nuclei(bench, picture):
    rows = bench.contest.recipe(picture, 1)
    assert min(rows[name]["quality"]["recall"] for name in ("allviewer", "oadls")) > 0.4
    assert rows["allviewer"]["route"]["f1"] > 0.7


def test_measuring_and_outlining_are_given_the_same_cells(bench, picture):
    cells = bench.contest.parts.prepare(picture)
    assert 1 <= len(np.unique(cells.cell)) - 1 == len(cells.measured)
    assert len(bench.contest.parts.outlines(cells)) == len(bench.contest.parts.traced(cells)) == 2 * len(cells.measured)
    theirs = sum(len(rings) for rings in bench.contest.parts.traced_theirs(cells)[0])
    assert theirs >= len(np.unique(cells.cell)) - 1
    shapes, nuclei, rest = bench.contest.parts.features_theirs(cells)
    assert len(shapes["area"]) == len(nuclei["area"]) == len(np.unique(cells.cell)) - 1
    assert len(rest["intensity_mean-0"]) <= len(shapes["area"])
    rows = bench.contest.measuring(picture, 1)
    assert min(rows[part]["peer"]["ratio"]["cpu"] for part in ("features", "traced", "outlines")) > 0


def test_tiles_by_hand_give_the_cells_of_the_whole(bench, picture):
    out = bench.limits.Tiled(bench.pictures.mosaic(picture), 600).compare(1)
    assert out["tiles"] > 1
    assert out["cells"] > 4
    assert out["cells_that_differ"] == 0


def test_the_shares_of_the_stages_add_up(bench, picture):
    shares = bench.by_stage(picture, 1)["shares"]
    assert sum(shares.values()) == pytest.approx(1, abs=0.01)
    assert {"seeds", "survey"} <= set(shares)


def test_a_new_process_reports_its_first_field(bench, picture, tmp_path):
    row = bench.limits.first_fields(picture, os.environ.get("NUMBA_CACHE_DIR", ""))
    assert row["cells"] >= 1
    assert row["second"] > 0
    assert row["bytes_per_pixel"] < 1000


def test_a_worker_that_dies_says_why(bench):
    worker = sys.modules["peers.worker"]
    with pytest.raises(sys.modules["peers.rounds"].NotInstallableError, match="ZeroDivisionError"):
        worker.Worker([sys.executable, "-c", "1 / 0"])
    one = worker.Worker([sys.executable, "-uc", "print('{}'); print('{\"wall\": 1}', flush=True); input()"])
    assert one.ask("x") == {"wall": 1}
    one.close()


@pytest.mark.parametrize("name", ["segmentation", "inference", "heat"])
def test_help_needs_no_peer(name):
    done = subprocess.run([sys.executable, BENCHMARKS / f"{name}.py", "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--quick" in done.stdout


@pytest.fixture(scope="module")
def predicting(bench):
    """`inference` and `heat`, which set the threads of this process as they would of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        import heat
        import inference

        yield inference, heat


def test_the_crops_of_the_peer_show_what_ours_show(predicting):
    inference, _ = predicting
    prediction = inference.prediction
    rng = np.random.default_rng(0)
    rgb = cv2.resize(rng.integers(90, 250, (40, 50, 3), np.uint8), (500, 400), interpolation=cv2.INTER_CUBIC)
    boxes = np.array([[10.0, 20, 160, 170], [200, 300, 390, 490]])
    table = np.stack([np.arange(256)[::-1]] * 3).astype(np.uint8)
    theirs = prediction.torch_crops.pipeline(rgb, boxes, 224, table)()
    ours = cut_crops(rgb, boxes, 224, table=table)
    assert np.abs(255 * theirs.permute(0, 2, 3, 1).numpy() - ours).mean() < 1


def test_a_bundled_model_answers_alike_on_every_runtime(predicting, tmp_path, monkeypatch):
    monkeypatch.setenv("ALLVIEWER_BENCHMARK_INSTALLS", "0")
    monkeypatch.setattr("peers.borrowed.CACHE", tmp_path)
    inference, _ = predicting
    one = inference.prediction.network("alnet-1", 1)
    for peer in ("allviewer", "torch eager", "torch channels_last"):
        assert one["rows"][peer]["error"] <= 1e-4 * max(1, one["rows"][peer]["scale"])
        assert one["rows"][peer]["same"] == 1
    assert one["rows"]["torch eager"]["ratio"]["cpu"] > 0
    text = [inference.line(name, row) for name, row in one["rows"].items()]
    assert any("error" in line for line in text)


def test_explaining_is_compared_with_the_same_maps(predicting):
    _, heat = predicting
    entry = heat.networks.bundled()["alnet-1"]
    one = heat.explain(entry, 1)
    assert one["error"] <= 2e-5
    assert one["largest"] > 0.01
    assert one["rows"][heat.ONE]["ratio"]["cpu"] > 0


def test_every_model_timed_can_be_built_in_torch(predicting):
    _, heat = predicting
    timed = heat.networks.bundled()
    assert {"alnet-1", "blastnet-1"} <= set(timed)
    assert not any(heat.networks.torch_form(entry).training for entry in timed.values())
