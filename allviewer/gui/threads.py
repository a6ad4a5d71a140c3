"""Crossing from worker threads to the Qt thread."""

import os
import sys
import threading
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal

BEHIND = 10
"""Niceness of threads that work behind the screen."""


def step_behind() -> None:
    """Let the screen go first: lower the calling thread's priority, and that of every thread it starts from now on.

    Linux alone knows the niceness of one thread; elsewhere nothing is done.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), BEHIND)


class QtThread(QObject):
    """Calls things on the thread it was made on.

    ``post(f)`` may be called from any thread; ``f`` runs soon, in order, on the Qt thread.
    """

    _posted = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._closed = False
        self._posted.connect(self._call, Qt.ConnectionType.QueuedConnection)

    def post(self, call: Callable[[], object]) -> None:
        """Queue a call; after `close` nothing is called any more."""
        if not self._closed:
            self._posted.emit(call)

    def close(self) -> None:
        """The window is going: drop what is still queued."""
        self._closed = True

    def _call(self, call: Callable[[], object]) -> None:
        if not self._closed:
            call()
