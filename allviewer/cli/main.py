"""The command line: one parser, one file per verb. Nothing heavy is imported before a verb runs."""

import argparse
import io
import os
import sys
from collections.abc import Sequence

from allviewer import __version__
from allviewer.cli import analyze, compare, evaluate, models, open, synth, train
from allviewer.vocab.errors import AllviewerError

VERBS = (open, analyze, models, train, evaluate, compare, synth)

ABOUT = (
    "Find the white cells of stained smears, suggest which are leukaemic blasts, and let a person settle every one. "
    "Everything runs on this machine. Research use only: a suggestion is never a diagnosis."
)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    out = argparse.ArgumentParser("allviewer", description=ABOUT)
    out.add_argument("--version", action="version", version=f"allviewer {__version__}")
    verbs = out.add_subparsers(dest="verb", metavar="VERB", required=True)
    for verb in VERBS:
        verb.add(verbs)
    return out


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb. Returns 0 done, 1 failed (the reason is on stderr), 2 wrong usage, 130 interrupted."""
    _print_any_name()
    args = parser().parse_args(argv)
    try:
        status = int(args.run(args))
        sys.stdout.flush()
        return status
    except AllviewerError as error:
        print(f"allviewer: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # the reader of a pipe (`… | head`) has seen enough; what is left must not fail again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("allviewer: stopped", file=sys.stderr)
        return 130


def _print_any_name() -> None:
    """File names are bytes on some systems and any script on all: one the terminal cannot show must not stop a run."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")
