"""Work off the caller's thread: events in order, cancel, and failures that are not lost."""

import threading

import pytest

from allviewer.engine.runner import Status, ThreadRunner
from allviewer.vocab.events import Cancelled, Finished


def test_events_arrive_in_order_from_another_thread():
    seen, threads, ends = [], set(), []
    runner = ThreadRunner(lambda cancelled: (Finished(str(i), {}) for i in range(5)))
    runner.event.connect(lambda e: (seen.append(e.run), threads.add(threading.get_ident())))
    runner.ended.connect(ends.append)
    runner.start()
    runner.join(5)
    assert seen == ["0", "1", "2", "3", "4"]
    assert threading.get_ident() not in threads
    assert runner.status is Status.FINISHED
    assert runner.error is None


def test_cancel_is_heard_between_events():
    started = threading.Event()

    def work(cancelled):
        for i in range(10_000_000):
            started.set()
            if cancelled():
                yield Cancelled(i, 10_000_000)
                return
            yield Finished(str(i), {})

    runner = ThreadRunner(work)
    runner.start()
    assert started.wait(5)
    runner.cancel()
    runner.join(5)
    assert runner.status is Status.CANCELLED


def test_a_failure_is_kept_and_told():
    told = threading.Event()

    def work(cancelled):
        yield Finished("x", {})
        raise OSError("the disk is gone")

    runner = ThreadRunner(work)
    runner.ended.connect(lambda status: told.set() if status is Status.FAILED else None)
    runner.start()
    with pytest.raises(OSError, match="disk is gone"):
        runner.join(5)
    assert told.wait(5)
    assert isinstance(runner.error, OSError)
