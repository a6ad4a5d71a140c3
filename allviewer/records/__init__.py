"""The study database: append-only decisions that nothing rewrites.

``Study`` opens, commits, undoes and replays; ``verify`` looks for rows changed outside the program.
"""

from allviewer.records.chain import Finding, Tampering
from allviewer.records.log import BatchId, KnownSlide, LogRow, Origin, Settled
from allviewer.records.study import Allow, Study, default_path
from allviewer.records.verify import verify

__all__ = [
    "Allow",
    "BatchId",
    "Finding",
    "KnownSlide",
    "LogRow",
    "Origin",
    "Settled",
    "Study",
    "Tampering",
    "default_path",
    "verify",
]
