"""The verbs around models, as a person types them."""

import json
import re

import pytest

from allviewer.cli.main import main
from allviewer.systems.bundle import write_bundle
from tests.learning.conftest import write_manifest


def test_models_are_listed_and_shown(capsys):
    assert main(["models", "list"]) == 0
    head, _, *lines = capsys.readouterr().out.splitlines()
    line = next(text for text in lines if text.startswith("alnet-1 "))
    for word in ("judges", "classes", "AUROC", "size", "sha256"):
        assert word in head
    for column, word in (("system", "alnet"), ("judges", "cells"), ("classes", "blast normal"), ("from", "bundled")):
        assert line[head.index(column) :].startswith(word)
    assert re.search(r"0\.\d{3} \(0\.\d{3} to 0\.\d{3}\) +2\.\d MB  [0-9a-f]{12}", line)
    assert main(["models", "show", "alnet-1"]) == 0
    shown = capsys.readouterr().out
    for word in ("sha256", "10.1109/ICIP.2011.6115881", "colour baseline", "Research use only", "Camera confound"):
        assert word in shown
    assert main(["models", "show", "alnet-1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["system"] == "alnet"


def test_what_is_not_there_is_a_sentence(capsys, tmp_path):
    assert main(["models", "show", "nosuch"]) == 1
    assert "no model is called" in capsys.readouterr().err
    assert main(["evaluate", "alnet-1", str(tmp_path / "nowhere")]) == 1
    assert "no such data" in capsys.readouterr().err
    assert main(["train", "nosuch", str(tmp_path), "--out", str(tmp_path / "m.safetensors")]) == 1
    assert "no classifier system" in capsys.readouterr().err
    with pytest.raises(SystemExit) as left:
        main(["train", "alnet", str(tmp_path)])
    assert left.value.code == 2


def test_train_then_evaluate(capsys, tmp_path):
    data, out, figures = write_manifest(tmp_path), tmp_path / "m-1.safetensors", tmp_path / "figures.json"
    assert (
        main(["train", "alnet", str(data), "--out", str(out), "--epochs", "1", "--folds", "2", "--device", "cpu"]) == 0
    )
    told = capsys.readouterr().out
    for word in ("16 labelled cells", "fold 2    held out", "final     epoch   1/1", f"wrote {out}", "session-grouped"):
        assert word in told
    page = tmp_path / "figures.html"
    line = ["evaluate", str(out), str(data), "--device", "cpu", "--json", str(figures), "--html", str(page), "--crops"]
    assert main(line) == 0
    assert "out-of-fold" in capsys.readouterr().out
    assert json.loads(figures.read_text())["figures"]["auroc"]
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert main(["compare", str(out), str(out), str(data), "--device", "cpu", "--html", str(page)]) == 0
    assert "0 cells that not all models call the same" in capsys.readouterr().out
    assert "Comparison" in page.read_text()
    assert not list(tmp_path.glob("*.part*"))


def test_bad_and_altered_files_are_listed_and_an_index_is_written(capsys, tmp_path, monkeypatch):
    import allviewer.systems.model as room
    from tests.systems.conftest import make_card, random_arrays

    monkeypatch.setattr(room, "model_folder", lambda: tmp_path)
    write_bundle(tmp_path / "fields-1.safetensors", make_card(unit="field"), random_arrays(1))
    (tmp_path / "broken.safetensors").write_bytes(b"junk")
    assert main(["models", "index", str(tmp_path)]) == 0
    assert json.loads((tmp_path / "index.json").read_text()).keys() == {"fields-1", "broken"}
    write_bundle(tmp_path / "fields-1.safetensors", make_card(unit="field"), random_arrays(2))
    capsys.readouterr()
    assert main(["models", "list"]) == 0
    told = capsys.readouterr().out
    assert re.search(r"^fields-1 +alnet +whole fields .* yours$", told, re.MULTILINE)
    assert re.search(r"^cannot be used: .*broken\.safetensors: this is not a model file", told, re.MULTILINE)
    assert re.search(r"^mind: the model 'fields-1' is not the file that the program came with", told, re.MULTILINE)
    assert main(["models", "show", "fields-1"]) == 0
    assert "--accept-model fields-1" in capsys.readouterr().out
    assert main(["models", "index", str(tmp_path / "nowhere")]) == 1


def test_wrong_usage_does_nothing(capsys, tmp_path):
    page = str(tmp_path / "p.html")
    for line, word in (
        (["compare", "alnet-1", str(tmp_path)], "two models"),
        (["compare", "a", "b", str(tmp_path), "--crops"], "--html"),
        (["compare", "a", "b", str(tmp_path), "--html", str(tmp_path)], "no file can be written"),
        (["evaluate", "alnet-1", str(tmp_path), "--crops"], "--html"),
        (["evaluate", "alnet-1", str(tmp_path), "--html", str(tmp_path / "no" / "p.html")], "no file can be written"),
        (["evaluate", "segmentation", "--html", page], "--html is an option of a model"),
    ):
        assert main(line) == 2
        told = capsys.readouterr().err
        assert word in told
        assert "Nothing was done" in told
    assert not list(tmp_path.iterdir())
