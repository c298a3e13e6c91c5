# SPDX-License-Identifier: BSD-3-Clause
"""The files that the commands write and read: labels, models, notes of a run. What is there was written whole."""

import csv
import importlib
import json
import os
import sys
from contextlib import contextmanager
from pathlib import Path

from .._support._atomic import put_in_place
from ._session import UsageError

MODEL, PICKLE, LABELS, REPORT, RUN = "model", "model.joblib", "labels.csv", "report.html", "run.json"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what spreadsheets compute instead of showing it


def write_labels(path, names, labels, confidence):
    """Write a CSV file of one line per row: file name or row number, label, confidence.

    A name that a spreadsheet would take for a formula gets "./" before it, and so stays a path to the same file. Names
    that are no Unicode keep their bytes.
    """
    with _replacing(path, errors="surrogateescape") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["row" if names is None else "file", "label", "confidence"])
        for row, (label, certainty) in enumerate(zip(labels, confidence)):
            name = row if names is None else names[row]
            if str(name).startswith(_FORMULA):
                name = f"./{name}"
            writer.writerow([name, int(label), f"{certainty:.6f}"])


def write_json(path, record):
    """Write a dict as JSON."""
    with _replacing(path) as file:
        json.dump(record, file, indent=1)


def save_model(model, folder, session):
    """Save a model under `folder`: by its ``save``, or where that is not possible by joblib; return the path."""
    try:
        if not hasattr(model, "save"):
            raise TypeError(f"{type(model).__name__} has no save().")
        model.save(folder / MODEL)
        return folder / MODEL
    except (ImportError, TypeError) as reason:
        import joblib

        session.warn(
            f"The model is saved by joblib, as {PICKLE}: open it with the same versions of all packages, and never one "
            f"from a source you do not trust. {reason}"
        )
        unfinished = folder / f".{PICKLE}.tmp"
        try:
            joblib.dump(model, unfinished)
            put_in_place(unfinished, folder / PICKLE)
        finally:
            unfinished.unlink(missing_ok=True)
        return folder / PICKLE


def load_model(path, encoder):
    """Return a model, and what ``fit`` has noted of it, {} if nothing.

    Parameters
    ----------
    path : Path
        The folder that ``fit`` wrote, a folder that ``save`` wrote, or a file that joblib wrote.
    encoder : str or None
        "MODULE:FUNCTION", for models whose network is not of this package.
    """
    run = _read_run(path)
    if run.get("encoder") and encoder is None:
        raise UsageError(f"the model was fitted with --encoder {run['encoder']}; pass that again.")
    given = None if encoder is None else import_encoder(encoder)
    saved = next((folder for folder in (path, path / MODEL) if (folder / "model.json").is_file()), None)
    if saved is not None:
        from .. import load

        return load(saved, modules=_modules_of(given)), run
    pickle = path / PICKLE if path.is_dir() else path
    if pickle.suffix != ".joblib" or not pickle.is_file():
        raise UsageError(f"MODEL: {path} is neither a folder with a saved model nor a .joblib file.")
    import joblib

    return joblib.load(pickle), run


def import_encoder(spec):
    """Call the function that "MODULE:FUNCTION" names, and return the transformer that it returns.

    Modules are looked for in the working directory first, as ``python -m`` does.
    """
    module, _, function = spec.partition(":")
    if not module or not function.isidentifier():
        raise UsageError(f"--encoder: wanted is MODULE:FUNCTION, as in my_network:build; got {spec}.")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        build = getattr(importlib.import_module(module), function)
    except (AttributeError, ImportError) as error:
        raise UsageError(f"--encoder: {spec} cannot be imported: {error}") from error
    encoder = build()
    if not hasattr(encoder, "transform") or isinstance(encoder, type):
        raise UsageError(f"--encoder: {spec} returned {encoder!r}, which is no transformer.")
    return encoder


def _modules_of(encoder):
    """Networks and functions of an encoder, by the names that :func:`skdeepclust.load` knows them by."""
    parameters = {} if encoder is None else encoder.get_params()
    return {f"encoder__{name}": value for name, value in parameters.items() if callable(value)}


def _read_run(path):
    folder = path.parent if path.name in (MODEL, PICKLE) else path
    return json.loads((folder / RUN).read_text(encoding="utf-8")) if (folder / RUN).is_file() else {}


@contextmanager
def _replacing(path, **how):
    """A text file that takes its place when it is complete."""
    path = Path(path)
    unfinished = path.with_name(f".{path.name}.tmp")
    try:
        with open(unfinished, "w", encoding="utf-8", newline="", **how) as file:
            yield file
        put_in_place(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
