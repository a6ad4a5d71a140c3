"""A new process's first field: `first_field.py IMAGE.npy UM` prints a line of JSON, see `peers.limits.first_fields`."""

import ctypes
import gc
import json
import resource
import sys
import threading
import time
from pathlib import Path

STATUS, PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def resident(what):
    """Bytes of this process in memory: ``VmRSS`` now, ``VmHWM`` the most so far."""
    for line in STATUS.read_text().splitlines():
        if line.startswith(what):
            return 1024 * int(line.split()[1])
    raise KeyError(what)


def peak_growth(call):
    """Bytes by which a call's peak exceeds what is resident before it, with freed memory given back first."""
    gc.collect()
    if not STATUS.is_file():
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        call()
        return 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    ctypes.CDLL(None).malloc_trim(0)
    before, most, done = resident("VmRSS"), [0], threading.Event()

    def look():
        while not done.wait(0.0005):
            most[0] = max(most[0], resident("VmRSS"))

    try:
        PEAK.write_text("5")  # forgets the greatest size so far
        call()
        return resident("VmHWM") - before
    except OSError:
        watcher = threading.Thread(target=look)
        watcher.start()
        call()
        done.set()
        watcher.join()
        return most[0] - before


def main():
    start = time.perf_counter()
    import numpy as np

    from allviewer.segment import segmenter

    imported = time.perf_counter() - start
    rgb, um = np.load(sys.argv[1]), float(sys.argv[2])
    finder = segmenter("default")

    def field():
        wall, cpu = time.perf_counter(), time.process_time()
        found = len(finder.cells(rgb, um, finder.survey(rgb, um)))
        return time.perf_counter() - wall, time.process_time() - cpu, found

    (first, first_cpu, found), (second, second_cpu, _) = field(), field()
    grown = peak_growth(field)
    print(json.dumps({
        "import": imported, "first": first, "first_cpu": first_cpu, "second": second, "second_cpu": second_cpu,
        "cells": found,
        "bytes_per_pixel": grown / (rgb.shape[0] * rgb.shape[1]),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
