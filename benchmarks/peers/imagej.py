"""ImageJ: saturation, Otsu, open, fill holes, watershed, analyse particles, in a Java that has warmed up.

The jar is the one named by ALLVIEWER_IMAGEJ (an ij.jar of any version), else the one inside `prokaryote`, the package
on PyPI that brings ImageJ to CellProfiler.
"""

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from peers.rounds import NotInstallableError
from peers.worker import WORKERS, Worker, environment

WARM = 12
"""Fields before the first that counts: Java compiles what it has seen often."""


def jar():
    """The jar with ImageJ in it."""
    if given := os.environ.get("ALLVIEWER_IMAGEJ"):
        if not Path(given).is_file():
            raise NotInstallableError(f"ALLVIEWER_IMAGEJ names {given}, which is no file")
        return Path(given)
    python = environment("imagej", ("--no-deps", "prokaryote==2.4.4"))
    return next(python.parents[1].glob("**/prokaryote-*.jar"))


class ImageJ:
    """Finds nuclei and measures them; the time runs from the colour array to the table of particles."""

    def __init__(self):
        java = shutil.which("java")
        if java is None:
            raise NotInstallableError("there is no java here")
        archive = jar()
        self.said = f"ImageJ from {archive.name}, warmed up with {WARM} fields"
        source = str(WORKERS / "ImageJWorker.java")
        self._worker = Worker([java, "-Xmx2g", "-Djava.awt.headless=true", "-cp", str(archive), source])
        self._folder, self._warm = tempfile.TemporaryDirectory(), set()

    def segment(self, picture):
        """(labels, seconds of wall, seconds of CPU) of one field."""
        if picture.name not in self._warm:
            self._warm.add(picture.name)
            for _ in range(WARM):
                self.segment(picture)
        image, labels = (str(Path(self._folder.name) / name) for name in ("image.raw", "labels.raw"))
        picture.rgb.tofile(image)
        shape = picture.rgb.shape[:2]
        took = self._worker.ask("\t".join(str(v) for v in (image, *shape, labels, *picture.area)))
        return np.fromfile(labels, "<i4").reshape(shape), took["wall"], took["cpu"]

    def close(self):
        """End the process."""
        self._worker.close()
        self._folder.cleanup()
