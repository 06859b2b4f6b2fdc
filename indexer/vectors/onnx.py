"""ONNX models, with the configuration that a folder of sentence-transformers has beside them."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from indexer.errors import ConfigError, ModelFailed
from indexer.vectors.folder import list_modules, load_tokenizer, make_fingerprint, read_json, split_pieces
from indexer.vectors.model import Matrix, limit_window

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

_USUAL = ("model.onnx", "model_quantized.onnx")
"""The file that is taken where there are several."""
_BATCH = 2
"""Windows of a batch; more take more memory, and hardly less time."""
_MOST_BATCHES = 8
"""Batches that are computed at the same time, if there are as many cores; each takes memory."""
_LENGTH = 512
"""Pieces that a model reads, if its configuration does not say how many."""
_QUERY, _PASSAGE = ("query",), ("document", "passage", "corpus")
"""The names of prompts in the configuration, of which the first that is there counts."""
_INPUTS = ("input_ids", "attention_mask", "token_type_ids", "position_ids")
_INPUT_TYPES: dict[str, type[np.signedinteger[Any]]] = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}
# The outputs of models, the preferred one first: one that needs no pooling, then those of single tokens.
_OUTPUTS = ("sentence_embedding", "last_hidden_state", "token_embeddings", "pooler_output")
# The names in the configuration, where they are others than those below.
_POOLING = {"cls_token": "cls", "mean_tokens": "mean", "max_tokens": "max", "lasttoken": "last"}
# A sum divided by the root of the length has the same direction as the mean.
_POOLING["mean_sqrt_len_tokens"] = "mean"
# How one vector is made of those of the pieces of each window (windows × pieces × dimensions).
_POOL: dict[str, Callable[[Matrix, NDArray[np.bool_]], Matrix]] = {
    "cls": lambda output, mask: output[:, 0],
    "last": lambda output, mask: output[np.arange(len(output)), mask.sum(axis=1) - 1],
    "max": lambda output, mask: np.where(mask[:, :, None], output, -np.inf).max(axis=1),
    "mean": lambda output, mask: np.where(mask[:, :, None], output, 0).sum(axis=1),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the configuration says."""

    pooling: tuple[str, ...]
    """How one vector is made of those of the pieces: mean, cls (the first), last or max."""
    more: tuple[str, ...]
    """The kinds of the parts that come after that."""
    length: int
    """The most pieces that the model reads."""
    is_lower: bool
    """Whether texts are put into lower case."""
    passage: str
    """What stands before a text."""
    query: str
    """What stands before a query."""


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """An ONNX file, and the folder with the tokenizer and the configuration."""

    file: Path
    folder: Path

    def __str__(self) -> str:
        return f"the ONNX model {self.file}"

    def fingerprint(self) -> str:
        """Return the fingerprint; raises ConfigError and OSError."""
        facts = asdict(self.read_settings())
        # The prompt for queries does not change the vectors that are stored.
        del facts["query"]
        # Weights of more than 2 GB are in other files, whose names begin with that of the model.
        more = sorted(self.file.parent.glob(f"{glob.escape(self.file.name)}?*"))
        return make_fingerprint("onnx", [self.file, *more, self.folder / "tokenizer.json"], **facts)

    def read_settings(self) -> Settings:
        """Return what the configuration says; raises ConfigError."""
        modules = list_modules(self.folder)
        usual = ("Transformer", "Pooling", "Normalize")
        places = {module.kind: module.folder for module in reversed(modules)}
        pooling = read_json(places.get("Pooling", self.folder / "1_Pooling") / "config.json")
        transformer = read_json(places.get("Transformer", self.folder) / "sentence_bert_config.json")
        prompts = read_json(self.folder / "config_sentence_transformers.json").get("prompts")
        return Settings(
            pooling=_list_pooling(pooling),
            more=tuple(each.kind for each in modules if each.kind not in usual),
            length=_find_length(
                transformer.get("max_seq_length"),
                read_json(self.folder / "tokenizer_config.json").get("model_max_length"),
                read_json(self.folder / "config.json").get("max_position_embeddings"),
            ),
            is_lower=transformer.get("do_lower_case") is True,
            passage=_find_prompt(prompts, _PASSAGE),
            query=_find_prompt(prompts, _QUERY),
        )

    def load(self) -> OnnxEncoder:
        """Return the model, loaded; raises ModelFailed and ConfigError, and errors of the libraries."""
        # Imported here, since a search by words alone does not need it.
        from onnxruntime import InferenceSession, SessionOptions

        settings = self.read_settings()
        tokenizer = load_tokenizer(self.folder / "tokenizer.json")
        tokenizer.enable_truncation(settings.length)
        options = SessionOptions()
        # A query is too short to be shared between threads. Of many texts, batches are computed side by side,
        # which takes less work than to share each of them.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        # Both would keep the memory that the longest batch has taken.
        options.enable_cpu_mem_arena = options.enable_mem_pattern = False
        options.log_severity_level = 4
        session = InferenceSession(str(self.file), options, providers=["CPUExecutionProvider"])
        unknown = [each.name for each in session.get_inputs() if each.name not in _INPUTS]
        if unknown:
            raise ModelFailed(
                f"{self} asks for {', '.join(unknown[:3])}",
                f"give a model that needs nothing but {', '.join(_INPUTS)}",
            )
        outputs = [each.name for each in session.get_outputs()]
        output = next((name for name in _OUTPUTS if name in outputs), outputs[0])
        # The first of them is the result of all parts.
        if output != _OUTPUTS[0]:
            unsupported = (*settings.more, *(kind for kind in settings.pooling if kind not in _POOL))
            if unsupported or len(settings.pooling) > 1:
                kinds = ", ".join(unsupported or settings.pooling)
                raise ModelFailed(
                    f"{self} has parts beside it that are not supported ({kinds})",
                    f"export the model with all its parts, which has an output {_OUTPUTS[0]}",
                )
        return OnnxEncoder(session, tokenizer, settings, output)


class OnnxEncoder:
    """An ONNX model that is loaded."""

    is_quick = False

    def __init__(
        self, session: InferenceSession, tokenizer: Tokenizer, settings: Settings, output: str
    ) -> None:
        self._session, self._tokenizer, self._settings = session, tokenizer, settings
        self._inputs = {each.name: _INPUT_TYPES.get(each.type, np.int64) for each in session.get_inputs()}
        self._output = output
        self.window = limit_window(settings.length)

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""
        return int(self.encode(["a"], is_query=False, seconds=0).shape[1])

    def encode(self, windows: Sequence[str], *, is_query: bool, seconds: float) -> Matrix:
        """Return the vectors of windows; that of one without any piece is zero."""
        prompt = self._settings.query if is_query else self._settings.passage
        texts = [prompt, *(prompt + window for window in windows)]
        if self._settings.is_lower:
            texts = [text.lower() for text in texts]
        frame, *pieces = split_pieces(self._tokenizer, texts, special=True)
        lengths = np.array([len(each) for each in pieces])
        order = np.argsort(lengths, kind="stable")
        parts = self._run_all(
            [
                [pieces[number] for number in order[start : start + _BATCH]]
                for start in range(0, len(order), _BATCH)
            ]
        )
        vectors = np.empty((len(windows), parts[0].shape[1]), np.float32)
        vectors[order] = np.concatenate(parts)
        vectors[lengths <= len(frame)] = 0
        return vectors

    def _run_all(self, batches: Sequence[Sequence[Sequence[int]]]) -> list[Matrix]:
        """Return the vectors of batches, which are computed on all cores that the process may use."""
        if len(batches) == 1:
            return [self._run(batches[0])]
        with ThreadPoolExecutor(min(len(batches), _count_cores(), _MOST_BATCHES), "embedding texts") as pool:
            return [*pool.map(self._run, batches)]

    def _run(self, pieces: Sequence[Sequence[int]]) -> Matrix:
        """Return the vectors of a few windows, whose pieces are given by number."""
        lengths = np.array([len(each) for each in pieces])
        places = np.arange(max(lengths.max(), 1))
        mask = places < lengths[:, None]
        ids = np.zeros(mask.shape, np.int64)
        ids[mask] = np.concatenate([np.asarray(each, np.int64) for each in pieces])
        given = {
            "input_ids": ids,
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(ids),
            "position_ids": np.broadcast_to(places, ids.shape),
        }
        feed = {name: np.ascontiguousarray(given[name], kind) for name, kind in self._inputs.items()}
        (found,) = self._session.run([self._output], feed)
        output = np.asarray(found, np.float32)
        return _POOL[self._settings.pooling[0]](output, mask) if output.ndim == 3 else output


def find_onnx(path: Path) -> OnnxModel | None:
    """Return the model of an ONNX file, or of a folder that has one; None if it has none.

    Raises ConfigError if there is no tokenizer, or if there are several files of which none is the usual one.
    """
    if path.is_file():
        file = path
    else:
        found = sorted(path.glob("*.onnx")) + sorted(path.glob("onnx/*.onnx"))
        usual = [each for name in _USUAL for each in found if each.name == name]
        if not found:
            return None
        if not usual and len(found) > 1:
            names = ", ".join(str(each.relative_to(path)) for each in found[:4])
            raise ConfigError(
                f"{path} has {len(found)} models ({names}): give the path of one of these files", "model"
            )
        file = (usual or found)[0]
    folder = next((each for each in _list_folders(file) if (each / "tokenizer.json").is_file()), None)
    if folder is None:
        raise ConfigError(
            f"{file.parent} has no tokenizer.json: put the one there that belongs to the model", "model"
        )
    return OnnxModel(file, folder)


def _count_cores() -> int:
    """Return how many cores the process may use."""
    # Not every system knows which these are.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _list_folders(file: Path) -> list[Path]:
    parent = file.absolute().parent
    return [parent.parent, parent] if parent.name == "onnx" else [parent]


def _list_pooling(config: dict[str, Any]) -> tuple[str, ...]:
    """Return the kinds of pooling that a configuration asks for; the mean if none."""
    prefix = "pooling_mode_"
    names = [name.removeprefix(prefix) for name in config if name.startswith(prefix) and config[name] is True]
    if isinstance(config.get("pooling_mode"), str):
        names = [config["pooling_mode"]]
    return tuple(sorted({_POOLING.get(name, name) for name in names})) or ("mean",)


def _find_length(*stated: object) -> int:
    """Return the first length that is stated, as an int that some model can have; else the usual one."""
    lengths = [each for each in stated if isinstance(each, int) and 2 < each <= 1 << 17]
    return lengths[0] if lengths else _LENGTH


def _find_prompt(prompts: object, names: Sequence[str]) -> str:
    if not isinstance(prompts, dict):
        return ""
    return next((prompts[name] for name in names if isinstance(prompts.get(name), str)), "")
