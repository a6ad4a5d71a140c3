"""Worker processes that end with their parent: on ctrl-C, on a crash, on kill -9."""

import _thread
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import TypeVar

J = TypeVar("J")
R = TypeVar("R")

GRACE_S = 5.0
"""Seconds a worker has to tidy up once its parent is gone; then it ends in any case."""

_stopped = threading.Event()  # in a worker: its parent is gone or wants no more


def spread(work: Callable[[J], R], jobs: Sequence[J], workers: int, died: Callable[[J], R]) -> Iterator[R]:
    """What ``work`` makes of each job, as it is done, by several processes.

    ``died`` gives the answer for a job whose process died. When the iteration is left early (ctrl-C), no further job
    is begun and those under way are interrupted as by ctrl-C.
    """
    context = get_context("spawn")
    hears, holds = context.Pipe(duplex=False)  # nobody ever writes: its end is the parent's
    with ProcessPoolExecutor(workers, context, _settle, (hears,)) as pool:
        try:
            with _deaf_children():
                waiting = {pool.submit(_interruptible, work, job): job for job in jobs}
            for done in as_completed(waiting):
                try:
                    answer = done.result()
                except BrokenProcessPool:
                    answer = died(waiting[done])
                yield answer
        finally:  # all are answered, or the caller wants no more
            holds.close()
            pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Processes begun in this block ignore ctrl-C from their first instruction; the parent passes it on."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _settle(hears: Connection) -> None:
    """Begin a worker: idle, it ignores ctrl-C; it watches for its parent's end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_outlive_no_parent, args=(hears,), daemon=True).start()


def _outlive_no_parent(hears: Connection) -> None:
    try:
        hears.recv_bytes()
    except (EOFError, OSError):
        _stopped.set()
        _thread.interrupt_main()  # a job under way tidies up; an idle worker ignores it
        time.sleep(GRACE_S)
        os._exit(1)


def _interruptible(work: Callable[[J], R], job: J) -> R:
    """Do one job; ctrl-C counts while it lasts."""
    signal.signal(signal.SIGINT, _interrupt_once)
    try:
        if _stopped.is_set():
            raise KeyboardInterrupt
        return work(job)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _interrupt_once(_signum: int, _frame: object) -> None:
    """The first ctrl-C ends the job; a second one, or the parent's end right after, must not cut its tidying short."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt
