"""Worker processes end with their parent, whatever ends it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

PARENT = """
import os, sys, time
from pathlib import Path
from allviewer.cli.workers import spread

folder = Path(sys.argv[1])


def work(job):
    (folder / f"begun-{job}").write_text(str(os.getpid()))
    try:
        while job > 0:
            time.sleep(0.05)
    finally:
        time.sleep(0.3)  # long enough for the parent's end to be heard while this tidies up
        (folder / f"tidied-{job}").touch()
    return job


if __name__ == "__main__":
    try:
        for answer in spread(work, [int(a) for a in sys.argv[2:]], 2, lambda job: -1):
            print(answer, flush=True)
    except KeyboardInterrupt:
        sys.exit(130)
"""


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize(
    ("signum", "to_all", "status"),
    [
        (signal.SIGINT, True, 130),
        (signal.SIGINT, False, 130),
        (signal.SIGKILL, False, -9),
        (signal.SIGTERM, False, -15),
    ],
)
def test_workers_stop_with_their_parent(tmp_path, signum, to_all, status):
    (tmp_path / "parent.py").write_text(PARENT)
    line = [sys.executable, str(tmp_path / "parent.py"), str(tmp_path), "0", "1", "2", "3", "4", "5"]
    parent = subprocess.Popen(line, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    begun = [tmp_path / "begun-1", tmp_path / "begun-2"]
    until = time.monotonic() + 60
    while not all(p.exists() and p.read_text() for p in begun):
        assert time.monotonic() < until
        time.sleep(0.05)
    workers = [int(p.read_text()) for p in begun]
    (os.killpg if to_all else os.kill)(parent.pid, signum)
    _, said = parent.communicate(timeout=30)
    assert parent.returncode == status
    assert "Traceback" not in said
    until = time.monotonic() + 30
    while not all(map(gone, workers)):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert (tmp_path / "tidied-1").exists()
    assert (tmp_path / "tidied-2").exists()
    assert not list(tmp_path.glob("begun-[345]"))


def test_every_job_is_answered(tmp_path):
    (tmp_path / "parent.py").write_text(PARENT)
    line = [sys.executable, str(tmp_path / "parent.py"), str(tmp_path), "0", "-1", "-2", "-3"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(map(int, done.stdout.split())) == [-3, -2, -1, 0]
