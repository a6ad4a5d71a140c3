"""Carry a slide through segmentation and classification as a stream of events."""

from allviewer.engine.analyse import analyse
from allviewer.engine.runner import Status, ThreadRunner
from allviewer.engine.store import RunStore

__all__ = ["RunStore", "Status", "ThreadRunner", "analyse"]
