# SPDX-License-Identifier: BSD-3-Clause
"""Write a report of a clustering as one HTML file."""

from importlib.resources import files
from pathlib import Path

import numpy as np

from .._support._images import flatten_images
from .._support._parameters import check_integer, draw_seed
from .._support._versions import versions
from ..consensus._parts import sample_rows
from ..plotting._fitted import images_of, labels_and_certainty, n_rows, network_of
from ._clusters import add_profiles, describe_clusters
from ._headline import headline
from ._map import map_data, points_of
from ._model_charts import model_charts
from ._settings import reproduction, settings_of
from ._thumbnails import MAX_TILES, make_sheet


def write_report(
    model,
    X,
    path,
    *,
    images=None,
    file_names=None,
    labels_true=None,
    rows_of_fit=False,
    features=None,
    title=None,
    n_certain=16,
    n_uncertain=8,
    max_map_points=3000,
    thumbnail_size=48,
    random_state=0,
):
    """Write a report of a clustering: one HTML file that needs no network, on a screen or a phone, light or dark.

    It shows a map of the rows with their images under the pointer, the most and the least certain members of every
    cluster, how certain the labels are, how far layers and base clusterings can be relied on, the training, the
    spectrum, all settings, and how to make the same clustering again. What a model does not have is left out.

    Parameters
    ----------
    model : fitted clusterer
        Any of the package, or another with ``predict_proba`` whose largest entry is at the label.
    X : array-like
        Rows like those of ``fit``, mostly the same. The report is of these rows.
    path : str or path-like
        The file; it is replaced if it exists.
    images : array-like of shape (n, h, w) or (n, h, w, c), default=None
        An image for every row of `X`, where `X` holds something else, embeddings for instance. None takes `X` itself if
        it holds images. Only those shown are read. Images of other than 1 or 3 channels are not shown.
    file_names : sequence of str of length n, default=None
        Names of the rows, shown with them. None takes ``files`` of an :class:`~skdeepclust.datasets.ImageFolder`, or
        else row numbers alone.
    labels_true : array-like of shape (n,), default=None
        Classes, if known, for scores and for the commonest class of each cluster; -1 where a class is not known.
    rows_of_fit : bool, default=False
        Whether `X` holds the rows of ``fit`` in their order. Labels and certainties are then ``labels_`` and
        ``probabilities_``, if the model has both, and not computed again.
    features : array-like of shape (n, n_features), default=None
        What ``model.encoder_.transform(X)`` returns, if it is at hand: the map is then made of it, and only its rows
        on the map are read. None runs the encoder on these rows.
    title : str or None, default=None
        Heading; None takes the name of the estimator.
    n_certain, n_uncertain : int, default=16 and 8
        Members shown of each cluster: the most and the least certain.
    max_map_points : int, default=3000
        Rows on the map, drawn without replacement, at most 20,000. Most of the time and of the file is theirs.
    thumbnail_size : int, default=48
        Pixels of the longer side to which larger images are brought.
    random_state : int, RandomState or None, default=0
        Of the rows on the map and of the map.

    Returns
    -------
    path : Path
        The file.

    Raises
    ------
    TypeError
        If `model` has no ``predict_proba``.
    ValueError
        If `images`, `file_names`, `labels_true` or `features` do not have one entry per row, `X` cannot be the rows
        of ``fit``, or `path` is a folder or in one that does not exist.
    ImportError
        Without jinja2, or for images without Pillow; the extra ``skdeepclust[report]`` installs both.

    See Also
    --------
    skdeepclust.plotting : The same pictures for matplotlib.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_iris
    >>> from skdeepclust import USENC
    >>> from skdeepclust.report import write_report
    >>> X = load_iris().data
    >>> model = USENC(3, n_estimators=4, random_state=0).fit(X)
    >>> path = write_report(model, X, Path(tempfile.mkdtemp()) / "iris.html")
    >>> "150 rows in 3 clusters" in path.read_text(encoding="utf-8")
    True
    """
    path = _check_path(path)
    template = _load_template()
    n_certain = check_integer("n_certain", n_certain, low=1)
    n_uncertain = check_integer("n_uncertain", n_uncertain, low=0)
    max_map_points = check_integer("max_map_points", max_map_points, low=1, high=MAX_TILES)
    thumbnail_size = check_integer("thumbnail_size", thumbnail_size, low=4)
    seed = draw_seed(random_state)
    n = n_rows(X)
    if file_names is None:
        file_names = getattr(X if images is None else images, "files", None)
    names = None if file_names is None else [_text(name) for name in _check_length("file_names", file_names, n)]
    labels_true = None if labels_true is None else np.asarray(_check_length("labels_true", labels_true, n))
    if features is not None and network_of(model) is None:
        raise ValueError(f"features are those of a network, but {type(model).__name__} has none; leave them out.")
    if features is not None:
        _check_length("features", features, n)
    pixels, shape = _pictures(model, X, images, n)

    found = _labels_of_fit(model, n) if rows_of_fit else None
    labels, certainty, n_clusters = found or labels_and_certainty(model, X)
    clusters = describe_clusters(labels, certainty, n_clusters, n_certain, n_uncertain, labels_true)
    if pixels is None and (isinstance(X, np.ndarray) or hasattr(X, "iloc")) and not hasattr(model, "label_coder_"):
        add_profiles(clusters, labels, np.asarray(X).reshape(n, -1), getattr(model, "feature_names_in_", None))
    rows = sample_rows(n, max_map_points, seed)
    members = np.concatenate([rows for c in clusters for rows in (c.certain, c.uncertain)]).astype(np.int64)
    sheets = None
    if pixels is not None:
        sheets = {
            "map": make_sheet(pixels, shape, rows, thumbnail_size),
            "members": make_sheet(pixels, shape, members, thumbnail_size),
        }
    data = _describe_data(X, n, shape if images is None else None)
    html = template.render(
        title=title or type(model).__name__,
        kind="rows" if pixels is None else "images",
        facts=headline(model, labels, certainty, clusters, labels_true),
        clusters=clusters,
        certainty=certainty,
        names=names,
        tiles={int(row): i for i, row in enumerate(members)},
        sheets=sheets,
        map=map_data(points_of(model, X, rows, features, seed), rows, labels, certainty, names, labels_true),
        charts=model_charts(model, certainty),
        settings=settings_of(model),
        versions=versions(),
        reproduction=reproduction(model, data),
        data=data,
    )
    path.write_text(html, encoding="utf-8")
    return path


def _labels_of_fit(model, n):
    """Labels, certainties and the number of clusters as ``fit`` has found them; None if that has not kept them."""
    probabilities = getattr(model, "probabilities_", None)  # computed when it is asked for, so once
    if probabilities is None:
        return None
    if len(model.labels_) != n:
        raise ValueError(
            f"rows_of_fit=True, but the model was fitted on {len(model.labels_)} rows and X has {n}; use "
            "rows_of_fit=False."
        )
    return model.labels_, np.asarray(probabilities), model.n_clusters_


def _load_template():
    """The template, with the files of the package that it includes; every value is escaped."""
    try:
        from jinja2 import Environment, FunctionLoader, StrictUndefined
    except ImportError as error:
        raise ImportError("A report is made with jinja2; pip install skdeepclust[report].") from error
    folder = files(__package__)

    def read(name):
        return (folder / name).read_text(encoding="utf-8")

    environment = Environment(
        loader=FunctionLoader(read), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["include_text"] = read
    return environment.get_template("report.html")


def _text(name):
    """A file name as text; a question mark stands for what is no Unicode, as names on a disk may hold."""
    return str(name).encode("utf-8", "replace").decode("utf-8")


def _check_path(path):
    """Refuse beforehand what could not be written to after all the work."""
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"path={str(path)!r} is a folder; name a file in it, such as {str(path / 'report.html')!r}.")
    if not path.parent.is_dir():
        raise ValueError(f"path={str(path)!r} is in a folder that does not exist; make it first.")
    return path


def _check_length(name, values, n):
    if len(values) != n:
        raise ValueError(f"{name} must have one entry for each of the {n} rows of X; got {len(values)}.")
    return values


def _pictures(model, X, images, n):
    """Rows of pixels and the shape of an image that can be shown, or (None, None)."""
    if images is None:
        return images_of(model, X)
    pixels, shape = flatten_images(_check_length("images", images, n), None)
    if shape is None or shape[2] not in (1, 3):
        raise ValueError(
            "images must have shape (n, height, width) or (n, height, width, channels) with 1 or 3 channels; got "
            f"{getattr(images, 'shape', None)}."
        )
    return pixels, shape


def _describe_data(X, n, shape):
    """`X` in words."""
    dtype = getattr(X, "dtype", None)
    what = f"{n:,} rows" if shape is None else f"{n:,} images of {' x '.join(map(str, shape[:2]))} pixels"
    if shape is None and len(getattr(X, "shape", ())) == 2:
        what += f" of {X.shape[1]:,} features"
    if shape is not None and shape[2] == 3:
        what += " in colour"
    return what + (f", {dtype}" if dtype is not None else "")
