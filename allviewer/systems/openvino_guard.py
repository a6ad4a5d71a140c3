"""Import OpenVINO without its telemetry.

The library reports every import of it to its makers, from a process of its own, and keeps an id for that in the
user's folder. What a person looks at here is nobody else's business: without that package it does neither.
"""

import importlib
import sys
from types import ModuleType


def import_openvino(part: str = "") -> ModuleType:
    """OpenVINO, or a module of it such as ``opset15``, imported quietly.

    Raises
    ------
    ImportError : it is not installed, or has no such part.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    return importlib.import_module(f"openvino.{part}" if part else "openvino")
