"""Where a recovery goes, and what is noted there to resume it. Needs no JAX."""

import hashlib
from pathlib import Path
from typing import Any

from ._asked_config import AbstractRecovery
from ._config import load
from ._schema import ConfigurationError
from ._store import read_request


def directory_of(config: AbstractRecovery, root: Path = Path("results")) -> Path:
    """The directory that the configuration names, else one named by its hash."""
    if config.output.directory is not None:
        return Path(config.output.directory)
    return root / f"{config.name}-{_digest(config)}"


def request_of(config: AbstractRecovery, path: Path) -> dict[str, Any]:
    """What is noted in the directory: the file, and what it and the measured data were."""
    return {"recover": config.name, "digest": _digest(config), "path": str(path.resolve())}


def stored_configuration(directory: Path) -> AbstractRecovery:
    """The configuration of a recovery that was begun in `directory`.

    **Raises:** `ConfigurationError` if the file or the data have changed since then.
    """
    request = read_request(directory)
    config = load(request["path"])
    if _digest(config) != request["digest"]:
        raise ConfigurationError(
            f"{request['path']}, or the data it names, must be what they were when {directory} "
            "was begun, but have changed. Begin anew with `diffsim recover`."
        )
    return config


def _digest(config: AbstractRecovery) -> str:
    """Of what decides the result: the settings and the bytes of the files, not their places."""
    settings = config.model_dump_json(exclude={"output"})
    digest = hashlib.sha256(settings.encode())
    for path in config.measured:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:10]
