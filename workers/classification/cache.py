"""Keeps the trained model in the user's cache folder, so that only the first start teaches it."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import sys
import tempfile
import unicodedata
import zipfile
import zlib
from importlib.metadata import version
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from workers.classification import corpus
from workers.classification.model import LinearModel, read_model, write_model

LOG: Final = logging.getLogger(__name__)
LOCK: Final = "classifier.lock"
LOCK_SECONDS: Final = 120
_CODE: Final = ("corpus.py", "features.py", "model.py", "training.py")
_LIBRARIES: Final = ("numpy", "scipy", "scikit-learn", "rjieba")
SHIPPED: Final = Path(sys.prefix) / "share" / "duban"
"""Where an installation may bring the model along (`python -m workers.classification.ship`); read only."""


def cache_key(training: Path = corpus.TRAINING) -> str:
    """Changes with the training texts, this code, and the libraries that take part."""
    parts = [training.read_bytes(), *((Path(__file__).parent / name).read_bytes() for name in _CODE)]
    parts += [f"{name} {version(name)}".encode() for name in _LIBRARIES]
    parts.append(f"{sys.version_info[:2]} {unicodedata.unidata_version}".encode())
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8) + part)
    return digest.hexdigest()[:20]


def cached_model(folder: Path, training: Path = corpus.TRAINING) -> LinearModel:
    """The model of the training texts: brought along, from the cache, or taught now (a few seconds) and put there.

    Several processes may ask at once: one teaches, the others wait for it. A damaged file is replaced. A
    folder that cannot be written, or a lock that is not let go, costs the time to teach and nothing else.
    """
    name = f"classifier-{cache_key(training)}.zip"
    path = folder / name
    model = _read(SHIPPED / name) or _read(path)
    if model is not None:
        return model
    lock = FileLock(folder / LOCK, timeout=LOCK_SECONDS)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with lock:
            return _read(path) or _write(path, _teach(training))
    except (OSError, Timeout) as error:
        told = {"action": "text-model-not-kept"}
        LOG.warning("the text model cannot be kept in the cache (%s)", type(error).__name__, extra=told)
        return _teach(training)


def _read(path: Path) -> LinearModel | None:
    try:
        return read_model(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        sentence = "the text model in the cache is damaged (%s) and is taught again"
        LOG.warning(sentence, type(error).__name__, extra={"action": "text-model-damaged"})
        return None


def _teach(training: Path) -> LinearModel:
    from workers.classification.training import (
        train,
    )  # scikit-learn: seconds to import, so only when it is needed

    return train(corpus.read_examples(training, may_be_unclear=True))


def _write(path: Path, model: LinearModel) -> LinearModel:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            write_model(model, file)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
    return model
