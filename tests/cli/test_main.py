"""The command line as a person types it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ALLVIEWER = Path(sys.executable).parent / "allviewer"


def test_help_imports_neither_torch_nor_qt_nor_numpy():
    code = (
        "import sys; from allviewer.cli.main import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'PySide6', 'qtpy', 'napari', 'numpy', 'cv2', 'sqlalchemy'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_help_lists_every_verb():
    done = subprocess.run([ALLVIEWER, "--help"], capture_output=True, text=True, check=True)
    for verb in ("open", "analyze", "models", "train", "evaluate", "compare", "synth"):
        assert verb in done.stdout
    assert "Research use only" in " ".join(done.stdout.split())


@pytest.mark.parametrize("line", [[], ["nonsense"], ["analyze"], ["analyze", "x.png"]])
def test_wrong_usage_is_status_2(line):
    done = subprocess.run([ALLVIEWER, *line], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "usage" in done.stderr


def test_a_pipe_that_closes_early_is_no_failure():
    line = f"{ALLVIEWER} models show alnet-1 | head -n 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", line], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.startswith("alnet 1:")


def test_nothing_leaves_the_machine(tmp_path):
    """Neither we nor a library of ours looks up a host, opens a connection, or leaves a mark in the user's folder."""
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)).save(tmp_path / "field.png")
    home = tmp_path / "home"
    home.mkdir()
    code = (
        "import os, sys\n"
        "told = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)\n"  # a forked process writes there too
        "def hear(event, args):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo', 'socket.gethostbyname', 'urllib.Request'):\n"
        "        os.write(told, f'{event} {args}\\n'.encode())\n"
        "sys.addaudithook(hear)\n"
        "from allviewer.systems import load_model\n"
        "model = load_model('alnet-1', 'cpu')\n"
        "import numpy as np\n"
        "model.predict(np.zeros((1, model.card.input_px, model.card.input_px, 3), np.uint8), heat=True)\n"
        "from allviewer.cli.main import main\n"
        "sys.exit(main(['analyze', sys.argv[2], '--out', sys.argv[3], '--heat']))\n"
    )
    line = [sys.executable, "-c", code, str(tmp_path / "told"), str(tmp_path / "field.png"), str(tmp_path / "out")]
    alone = {k: v for k, v in os.environ.items() if k not in ("CI", "TF_BUILD", "JENKINS_URL")} | {"HOME": str(home)}
    done = subprocess.run(line, capture_output=True, text=True, check=False, env=alone)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert (tmp_path / "told").read_text() == ""
    assert not (home / "intel").exists()


@pytest.mark.parametrize(("option", "value"), [("--learning-rate", "nan"), ("--learning-rate", "0"), ("--seed", "-1")])
def test_figures_no_training_can_take_are_wrong_usage(tmp_path, option, value):
    line = [ALLVIEWER, "train", "alnet", str(tmp_path), "--out", str(tmp_path / "m.safetensors"), option, value]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_place_for_figures_that_is_not_there_is_refused_before_any_work(tmp_path):
    line = [ALLVIEWER, "evaluate", "alnet-1", str(tmp_path), "--json", str(tmp_path / "nowhere" / "x.json")]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "nowhere" in done.stderr
