"""Peers that live in a process of their own: made in the user's cache, asked over a pipe, timed inside themselves."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import platformdirs

from peers.rounds import NotInstallableError

CACHE = Path(platformdirs.user_cache_dir("allviewer-benchmarks"))
WORKERS = Path(__file__).resolve().parents[1] / "workers"
PATIENCE_S = 900


class Worker:
    """One process that answers every line with a line of JSON."""

    def __init__(self, command):
        # Its own packages only: the project's path must not leak into another environment.
        kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")}
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed by `close`)
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, text=True, env=kept
        )
        self._answer()

    def ask(self, line):
        """The answer to a line; NotInstallableError with the process's last words where it died."""
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self):
        """End the process."""
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()
        self._said.close()

    def _answer(self):
        line = self._process.stdout.readline()
        if line:
            return json.loads(line)
        self._process.wait()
        self._said.seek(0)
        raise NotInstallableError(f"its process ended: {_last(self._said.read())}")


def environment(name, *steps):
    """The interpreter of a virtual environment in the cache, made of what `pip install` gets with each of the steps.

    With ALLVIEWER_BENCHMARK_INSTALLS=0 nothing is installed that is not there yet.

    Raises
    ------
    NotInstallableError
        pip failed; with its last line. A half-made environment is taken away again.
    """
    folder = CACHE / name
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp, wanted = folder / "installed.json", json.dumps(steps)
    if stamp.is_file() and stamp.read_text() == wanted:
        return python
    if os.environ.get("ALLVIEWER_BENCHMARK_INSTALLS") == "0":
        raise NotInstallableError("not installed here yet, and --quick installs nothing")
    shutil.rmtree(folder, ignore_errors=True)
    run([sys.executable, "-m", "venv", str(folder)])
    try:
        for step in steps:
            print(f"installing {name}: {' '.join(step)}", file=sys.stderr)
            run([str(python), "-m", "pip", "install", "-q", "--no-input", "--disable-pip-version-check", *step])
    except NotInstallableError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    stamp.write_text(wanted)
    return python


def run(command):
    """Run a command; NotInstallableError with its last words where it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstallableError(str(error)) from error
    if done.returncode:
        raise NotInstallableError(_last(done.stderr) or f"{command[0]} ended with {done.returncode}")


def _last(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "rror" in line]
    return (errors or lines or [""])[-1][:200]
