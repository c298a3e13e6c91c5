# SPDX-License-Identifier: BSD-3-Clause
"""What a run of the command line says, and what it has written so far."""

import json
import sys
import traceback
import warnings
from contextlib import contextmanager

from .._support._warnings import TrainingInterruptedWarning, UnreadableImageWarning

# What library and system raise with a message for users; anything else is a surprise and named as such.
_EXPECTED = (ArithmeticError, ImportError, MemoryError, OSError, RuntimeError, TypeError, ValueError)


class UsageError(Exception):
    """The command cannot be meant like this: exit status 2."""


class Session:
    """Messages of one run, and its traces.

    Parameters
    ----------
    arguments : argparse.Namespace
        With `command`, `quiet` and, where the command has them, `json` and `debug`.

    Attributes
    ----------
    verbose : {0, 1}
        What estimators are to show.
    written : list of Path
        Files and folders that are there whatever comes.
    warnings : list of str
        In one line each.
    interrupted : bool
        Whether Ctrl-C ended a training, which keeps its network.
    """

    def __init__(self, arguments):
        self.command = arguments.command
        self.verbose = int(not arguments.quiet)
        self.debug = getattr(arguments, "debug", False)
        self._as_json = getattr(arguments, "json", False)
        self.written = []
        self.warnings = []
        self.interrupted = False

    def say(self, text):
        """Say something that is good to know."""
        if self.verbose:
            print(text, file=sys.stderr if self._as_json else sys.stdout, flush=True)

    def warn(self, text):
        """Say and remember something that should be known."""
        text = _one_line(text)
        if text not in self.warnings:
            self.warnings.append(text)
            print(f"warning: {text}", file=sys.stderr, flush=True)

    def fail(self, error, hint=""):
        """Say why something did not go well, and what is there all the same; return the message."""
        if self.debug:
            traceback.print_exception(error)
        message = _one_line(error) or type(error).__name__
        if not isinstance(error, (UsageError, *_EXPECTED)):
            message = f"{type(error).__name__}: {message} (--debug shows where)"
        print(f"skdeepclust {self.command}: error: {message}{hint and f' {hint}'}", file=sys.stderr)
        self.list_written()
        return message

    def list_written(self):
        """Name what was written."""
        if self.written:
            print(f"Saved: {', '.join(map(str, self.written))}", file=sys.stderr)

    def give(self, record):
        """Print what the run has come to, if JSON was asked for."""
        if self._as_json:
            print(json.dumps(record))

    @contextmanager
    def hearing_warnings(self):
        """Turn Python's warnings into ours."""
        with warnings.catch_warnings():
            warnings.showwarning = self._hear
            yield

    def _hear(self, message, category, filename, lineno, file=None, line=None):
        self.interrupted |= issubclass(category, TrainingInterruptedWarning)
        if not issubclass(category, UnreadableImageWarning):  # such files are listed one by one
            self.warn(message)


def _one_line(text):
    return " ".join(str(text).split())
