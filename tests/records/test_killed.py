"""kill -9 at a random moment: at most the act in flight is missing, and the rest is what was done."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from allviewer.records import Study, verify
from allviewer.vocab.decision import Act, Decision

KILLS = int(os.environ.get("ALLVIEWER_KILLS", "8"))
ACTS = 5_000


def act(study: Study, rng: random.Random) -> None:
    """One act of a reader: labels for up to 20 cells, an undo or a redo."""
    what = rng.random()
    if what < 0.15:
        study.undo("slide")
    elif what < 0.25:
        study.redo("slide")
    else:
        now = {one.cell: one.label for one in study.labels("slide")}
        cells = rng.sample(range(1, 60), rng.choice([1, 1, 1, 20]))
        label = rng.choice(["blast", "normal", "unsure", "not-a-cell"])
        study.commit([
            Decision("slide", cell, Act.RELABEL, now.get(cell), label, "blast", (cell, 1.0), (0, 0, 9, 9), "run")
            for cell in cells
        ])  # fmt: skip


def told(study: Study) -> list[tuple[object, ...]]:
    return [(row.id, row.batch, row.reverts, row.decision) for row in study.history("slide")]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9 on Windows")
@pytest.mark.parametrize("seed", range(KILLS))
def test_kill_9_loses_at_most_the_act_in_flight(seed, tmp_path):
    path, when = tmp_path / "study.sqlite", random.Random(1000 + seed)
    child = subprocess.Popen([sys.executable, __file__, str(path), str(seed)], stdout=subprocess.PIPE)
    if seed % 4:  # every fourth is killed blindly, perhaps while the file is being made
        assert child.stdout.read(1) == b"."
        time.sleep(when.uniform(0, 0.4))
    else:
        time.sleep(when.uniform(0.1, 1.5))
    child.send_signal(signal.SIGKILL)
    acknowledged = len(child.stdout.read()) + bool(seed % 4)
    assert child.wait() == -signal.SIGKILL

    with Study.open(path, reader="anna") as study, Study.in_memory(reader="anna") as model:
        rng = random.Random(seed)
        for _ in range(acknowledged):
            act(model, rng)
        found = told(study)
        if found != told(model):
            act(model, rng)
            assert found == told(model), f"after {acknowledged} acts the log is neither theirs nor one act longer"
        assert [s.label for s in study.labels("slide")] == [s.label for s in model.labels("slide")]
        for _ in range(3):  # the stacks live on
            assert (study.undo("slide") is None) == (model.undo("slide") is None)
        assert told(study) == told(model)
    assert verify(path) == []


def main(path: str, seed: str) -> None:
    """The program that gets killed: a dot for each act that returned."""
    rng = random.Random(int(seed))
    with Study.open(path, reader="anna") as study:
        for _ in range(ACTS):
            act(study, rng)
            os.write(1, b".")


if __name__ == "__main__":
    main(*sys.argv[1:])
