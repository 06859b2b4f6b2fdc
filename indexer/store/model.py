"""The model that a configuration names, and what is in its place if it cannot be opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from indexer.address import ClusterAddress
from indexer.config import Config
from indexer.errors import ConfigError, ModelFailed
from indexer.vectors import Matrix, Model, open_model


def open_configured_model(config: Config) -> Model:
    """Return the model of a configuration; it is loaded when it is first used.

    Raises ConfigError if the configuration names none, names one that cannot be opened, or has its index
    where vectors cannot be kept.
    """
    if config.cluster is not None:
        raise make_cluster_error(config.cluster)
    if not config.model:
        raise ConfigError(
            "is not set, so there is nothing to make vectors with: set it in nutgraf.toml to a folder with a "
            "model, the name of one, or the address of a service, and pip install 'nutgraf[meaning]'",
            "model",
        )
    return open_model(config.model, config.model_key)


def make_cluster_error(address: ClusterAddress) -> ConfigError:
    """Return the error for an index whose vectors cannot be kept, since it is on a cluster."""
    return ConfigError(
        f"searching by meaning needs an index in a folder, and this one is at {address}: `nutgraf copy` "
        "copies it into a folder",
        "index",
    )


class MissingModel:
    """A `Model` in the place of one that cannot be opened: whatever is asked of it raises ModelFailed."""

    def __init__(self, problem: str) -> None:
        self._problem = problem

    @property
    def fingerprint(self) -> str:
        """Raises ModelFailed."""
        self._fail()

    @property
    def dimensions(self) -> int:
        """Raises ModelFailed."""
        self._fail()

    def embed_texts(self, texts: Sequence[str]) -> Matrix:
        """Raises ModelFailed."""
        self._fail()

    def start_query(self, text: str, seconds: float) -> None:
        """Do nothing: `embed_query` says what is wrong."""

    def embed_query(self, text: str, seconds: float = float("inf")) -> Matrix:
        """Raises ModelFailed."""
        self._fail()

    def _fail(self) -> NoReturn:
        raise ModelFailed(self._problem)
