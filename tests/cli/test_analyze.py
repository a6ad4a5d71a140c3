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


def test_preprocessing_is_written_down(folder, results, tmp_path):
    assert json.loads((results / "summary.json").read_text())["recipe"]["preprocessing"] == "none"
    command = ["analyze", str(folder / "field.png"), "--out", str(tmp_path), "--pixel-size", "0.1"]
    assert main([*command, "--preprocess", "macenko"]) == 0
    recipe = json.loads((tmp_path / "field" / "summary.json").read_text())["recipe"]
    assert recipe["preprocessing"] == "macenko"
    assert recipe["digest"] != json.loads((results / "summary.json").read_text())["recipe"]["digest"]
    assert len(rows(tmp_path / "field")) >= 0.9 * len(rows(results))


def test_an_unknown_preprocessing_is_refused_with_the_choices(folder, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["analyze", str(folder / "field.png"), "--out", str(tmp_path / "out"), "--preprocess", "gamma"])
    assert "macenko" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


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


def test_names_alike_on_some_disks_are_refused(folder, tmp_path, capsys):
    images = [folder / "Field.png", tmp_path / "fIELD.tif"]
    assert main(["analyze", *map(str, images), "--out", str(tmp_path / "out")]) == 2
    assert "would all be written" in capsys.readouterr().err
    two_spellings = [tmp_path / "f\u00fcr.png", tmp_path / "fu\u0308r.tif"]
    assert main(["analyze", *map(str, two_spellings), "--out", str(tmp_path / "out")]) == 2


@pytest.mark.parametrize("name", ["..png", "...png"])
def test_results_never_land_in_or_above_the_folder_named(folder, tmp_path, capsys, name):
    image = tmp_path / name
    image.write_bytes((folder / "blank.png").read_bytes())
    out = tmp_path / "inner" / "out"
    assert main(["analyze", str(image), "--out", str(out), "--overwrite"]) == 2
    assert "rename it" in capsys.readouterr().err
    assert not out.exists()


def test_a_persons_own_files_are_never_overwritten(folder, tmp_path, capsys):
    (tmp_path / "blank").mkdir()
    (tmp_path / "blank" / "thesis.txt").write_text("years of work")
    assert main(["analyze", str(folder / "blank.png"), "--out", str(tmp_path), "--overwrite"]) == 2
    assert "thesis.txt" in capsys.readouterr().err
    assert [p.name for p in (tmp_path / "blank").iterdir()] == ["thesis.txt"]


def test_a_file_given_as_the_folder_is_refused_before_any_work(folder, tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "deeper"):
        assert main(["analyze", str(folder / "blank.png"), "--out", str(out)]) == 2
        assert "is not a folder" in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_that_may_not_be_written_is_refused_before_any_work(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)  # whoever runs the tests may write anywhere
    assert main(["analyze", str(folder / "blank.png"), "--out", str(tmp_path / "new")]) == 2
    assert "you may not write" in capsys.readouterr().err


def test_nothing_is_claimed_to_be_written_where_all_failed(folder, tmp_path, capsys):
    assert main(["analyze", str(folder / "notes.png"), "--out", str(tmp_path)]) == 1
    assert "others are written" not in capsys.readouterr().err


@pytest.mark.skipif(sys.platform != "linux", reason="only there any bytes make a file name")
def test_a_name_that_no_terminal_can_show_is_analysed(folder, tmp_path):
    image = tmp_path / os.fsdecode(b"bad\xff.png")
    image.write_bytes((folder / "blank.png").read_bytes())
    program = Path(sys.executable).parent / "allviewer"
    line = [program, "analyze", image, "--out", tmp_path / "out"]
    strict = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}
    done = subprocess.run(line, capture_output=True, check=False, env=strict)
    assert done.returncode == 0, done.stderr
    assert b"bad\\udcff" in done.stdout
    assert [os.fsencode(p.name) for p in (tmp_path / "out").iterdir()] == [b"bad\xff"]


def test_heat_is_kept_where_one_tile_holds_no_cell(tmp_path, field):
    wide = np.full((600, 6400, 3), 235, np.uint8)
    wide[:, :1300] = field.rgb[:600]
    Image.fromarray(wide).save(tmp_path / "wide.png")
    line = ["analyze", str(tmp_path / "wide.png"), "--out", str(tmp_path / "out"), "--pixel-size", "0.1", "--heat"]
    assert main(line) == 0
    with np.load(tmp_path / "out" / "wide" / "heat.npz") as file:
        assert len(file["cell_id"]) == len(file["maps"]) > 0
        assert file["maps"].max() > 0


def test_a_model_of_fields_speaks_of_the_image_and_never_of_a_cell(folder, tmp_path, capsys):
    from allviewer.systems.bundle import write_bundle
    from allviewer.vocab.taxonomy import STAGES
    from tests.systems.test_fields import field_card, random_arrays

    path = tmp_path / "fields-1.safetensors"
    write_bundle(path, field_card(), random_arrays(4, 4))
    line = ["analyze", str(folder / "blank.png"), "--out", str(tmp_path / "out")]
    assert main([*line, "--model", "none", "--field-model", str(path)]) == 0
    assert "Field as a whole: " in capsys.readouterr().out
    facts = json.loads((tmp_path / "out" / "blank" / "summary.json").read_text())
    assert facts["model"] is None
    said = facts["field_suggestion"]
    assert said["probabilities"].keys() == set(STAGES.keys)
    assert said["suggested"] == max(said["probabilities"], key=said["probabilities"].get)
    assert "fields-1 for the whole image" in said["sentence"]
    table = (tmp_path / "out" / "blank" / "cells.csv").read_text().splitlines()[0]
    assert "predicted" not in table
    assert main([*line, "--overwrite", "--model", str(path)]) == 1
    assert "never run on cells" in capsys.readouterr().err
    assert main([*line, "--overwrite", "--field-model", "alnet-1"]) == 1
    assert "judges single cells" in capsys.readouterr().err


def test_an_altered_model_needs_to_be_accepted_by_name(folder, tmp_path, capsys):
    from allviewer.systems.bundle import write_bundle
    from allviewer.systems.index import write_index
    from tests.systems.conftest import make_card, random_arrays

    path = tmp_path / "toy.safetensors"
    write_bundle(path, make_card(), random_arrays(1))
    write_index(tmp_path)
    write_bundle(path, make_card(), random_arrays(2))
    line = ["analyze", str(folder / "blank.png"), "--out", str(tmp_path / "out"), "--model", str(path)]
    assert main(line) == 1
    assert "--accept-model toy" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert main([*line, "--accept-model", "other"]) == 1
    assert main([*line, "--accept-model", "other", "--accept-model", "toy"]) == 0
    model = json.loads((tmp_path / "out" / "blank" / "summary.json").read_text())["model"]
    assert model["name"] == "toy"
    assert model["accepted_by_name"] is True
