# SPDX-License-Identifier: BSD-3-Clause
"""``skdeepclust fit``: from a folder of images or an array to labels, a model and a report."""

import shutil
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from .._support._versions import versions
from ._files import LABELS, MODEL, PICKLE, REPORT, RUN, import_encoder, save_model, write_json, write_labels
from ._input import check_input, for_estimator, on_readable, read_input
from ._session import UsageError

METHODS = {
    "deepclue": "DeepClusterEnsemble",
    "contrastive": "ContrastiveClustering",
    "anchor": "AnchorContrastiveClustering",
    "depict": "DEPICT",
    "icicle-gcn": "IcicleGCN",
    "usenc": "USENC",
    "uspec": "USPEC",
    "path-integral": "PathIntegralClustering",
}
_OUTPUTS = (MODEL, PICKLE, LABELS, REPORT, RUN)
# Options that are parameters of the estimator or, all but the first, of the encoder where one is given.
_OPTIONS = {
    "n_jobs": "--jobs",
    "layers": "--layers",
    "max_epochs": "--epochs",
    "max_time": "--max-time",
    "checkpoint_dir": "--checkpoint",
    "device": "--device",
}


def fit(arguments, session):
    """Cluster INPUT, and write everything into a folder; return the exit status."""
    folder = arguments.output
    _check_free(folder, arguments.overwrite)
    check_input(arguments.input)
    model = build_model(arguments, session)
    folder.mkdir(parents=True, exist_ok=True)
    seconds = {}
    with _timing(seconds, "reading"):
        mode = "L" if arguments.gray else "auto"
        background = arguments.encoder is not None  # of a network that is not trained, it is what takes the time
        how = {"size": arguments.image_size, "mode": mode, "cache": arguments.cache, "background": background}
        rows = read_input(arguments.input, session, **how)
    with _keeping_features(model, folder) as features_of_fit:
        with _timing(seconds, "fit"):
            _, rows = on_readable(lambda rows: model.fit(for_estimator(rows.X, model)), rows)
        return _write(arguments, session, model, rows, features_of_fit(), seconds)


def _write(arguments, session, model, rows, features, seconds):
    """Write everything of a fitted model; return the exit status."""
    folder = arguments.output
    _clear(folder)
    # The model first: labels can be made of it again.
    session.written.append(save_model(model, folder, session))
    with _timing(seconds, "confidence"):
        confidence = _confidence(model, rows)
    write_labels(folder / LABELS, rows.names, model.labels_, confidence)
    session.written.append(folder / LABELS)
    run = _describe(arguments, session, model, rows, confidence, seconds)
    write_json(folder / RUN, run)
    session.written.append(folder / RUN)

    status = 0
    if arguments.report:
        try:
            with _timing(seconds, "report"):
                write_report(model, rows, folder / REPORT, rows_of_fit=True, features=features)
            session.written.append(folder / REPORT)
        except Exception as error:  # whatever it is, labels and model must be accounted for
            run["error"] = session.fail(error, f"(Only the report is missing: skdeepclust report {folder})")
            status = 1
    run |= {"files": [path.name for path in session.written], "warnings": session.warnings}
    write_json(folder / RUN, run)
    session.give(run)
    _summarise(session, run, folder)
    if session.interrupted and status == 0:
        session.list_written()
        return 130
    return status


def build_model(arguments, session):
    """Return the estimator that the options describe, not fitted."""
    package = import_module("..", __package__)
    model = getattr(package, METHODS[arguments.method])(n_clusters=arguments.n_clusters)
    ours = {"random_state": arguments.seed, "verbose": session.verbose}
    model.set_params(**{name: value for name, value in ours.items() if name in model.get_params(deep=False)})
    given = {name: getattr(arguments, name) for name in _OPTIONS if getattr(arguments, name) is not None}
    if arguments.encoder is None:
        without = () if arguments.method == "deepclue" else ("layers",)  # of others, layers are not what is clustered
        _set(model, given, f"--method {arguments.method}", without)
        return model
    if "encoder" not in model.get_params(deep=False):
        raise UsageError(f"--encoder has no effect with --method {arguments.method}.")
    encoder = import_encoder(arguments.encoder)
    if "n_jobs" in given:
        _set(model, {"n_jobs": given.pop("n_jobs")}, f"--method {arguments.method}")
    _set(encoder, given, f"--encoder {arguments.encoder}")
    return model.set_params(encoder=encoder)


def write_report(model, rows, path, **known):
    """Write the report of a fitted model; `known` is what need not be computed again."""
    from ..report import write_report as write

    X = for_estimator(rows.X, model)
    write(model, X, path, images=None if X is rows.X else rows.X, file_names=rows.names, **known)


def _confidence(model, rows):
    found = getattr(model, "probabilities_", None)
    return model.predict_proba(for_estimator(rows.X, model)).max(axis=1) if found is None else found


@contextmanager
def _keeping_features(model, folder):
    """Keep what a frozen encoder returns in ``fit``, in a file under `folder`, for as long as the context lasts.

    Gives a function that returns it, or None if there is nothing.
    """
    import numpy as np

    from ..encoders import FrozenEncoder

    encoder = getattr(model, "encoder", None)
    if not isinstance(encoder, FrozenEncoder) or encoder.features_dir is not None:
        yield lambda: None
        return
    with TemporaryDirectory(dir=folder, prefix=".features-", ignore_cleanup_errors=True) as place:
        encoder.set_params(features_dir=place)

        def features():
            for holder in (encoder, model.encoder_):
                holder.set_params(features_dir=None)
            return next((np.load(path, mmap_mode="r") for path in Path(place).glob("*.npy")), None)

        yield features


def _set(estimator, given, whose, without=()):
    known = estimator.get_params(deep=False)
    for name in given:
        if name not in known or name in without:
            raise UsageError(f"{_OPTIONS[name]} has no effect with {whose}.")
    estimator.set_params(**given)


def _check_free(folder, overwrite):
    found = [name for name in _OUTPUTS if (folder / name).exists()]
    if found and not overwrite:
        raise UsageError(f"-o: {folder} holds {', '.join(found)} of another run; take another folder, or --overwrite.")


def _clear(folder):
    """Remove what an earlier run has left, so that nothing of it is taken for a part of this one."""
    for name in _OUTPUTS:
        if name == MODEL:
            shutil.rmtree(folder / name, ignore_errors=True)
        else:
            (folder / name).unlink(missing_ok=True)


def _describe(arguments, session, model, rows, confidence, seconds):
    """What `run.json` says."""
    import numpy as np

    from .. import __version__

    return {
        "command": "fit",
        "skdeepclust": __version__,
        "input": str(arguments.input.resolve()),
        "n_rows": len(rows.X),
        "image_shape": rows.image_shape,
        "dtype": str(rows.X.dtype),
        "method": arguments.method,
        "encoder": arguments.encoder,
        "settings": {name: repr(value) for name, value in model.get_params(deep=False).items()},
        "n_clusters": int(model.n_clusters_),
        "cluster_sizes": np.bincount(model.labels_).tolist(),
        "mean_confidence": round(float(np.mean(confidence)), 6),
        "interrupted": session.interrupted,
        "seconds": seconds,
        "unreadable": rows.unreadable,
        "warnings": session.warnings,
        "versions": versions(),
        "files": [path.name for path in session.written],
        "error": None,
    }


def _summarise(session, run, folder):
    what = "rows" if run["image_shape"] is None else "images"
    left_out = f", {len(run['unreadable'])} files left out" if run["unreadable"] else ""
    session.say(
        f"{run['n_rows']} {what} in {run['n_clusters']} clusters{left_out}; {folder}: {', '.join(run['files'])}"
    )


@contextmanager
def _timing(seconds, name):
    started = perf_counter()
    yield
    seconds[name] = round(perf_counter() - started, 3)
