"""Packages of peers that run inside this process: installed into the user's cache, found after the project's own."""

import importlib
import os
import sys

from peers.rounds import NotInstallableError
from peers.worker import CACHE, run

PACKAGES = {
    "onnxruntime": ("onnxruntime==1.31.1", "onnx", "ml_dtypes", "flatbuffers", "protobuf", "packaging"),
    "timm": ("timm==1.0.31",),
}


def borrow(name):
    """A package of `PACKAGES`, imported; without its dependencies, which the project brings.

    With ALLVIEWER_BENCHMARK_INSTALLS=0 nothing is installed that is not there yet.

    Raises
    ------
    NotInstallableError : pip failed, or what it brought cannot be imported; with the reason.
    """
    try:
        return importlib.import_module(name)
    except ImportError:
        pass
    folder = CACHE / f"borrowed-{name}"
    if not (folder / name).is_dir():
        if os.environ.get("ALLVIEWER_BENCHMARK_INSTALLS") == "0":
            raise NotInstallableError("not installed here yet, and --quick installs nothing")
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-input", "--disable-pip-version-check", "--no-deps"]
        run([*pip, "--target", str(folder), *PACKAGES[name]])
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise NotInstallableError(f"cannot be imported: {error}") from error
