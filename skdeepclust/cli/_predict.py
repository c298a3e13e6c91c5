# SPDX-License-Identifier: BSD-3-Clause
"""``skdeepclust predict`` and ``skdeepclust report``: what is done with a model that was fitted before."""

from pathlib import Path

from ._files import REPORT, load_model, write_labels
from ._fit import write_report
from ._input import for_estimator, on_readable, read_input_for
from ._session import UsageError


def predict(arguments, session):
    """Label the rows of INPUT."""
    model, run = _load(arguments, session)
    rows = read_input_for(model, run, arguments.input, session, arguments.cache)
    # The largest entry is at the label.
    membership, rows = on_readable(lambda rows: model.predict_proba(for_estimator(rows.X, model)), rows)
    labels = membership.argmax(axis=1)
    write_labels(arguments.output, rows.names, labels, membership.max(axis=1))
    sizes = [int((labels == label).sum()) for label in range(membership.shape[1])]
    session.say(f"{len(labels)} rows, labels in {arguments.output}")
    return _give(arguments, session, rows, {"labels": str(arguments.output), "cluster_sizes": sizes})


def report(arguments, session):
    """Write the report of a model and INPUT, or else the rows that it was fitted on."""
    model, run = _load(arguments, session)
    if arguments.input is None and "input" not in run:
        raise UsageError("INPUT is needed: nothing is noted beside this model of the rows it was fitted on.")
    path = Path(run["input"]) if arguments.input is None else arguments.input
    beside = arguments.model if arguments.model.is_dir() else arguments.model.parent
    output = arguments.output or beside / REPORT
    rows = read_input_for(model, run, path, session, arguments.cache)
    _, rows = on_readable(lambda rows: write_report(model, rows, output), rows)
    session.say(f"{len(rows.X)} rows, report in {output}")
    return _give(arguments, session, rows, {"report": str(output)})


def _load(arguments, session):
    model, run = load_model(arguments.model, arguments.encoder)
    for part in (model, getattr(model, "encoder_", None)):
        if part is not None and "verbose" in part.get_params(deep=False):
            part.set_params(verbose=session.verbose)
    return model, run


def _give(arguments, session, rows, result):
    session.give(
        {"command": arguments.command, "n_rows": len(rows.X)}
        | result
        | {"unreadable": rows.unreadable, "warnings": session.warnings}
    )
    return 0
