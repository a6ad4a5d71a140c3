"""The command line as a person types it."""

import subprocess
import sys
from pathlib import Path

import pytest

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
    for verb in ("open", "analyze", "models", "train", "evaluate", "synth"):
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
    assert done.stdout.startswith("file")
