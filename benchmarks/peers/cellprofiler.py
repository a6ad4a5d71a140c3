"""CellProfiler's IdentifyPrimaryObjects, the module itself, in an environment of its own.

Its releases pin packages that no longer build on Python 3.11 (scikit-image 0.18.3, scipy 1.9.0, mysqlclient 1.4.6) and
need wxPython and a Java bridge that this module never calls. So the two packages come without their dependencies,
and beside them the oldest wheels of what the module does import.
"""

import json
import tempfile
from pathlib import Path

import numpy as np

from peers.worker import WORKERS, Worker, environment

VERSION = "4.2.8.1"
_WHEELS = (
    "--only-binary", ":all:", "numpy==1.24.4", "scipy==1.10.1", "scikit-image==0.20.0", "centrosome==1.3.4",
    "h5py<3.12", "matplotlib<3.9", "pillow<11", "inflect<7", "mahotas", "psutil", "requests", "jinja2", "docutils",
    "boto3", "pyzmq", "six", "future",
)  # fmt: skip
_ITSELF = ("--no-deps", f"cellprofiler=={VERSION}", f"cellprofiler-core=={VERSION}")


class CellProfiler:
    """Identifies nuclei; the time is that of saturation and module, without measurements or outlines."""

    said = f"cellprofiler {VERSION} from pip in its own environment, without the Java file reader and wxPython"

    def __init__(self):
        self._worker = Worker(
            [str(environment("cellprofiler", _WHEELS, _ITSELF)), str(WORKERS / "cellprofiler_worker.py")]
        )
        self._folder = tempfile.TemporaryDirectory()

    def segment(self, picture):
        """(labels, seconds of wall, seconds of CPU) of one field."""
        image, labels = (str(Path(self._folder.name) / name) for name in ("image.npy", "labels.npy"))
        np.save(image, picture.rgb)
        took = self._worker.ask(json.dumps({"image": image, "labels": labels, "diameter": picture.diameter}))
        return np.load(labels), took["wall"], took["cpu"]

    def close(self):
        """End the process."""
        self._worker.close()
        self._folder.cleanup()
