"""The verbs around models, as a person types them."""

import json

import pytest

from allviewer.cli.main import main
from tests.learning.conftest import write_manifest


def test_models_are_listed_and_shown(capsys):
    assert main(["models", "list"]) == 0
    line = next(text for text in capsys.readouterr().out.splitlines() if text.startswith("alnet-1 "))
    assert "AUROC" in line
    assert "session" in line
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
    assert main(["evaluate", str(out), str(data), "--json", str(figures), "--device", "cpu"]) == 0
    assert "out-of-fold" in capsys.readouterr().out
    assert json.loads(figures.read_text())["metrics"]["auroc"]
    assert not list(tmp_path.glob("*.part*"))
