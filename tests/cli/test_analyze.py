"""``allviewer analyze`` from file to results, with the bundled model on a rendered field."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from allviewer.cli.main import main
from allviewer.synth import render_field


@pytest.fixture(scope="module")
def field():
    return render_field(1000, 1300, seed=5, um_per_px=0.1, white_cells=10)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, field):
    folder = tmp_path_factory.mktemp("images with space ü")
    Image.fromarray(field.rgb).save(folder / "field.png")
    Image.fromarray(np.full((300, 300, 3), 235, np.uint8)).save(folder / "blank.png")
    (folder / "notes.png").write_text("this is not an image")
    return folder


@pytest.fixture(scope="module")
def results(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    assert main(["analyze", str(folder / "field.png"), "--out", str(out), "--pixel-size", "0.1", "--heat"]) == 0
    return out / "field"


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "cells.csv").open() as file:
        return list(csv.DictReader(file))


def test_the_cells_that_were_rendered_are_found_and_classified(results, field):
    table = rows(results)
    boxes = np.array([[float(r[f"bbox_{k}"]) for k in ("y0", "x0", "y1", "x1")] for r in table])
    inside = [((boxes[:, :2] <= c) & (c < boxes[:, 2:])).all(1).any() for c in field.centres]
    assert np.mean(inside) >= 0.9
    assert len(table) <= 1.5 * len(field.centres)
    for r in table:
        assert r["predicted"] in ("blast", "normal")
        assert float(r["p_blast"]) + float(r["p_normal"]) == pytest.approx(1, abs=1e-4)


def test_every_file_is_there_and_agrees_with_the_others(results):
    names = {p.name for p in results.iterdir()}
    assert names == {
        "cells.csv", "data_dictionary.csv", "cells.geojson", "overlay.png", "summary.json",
        "heat.npz", "heat_blast.png", "heat_normal.png",
    }  # fmt: skip
    facts = json.loads((results / "summary.json").read_text())
    collection = json.loads((results / "cells.geojson").read_text())
    table = rows(results)
    assert facts["counts"]["cells"] == len(table)
    cells = {f["properties"]["name"]: f for f in collection["features"] if f["properties"]["objectType"] == "cell"}
    assert set(cells) == {r["cell_id"] for r in table}
    for r in table:
        assert cells[r["cell_id"]]["properties"]["classification"]["name"] == r["predicted"]
    assert facts["pixel_size"] == {"um_per_px": 0.1, "source": "given"}
    assert re.fullmatch("[0-9a-f]{64}", facts["model"]["sha256"])


def test_an_image_without_cells_has_a_header_and_no_rows(folder, tmp_path):
    assert main(["analyze", str(folder / "blank.png"), "--out", str(tmp_path)]) == 0
    assert rows(tmp_path / "blank") == []
    facts = json.loads((tmp_path / "blank" / "summary.json").read_text())
    assert facts["pixel_size"] == {"um_per_px": None, "source": "unknown"}


def test_one_bad_image_does_not_stop_the_others(folder, tmp_path, capsys):
    images = [folder / "notes.png", folder / "missing.png", folder / "blank.png"]
    assert main(["analyze", *map(str, images), "--out", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "notes.png" in said
    assert "missing.png" in said
    assert "Traceback" not in said
    assert [p.name for p in tmp_path.iterdir()] == ["blank"]


def test_two_images_of_one_name_are_refused_before_any_work(folder, tmp_path, capsys):
    images = [folder / "field.png", tmp_path / "field.tif"]
    assert main(["analyze", *map(str, images), "--out", str(tmp_path / "out")]) == 2
    assert "Nothing was done" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_existing_results_need_overwrite(folder, tmp_path, capsys):
    (tmp_path / "blank").mkdir()
    line = ["analyze", str(folder / "blank.png"), "--out", str(tmp_path)]
    assert main(line) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert list((tmp_path / "blank").iterdir()) == []
    assert main([*line, "--overwrite"]) == 0
    assert (tmp_path / "blank" / "cells.csv").exists()


def test_several_workers_give_what_one_gives(folder, tmp_path, results):
    images = [str(folder / "field.png"), str(folder / "blank.png")]
    line = ["analyze", *images, "--out", str(tmp_path), "--pixel-size", "0.1", "--workers", "2"]
    program = Path(sys.executable).parent / "allviewer"
    done = subprocess.run([program, *line], capture_output=True, text=True, check=False, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    one, two = rows(results), rows(tmp_path / "field")
    assert [r["cell_id"] for r in one] == [r["cell_id"] for r in two]
    for a, b in zip(one, two, strict=True):
        assert a["predicted"] == b["predicted"]
        assert float(a["p_blast"]) == pytest.approx(float(b["p_blast"]), abs=1e-4)


def test_an_unknown_model_is_one_sentence(folder, tmp_path, capsys):
    line = ["analyze", str(folder / "blank.png"), "--out", str(tmp_path), "--model", "nonesuch"]
    assert main(line) == 1
    said = capsys.readouterr().err
    assert "nonesuch" in said
    assert said.count("\n") == 1
