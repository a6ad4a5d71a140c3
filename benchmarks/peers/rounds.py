"""Interleaved rounds: A B A C A D, again and again, so that whatever else the machine does falls on all alike."""

import os
import platform
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import cv2
import numba
import numpy as np

TARGETS = {
    "scikit-image": 150, "CellProfiler": 150, "OpenCV": 6, "ImageJ": 10, "oadls": 20, "features": 40, "traced": 75,
    "outlines": 75,
    "tiled": 0.85, "two threads": 1.8, "first field s": 1.5, "memory B/px": 6,
}  # fmt: skip


class NotInstallableError(Exception):
    """A peer that cannot be run here; the message says why."""


@dataclass
class Times:
    """Seconds of wall and of process CPU, one entry a run."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def add(self, wall, cpu):
        self.wall.append(wall)
        self.cpu.append(cpu)

    def summary(self):
        """Medians and least, milliseconds."""
        wall, cpu = 1e3 * np.array(self.wall), 1e3 * np.array(self.cpu)
        out = {"wall": np.median(wall), "wall_min": wall.min(), "cpu": np.median(cpu), "cpu_min": cpu.min()}
        return {**{name: float(value) for name, value in out.items()}, "runs": len(wall)}


def timed(call):
    """What a call returns, and its seconds of wall and of this process's CPU."""
    wall, cpu = time.perf_counter(), time.process_time()
    out = call()
    return out, time.perf_counter() - wall, time.process_time() - cpu


def interleave(ours, others, rounds, least=0.0):
    """Run ``ours`` before each of the others, round by round; each is a call that returns (wall, cpu).

    Parameters
    ----------
    ours : the project; runs until it has taken ``least`` seconds each time, so that a short run is not one sample.
    others : name to call.
    rounds : how often.

    Returns
    -------
    Times by name; the project's is under ``""``.
    """
    out = {name: Times() for name in ("", *others)}
    for _ in range(rounds):
        for name, other in others.items():
            spent = 0.0
            while True:
                wall, cpu = ours()
                out[""].add(wall, cpu)
                spent += wall
                if spent >= least:
                    break
            out[name].add(*other())
    return out


def ratio(peer, ours):
    """How many times as long the peer takes: medians of wall and of CPU."""
    return {kind: peer[kind] / max(ours[kind], 1e-9) for kind in ("wall", "cpu")}


def machine(more=()):
    """What the figures were taken on; ``more`` packages beside the usual."""
    model = platform.processor() or platform.machine()
    if (info := Path("/proc/cpuinfo")).is_file():
        names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    packages = ("numpy", "opencv-python-headless", "numba", "scikit-image", "scipy")
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "load": [round(v, 2) for v in os.getloadavg()],
        "python": platform.python_version(),
        "packages": {name: version(name) for name in (*packages, *more)},
        "threads": {"cv2": cv2.getNumThreads(), "numba": numba.get_num_threads()},
    }
