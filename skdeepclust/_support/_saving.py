# SPDX-License-Identifier: BSD-3-Clause
"""Fitted estimators on disk without pickle: ``estimator.save(folder)`` and :func:`load`.

A folder holds ``model.json`` and one ``arrays-*.safetensors``, named and checked by its SHA-256. The arrays are put in
place first and the former ones removed last, so that renaming ``model.json`` is the moment at which a model is saved.
"""

import hashlib
import json
import os
import re
import tempfile
from pathlib import Path

from ._atomic import put_in_place
from ._callbacks import CALLBACK_ATTRIBUTES
from ._codec import Decoder, Encoder, restored
from ._errors import SavedModelError

_FORMAT = 1
_MODEL = "model.json"
_ARRAYS = re.compile(r"arrays-[0-9a-f]{16}\.safetensors")
_TEMPORARY = ".saving-"


class SaveMixin:
    """``save`` for estimators."""

    def save(self, directory):
        """Save the estimator in a folder, without any code: JSON and safetensors.

        :func:`skdeepclust.load` reads it. Callbacks are left out. What was saved there before is replaced in one step.

        Parameters
        ----------
        directory : str or path-like
            Made if it does not exist.

        Raises
        ------
        TypeError
            If a parameter or attribute is code or an object of an unknown class, naming it.
        ImportError
            Without safetensors: ``pip install 'skdeepclust[io]'``.
        """
        save_file = _safetensors().save_file
        encoder = Encoder()
        model = encoder(self)
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=_TEMPORARY) as unfinished:
            arrays = Path(unfinished, "arrays")
            save_file(encoder.arrays, arrays)
            digest = _sha256(arrays)
            name = f"arrays-{digest[:16]}.safetensors"
            put_in_place(arrays, folder / name)
            content = {"arrays": name, "arrays_sha256": digest, "model": model}
            head = {"format": _FORMAT, "skdeepclust": _version(), "sha256": _json_digest(content)}
            Path(unfinished, _MODEL).write_text(json.dumps(head | content, indent=1, allow_nan=False), encoding="utf-8")
            put_in_place(Path(unfinished, _MODEL), folder / _MODEL)
        for other in folder.iterdir():
            if _ARRAYS.fullmatch(other.name) and other.name != name:
                other.unlink(missing_ok=True)

    def _saved_state(self):
        return {name: value for name, value in self.__getstate__().items() if name not in CALLBACK_ATTRIBUTES}

    @classmethod
    def _from_saved_state(cls, state):
        return restored(cls, state)


def load(directory: str | os.PathLike, device=None, modules=None):
    """Load an estimator that was saved by its ``save``.

    Nothing in the files is executed: arrays come from safetensors, the rest is JSON, and only classes of a fixed list
    are built, those of skdeepclust and a few of scikit-learn.

    Parameters
    ----------
    directory : str or path-like
        As passed to ``save``.
    device : str or torch.device, default=None
        Where the networks go. None: where their parameter `device` says, the best there is if that says nothing; if
        this machine does not have it, to the best there is, with a :class:`DeviceChangedWarning`.
    modules : dict of str to nn.Module or callable, default=None
        What an estimator holds of your own code, such as `module` and `preprocess` of a FrozenEncoder: by the name of
        the parameter in `get_params`, as in "encoder__module", or "encoder__frozenencoder__module" in a pipeline.
        Networks are copied, and the copies get the saved weights.

    Returns
    -------
    estimator
        With the parameters and attributes it was saved with, and the same answers on the same kind of device.

    Raises
    ------
    SavedModelError
        If a file is missing or damaged, written by a newer version, or holds a class that is not known. A ValueError.
    ValueError
        If `modules` lacks what the estimator needs, or `device` is not there.
    ImportError
        Without safetensors: ``pip install 'skdeepclust[io]'``.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> import skdeepclust
    >>> X = load_iris().data
    >>> model = skdeepclust.USPEC(n_clusters=3, random_state=0).fit(X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(folder)
    ...     loaded = skdeepclust.load(folder)
    >>> bool((loaded.predict(X) == model.labels_).all())
    True
    """
    folder = Path(directory)
    content = _read_model(folder / _MODEL)
    arrays = _read_arrays(folder / str(content["arrays"]), content["arrays_sha256"])
    estimator = Decoder(arrays, device, modules or {})(content["model"])
    if not isinstance(estimator, SaveMixin):
        raise SavedModelError(f"{folder} holds no estimator of skdeepclust.")
    return estimator


def _read_model(path: Path) -> dict:
    try:
        content = json.loads(path.read_bytes())
        saved_format = content["format"]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SavedModelError(f"{path.parent} holds no saved model: there is no {path.name}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise SavedModelError(f"{path} is damaged or no saved model ({error!r}); save the model again.") from error
    if isinstance(saved_format, int) and saved_format > _FORMAT:
        raise SavedModelError(
            f"{path} was written by skdeepclust {content.get('skdeepclust')} in format {saved_format}; this is "
            f"skdeepclust {_version()}, which reads format {_FORMAT}. Upgrade skdeepclust."
        )
    named = {name: content.get(name) for name in ("arrays", "arrays_sha256", "model")}
    if saved_format != _FORMAT or content.get("sha256") != _json_digest(named):
        raise SavedModelError(f"{path} is damaged: its content has another checksum; save the model again.")
    return named


def _read_arrays(path: Path, digest: str) -> dict:
    numpy = _safetensors()
    try:
        found = _sha256(path)
    except OSError as error:
        raise SavedModelError(f"{path} is missing; it belongs to {_MODEL} beside it.") from error
    if found != digest:
        raise SavedModelError(f"{path} is damaged: its SHA-256 is not the one in {_MODEL}; save the model again.")
    return numpy.load_file(path)


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _json_digest(content: dict) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, allow_nan=False).encode()).hexdigest()


def _version() -> str:
    from .. import __version__

    return __version__


def _safetensors():
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError("saving and loading need safetensors: pip install 'skdeepclust[io]'.") from error
    return safetensors.numpy
