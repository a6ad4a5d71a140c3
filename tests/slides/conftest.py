"""Opening files whose harmlessness is in doubt."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Outcome:
    path: Path
    outcome: str  # opened, refused, raised (another exception), died (killed by time, memory or a crash)
    said: str
    seconds: float
    mib: float


Reader = Callable[[Sequence[Path]], list[Outcome]]


@pytest.fixture(scope="session")
def read_safely() -> Reader:
    """Open and read files whole, each in a process of its own with limits; what they print on stderr fails the test."""
    if sys.platform == "win32":
        pytest.skip("children are made by fork, which Windows lacks")

    def read(paths: Sequence[Path]) -> list[Outcome]:
        names = "".join(f"{p}\n" for p in paths)
        server = Path(__file__).with_name("reading_server.py")
        run = subprocess.run([sys.executable, str(server)], input=names, capture_output=True, text=True, check=False)
        assert "Traceback" not in run.stderr, run.stderr
        assert "Warning" not in run.stderr, run.stderr
        answers = [json.loads(line) for line in run.stdout.splitlines()]
        assert len(answers) == len(paths), run.stderr
        return [Outcome(path, **answer) for path, answer in zip(paths, answers, strict=True)]

    return read
