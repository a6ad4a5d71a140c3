"""Run a stream of events off the caller's thread, with status, cancel and a result that cannot be lost."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from enum import StrEnum

from psygnal import Signal

from allviewer.vocab.events import Cancelled, Event


class Status(StrEnum):
    """Where a piece of work stands."""

    RUNNING = "running"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"


class ThreadRunner:
    """Work in a thread of its own, from `start` on.

    Parameters
    ----------
    work : makes the stream of events; it is given the question "cancelled?" to ask between tiles.

    Attributes
    ----------
    event : emitted with each Event, in order, **from the worker thread**: a view queues it to its own.
    ended : emitted once with the Status, from the worker thread, after the last event.
    """

    event = Signal(object)
    ended = Signal(Status)

    def __init__(self, work: Callable[[Callable[[], bool]], Iterator[Event]]) -> None:
        self._work = work
        self._stop = threading.Event()
        self._last: Event | None = None
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="analysis")
        self._future: Future[None] | None = None

    def start(self) -> None:
        """Begin. Connect ``event`` and ``ended`` before."""
        self._future = self._pool.submit(self._run)
        self._future.add_done_callback(lambda _: self.ended.emit(self.status))
        self._pool.shutdown(wait=False)

    def _run(self) -> None:
        for happened in self._work(self._stop.is_set):
            self._last = happened
            self.event.emit(happened)

    def cancel(self) -> None:
        """Ask it to stop at the next tile or batch; what is finished stays."""
        self._stop.set()

    def join(self, timeout: float | None = None) -> None:
        """Wait for the end; raises what the work raised."""
        if self._future is not None:
            self._future.result(timeout)

    @property
    def error(self) -> BaseException | None:
        """What the work raised, once it has ended."""
        return self._future.exception() if self._future is not None and self._future.done() else None

    @property
    def status(self) -> Status:
        """Where the work stands now."""
        if self._future is None or not self._future.done():
            return Status.RUNNING
        if self._future.exception() is not None:
            return Status.FAILED
        return Status.CANCELLED if isinstance(self._last, Cancelled) else Status.FINISHED
