"""Which device and which runtime predict. CPU goes through OpenVINO and imports no torch where it is installed."""

import importlib.util
import os
from functools import cache
from typing import Literal

from allviewer.vocab.errors import ModelError

DEVICES = ("auto", "cpu", "cuda", "mps")


def choose_runtime(device: str) -> tuple[Literal["openvino", "torch"], str]:
    """Runtime and device name for what a user asked for.

    Parameters
    ----------
    device : one of `DEVICES`. ``auto`` takes a CUDA or Apple device where there is one, else the CPU.

    Raises
    ------
    ModelError : unknown name, or a device that this machine does not have.
    """
    if device not in DEVICES:
        raise ModelError(f"'{device}' is no device", expected=", ".join(DEVICES))
    if device in ("cuda", "mps") and device not in accelerators():
        raise ModelError(
            f"this machine has no usable {device} device",
            got=", ".join(("cpu", *accelerators())),
            todo="Use --device cpu or auto, or install the build of torch that knows this device.",
        )
    if device == "auto" and may_have_accelerator():
        device = next(iter(accelerators()), "cpu")
    if device in ("cuda", "mps"):
        return "torch", device
    return ("openvino" if importlib.util.find_spec("openvino") else "torch"), "cpu"


def cores() -> int:
    """Cores to compute on: ``OMP_NUM_THREADS`` where a person or a parent process set it, else those allowed here."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def may_have_accelerator() -> bool:
    """Whether asking torch is worth its import: a driver's library or an Apple machine is there."""
    import ctypes.util
    import platform

    apple = platform.system() == "Darwin" and platform.machine() == "arm64"
    windows = platform.system() == "Windows" and ctypes.util.find_library("nvcuda") is not None
    return apple or windows or ctypes.util.find_library("cuda") is not None


@cache
def accelerators() -> tuple[str, ...]:
    """Devices beside the CPU that torch can use here, best first."""
    import torch

    found = [("cuda", torch.cuda.is_available()), ("mps", torch.backends.mps.is_available())]
    return tuple(name for name, there in found if there)
