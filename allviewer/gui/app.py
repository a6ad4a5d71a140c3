"""Start the window."""

import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from allviewer.gui.options import Options
    from allviewer.gui.window import MainWindow


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asks for: images to open, the sample, a picture to take when the analysis is done."""

    images: Sequence[Path] = field(default_factory=tuple)
    sample: bool = False
    screenshot: Path | None = None


def prepare_environment() -> None:
    """Settings that must stand before napari, Qt or an OpenMP library is imported."""
    from platformdirs import user_config_path

    os.environ.setdefault("QT_API", "pyside6")
    # spinning OpenMP threads beside a busy screen cost ten times their work; one core stays free for the screen
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 2) - 1)))
    # napari's settings of this program are its own, not those of a napari beside it
    os.environ.setdefault("NAPARI_CONFIG", str(user_config_path("allviewer", appauthor=False) / "napari.yaml"))
    # how long a worker may keep the interpreter while the screen waits for it
    sys.setswitchinterval(0.001)


def settle_napari() -> None:
    """napari's own settings that this program needs, for this process."""
    from napari.settings import get_settings

    settings = get_settings()
    settings.application.confirm_close_window = False  # every decision is saved: there is nothing to warn of
    settings.application.save_window_geometry = False
    settings.application.save_window_state = False
    settings.experimental.async_ = True  # tiles of a slide are read off the Qt thread
    settings.appearance.update_status_based_on_layer = False


def make_window(options: "Options") -> "MainWindow":
    """Open the study and build the window. StudyError where the study cannot be used."""
    prepare_environment()
    from allviewer.gui.window import MainWindow
    from allviewer.records import Study

    settle_napari()
    study = Study.open(options.study)
    window = MainWindow(options, study)
    _tell_of_the_unexpected(window)
    return window


def _compile() -> None:
    """Compile every loop that finding and cutting out cells will need."""
    from allviewer.segment import build_kernels
    from allviewer.systems import crop_kernels

    build_kernels()
    crop_kernels.build_kernels()


def launch(options: "Options", request: Request) -> int:
    """Run the window until it is closed. Returns 0, or 1 where a picture was asked for and could not be taken."""
    window = make_window(options)
    from PySide6.QtWidgets import QApplication

    application = QApplication.instance()
    assert application is not None
    window.show()
    # What is compiled, compiles while the reader looks for a file, not when the first field waits for it.
    threading.Thread(target=_compile, name="compile ahead", daemon=True).start()
    taker = None
    if request.screenshot is not None:
        from allviewer.gui.picture import PictureTaker

        taker = PictureTaker(window, request.screenshot)
    if request.images:
        window.open_paths([path.absolute() for path in request.images])
    if request.sample:
        window.open_sample()
    application.exec()
    return 0 if taker is None or taker.taken else 1


def _tell_of_the_unexpected(window: "MainWindow") -> None:
    """Whatever escapes a slot or a thread is shown in the window, which stays."""
    from allviewer.gui.fields import failure_of

    def on_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            error = args.exc_value
            window.thread_.post(lambda: window.tell(failure_of("Something went wrong", error)))

    def on_main(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        sys.__excepthook__(kind, error, trace)
        if not isinstance(error, KeyboardInterrupt):
            window.tell(failure_of("Something went wrong", error))

    sys.excepthook = on_main
    threading.excepthook = on_thread
