"""Where the time of a route goes: each moment belongs to the stage whose function was entered last."""

import gc
import sys
import time
from collections import defaultdict

PARTS = {"outlines": "outlines", "shape": "shape", "chromatin": "chromatin", "pixel_size": "pixel size"}
"""Modules of `segment` that count as stages under another name; every other module is a stage of its own name."""

HELPERS = {"watershed", "dictionary", "segmenter"}
"""Modules whose time belongs to whoever called them, as does that of every other room."""


def _stage(module):
    room, _, name = module.rpartition(".")
    if room != "allviewer.segment" or name in HELPERS:
        return None
    return PARTS.get(name, name)


def stages(call):
    """Share of the time of a call by stage, 0 to 1, and how long it took, seconds.

    Compiled loops and OpenCV count for the function that called them. Watching costs time by the call, so the shares
    of stages with many small Python calls come out a little large.
    """
    spent, owners, since = defaultdict(float), ["rest"], [0.0]
    watch = time.perf_counter

    def heard(frame, event, _):
        now = watch()
        if event == "call":
            spent[owners[-1]] += now - since[0]
            owners.append(_stage(frame.f_globals.get("__name__", "")) or owners[-1])
        elif event == "return" and len(owners) > 1:
            spent[owners.pop()] += now - since[0]
        else:
            return
        since[0] = watch()

    gc.collect()
    start = since[0] = watch()
    sys.setprofile(heard)
    try:
        call()
    finally:
        sys.setprofile(None)
    took = watch() - start
    total = sum(spent.values()) or 1.0
    return {name: value / total for name, value in sorted(spent.items(), key=lambda item: -item[1])}, took
