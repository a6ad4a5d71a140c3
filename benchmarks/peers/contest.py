"""Whole routes against whole peers on one field: time and quality side by side."""

from dataclasses import dataclass

from allviewer.segment import segmenter
from peers import cellprofiler, imagej, oadls, opencv, parts, quality, scikit_image
from peers.ours import Ours, nuclei
from peers.rounds import NotInstallableError, Times, interleave, ratio, timed


@dataclass(frozen=True, slots=True)
class Here:
    """A peer that runs in this process; ``segment`` returns labels and whatever else it makes."""

    made: object
    said: str

    def segment(self, picture):
        (labels, *_), wall, cpu = timed(lambda: self.made.segment(picture))
        return labels, wall, cpu

    def close(self):
        """Nothing to end."""


def invite():
    """Every peer by name: ready to run, or the reason why not."""
    out = {
        "scikit-image": Here(scikit_image, "classical recipe with measurements and contours"),
        "OpenCV": Here(opencv, "watershed tutorial with contours, moments and hulls"),
    }
    for name, made in (("CellProfiler", cellprofiler.CellProfiler), ("ImageJ", imagej.ImageJ)):
        try:
            out[name] = made()
        except NotInstallableError as error:
            out[name] = f"could not be installed: {error}"
    return out


def fields(picture, peers, rounds, least=0.3):
    """The default route and every peer on one field: rows by name; the project's is ``allviewer``."""
    ours = Ours()
    rows = {"allviewer": {"quality": quality.judge(ours.segment(picture)[0], picture)}}
    ready = {}
    for name, peer in peers.items():
        if isinstance(peer, str):
            rows[name] = {"reason": peer}
            continue
        try:
            rows[name] = {"quality": quality.judge(peer.segment(picture)[0], picture), "said": peer.said}
            ready[name] = peer
        except NotInstallableError as error:
            rows[name] = {"reason": f"did not run: {error}"}
    calls = {name: lambda peer=peer: peer.segment(picture)[1:] for name, peer in ready.items()}
    return _rows(rows, interleave(lambda: timed(lambda: ours.table(picture))[1:], calls, rounds, least))


def recipe(picture, rounds):
    """The `oadls` stages, the project's and scikit-image's; the route's quality, with lobes joined, beside."""
    finder = segmenter("oadls")
    found = finder.survey(picture.rgb, picture.um)
    rows = {}
    for name, stages in (("allviewer", oadls.ours), ("oadls", oadls.theirs)):
        rows[name] = {"quality": quality.judge(oadls.full(stages(picture, found), picture), picture)}
    whole = nuclei(finder.cells(picture.rgb, picture.um, found), picture.rgb.shape[:2])
    rows["allviewer"]["route"] = quality.judge(whole, picture)
    return _pair(rows, lambda: oadls.ours(picture, found), {"oadls": lambda: oadls.theirs(picture, found)}, rounds)


def measuring(picture, rounds):
    """Measurements against regionprops_table, outlines against find_contours; outlining is taken off measuring."""
    cells = parts.prepare(picture)
    calls = {
        "traced": (parts.traced, parts.traced_theirs),
        "outlines": (parts.outlines, parts.outlines_theirs),
        "features": (parts.features, parts.features_theirs),
    }
    out = {}
    for name, (ours, theirs) in calls.items():
        rows = {"allviewer": {}, "peer": {}}
        out[name] = _pair(rows, lambda ours=ours: ours(cells), {"peer": lambda theirs=theirs: theirs(cells)}, rounds)
    own, drawn = out["features"]["allviewer"], out["outlines"]["allviewer"]
    own.update({kind: max(own[kind] - drawn[kind], 0.0) for kind in ("wall", "wall_min", "cpu", "cpu_min")})
    out["features"]["peer"]["ratio"] = ratio(out["features"]["peer"], own)
    return {**out, "cells": len(cells.measured)}


def _pair(rows, ours, others, rounds):
    """`interleave` for calls that do not time themselves."""
    calls = {name: lambda call=call: timed(call)[1:] for name, call in others.items()}
    ours()
    return _rows(rows, interleave(lambda: timed(ours)[1:], calls, rounds, least=0.1))


def _rows(rows, times: dict[str, Times]):
    own = times[""].summary()
    for name, took in times.items():
        row = rows[name or "allviewer"]
        row.update(took.summary())
        if name:
            row["ratio"] = ratio(row, own)
    return rows
