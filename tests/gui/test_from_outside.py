"""The program as started from a terminal, driven by a real keyboard and mouse through the X server."""

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("needs_screen")


PROGRAM = str(Path(sys.executable).parent / "allviewer")


def xdotool(*words: str) -> str:
    return subprocess.run(["xdotool", *words], capture_output=True, text=True, check=False).stdout.strip()


def until(asked, seconds=60.0, what=""):
    end = time.monotonic() + seconds
    while not (answer := asked()):
        assert time.monotonic() < end, f"never came: {what}"
        time.sleep(0.1)
    return answer


@pytest.mark.skipif(shutil.which("xdotool") is None, reason="xdotool is not installed")
@pytest.mark.skipif("DISPLAY" not in os.environ, reason="real keys are sent through an X server")
def test_keys_from_outside_reach_the_database_and_survive_a_kill(smear: Path, tmp_path: Path):
    study = tmp_path / "study.sqlite"
    command = [PROGRAM, "open", str(smear), "--study", str(study)]
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    program = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)
    try:
        window = until(
            lambda: xdotool("search", "--onlyvisible", "--name", "rendered.png – allviewer").splitlines(), what="window"
        )[-1]
        xdotool("windowfocus", "--sync", window)

        def rows() -> list[tuple[str, str | None]]:
            if not study.exists():
                return []
            with sqlite3.connect(study) as db:
                return db.execute("select act, label_after from decision order by id").fetchall()

        def press(*keys: str) -> None:
            for key in keys:
                xdotool("key", key)
                time.sleep(0.15)

        # N until there is a cell to select, then one decision: the analysis may still be running
        until(lambda: (press("n", "u"), rows())[1], what="the first decision")
        assert rows()[-1] == ("relabel", "unsure")
        count = len(rows())
        press("1")
        until(lambda: len(rows()) > count, 10, "the second decision")
        press("ctrl+z")
        until(lambda: rows()[-1][0] == "undo", 10, "the undo")
        before = rows()
        program.kill()
        program.wait(10)
        assert rows() == before
    finally:
        if program.poll() is None:
            program.terminate()
            program.wait(20)


def test_a_picture_of_the_window_is_taken_and_the_program_ends(smear: Path, tmp_path: Path):
    picture = tmp_path / "window.png"
    command = [PROGRAM, "open", str(smear), "--study", str(tmp_path / "s.sqlite")]
    done = subprocess.run(
        [*command, "--screenshot", str(picture)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    from PIL import Image

    with Image.open(picture) as image:
        assert image.size[0] >= 1000
        assert len(image.getcolors(1 << 24)) > 1000
    assert str(picture) in done.stdout


def test_a_picture_of_what_cannot_be_opened_ends_in_a_sentence(make_window, tmp_path: Path, qtbot, capsys):
    from allviewer.gui.picture import PictureTaker

    bad = tmp_path / "bad.png"
    bad.write_bytes(b"\x89PNG broken")
    window = make_window()
    taker = PictureTaker(window, tmp_path / "p.png")
    window.open_paths([bad])
    qtbot.waitUntil(lambda: not window.qt.isVisible(), timeout=10_000)
    assert not taker.taken
    assert not (tmp_path / "p.png").exists()
    assert "bad.png" in capsys.readouterr().err
