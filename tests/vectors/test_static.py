"""Static models: which files make one, and which do not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from indexer.errors import ModelFailed
from indexer.vectors import open_model
from tests.fixtures.models import TOPICS, make_tiny_model, weigh_words, write_tokenizer

WORDS = weigh_words(TOPICS, 64)


def make_model(folder: Path, tensors: dict[str, NDArray[Any]], file: str = "model.safetensors") -> str:
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / file)
    write_tokenizer(folder, TOPICS)
    return str(folder)


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", ["embeddings", "embedding.weight", "table of words"])
def test_any_table_of_numbers_is_a_static_model(name: str, kind: str, tmp_path: Path) -> None:
    model = open_model(make_model(tmp_path, {name: WORDS.astype(kind)}, "words.safetensors"))
    ship, boat = model.embed_texts(["ship", "boat"])
    assert ship @ boat > 0.85


def test_the_usual_table_of_several_is_taken(tmp_path: Path) -> None:
    tables = {"a": np.zeros_like(WORDS), "embeddings": WORDS, "z": np.zeros_like(WORDS)}
    model = open_model(make_model(tmp_path, tables))
    assert model.embed_texts(["ship"]).any()


def test_the_usual_file_of_several_is_taken(tmp_path: Path) -> None:
    make_model(tmp_path, {"embeddings": np.zeros_like(WORDS)}, "a.safetensors")
    assert open_model(make_model(tmp_path, {"embeddings": WORDS})).embed_texts(["ship"]).any()


def test_a_vector_is_the_mean_of_the_rows_of_all_pieces(tmp_path: Path) -> None:
    table = np.zeros((len(WORDS), 2), np.float32)
    table[1:3] = np.eye(2)  # harbour and harbor
    model = open_model(make_model(tmp_path, {"embeddings": table}))
    found = model.embed_texts(["harbour harbor harbour harbour unknown", *["ship"] * 70, "harbor"])
    assert found[0] == pytest.approx(np.array([3, 1]) / np.sqrt(10), abs=1e-6)
    assert found[-1] == pytest.approx(np.array([0, 1]), abs=1e-6)
    assert not found[1:-1].any()


def test_numbers_of_any_size_give_the_direction_of_the_rows(tmp_path: Path) -> None:
    for size in (1e-30, 1.0, 1e300):
        tensors = {"embeddings": WORDS.astype(np.float64) * size}
        found = open_model(make_model(tmp_path / f"{size}", tensors)).embed_texts(["harbour ship", "unknown"])
        wanted = WORDS[1] + WORDS[8]
        # One byte a number is as exact as this.
        assert found[0] @ wanted / np.linalg.norm(wanted) > 0.9999
        assert not found[1].any()


def test_a_real_model_gives_the_mean_of_the_rows_in_its_file(static_model: Path) -> None:
    (table,) = load_file(static_model / "model.safetensors").values()
    tokenizer = Tokenizer.from_file(str(static_model / "tokenizer.json"))
    tokenizer.no_padding()
    texts = ["The striker scored twice in the final.", "Ein Schiff kam an.", "vaccine", "港の計画 2021"]
    found = open_model(str(static_model)).embed_texts(texts)
    for text, vector in zip(texts, found, strict=True):
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        wanted = table[ids].astype(np.float64).sum(axis=0)
        assert vector @ wanted / np.linalg.norm(wanted) > 0.9999


def test_pieces_may_share_rows_and_have_factors(tmp_path: Path) -> None:
    pieces = len(WORDS)
    mapping, factors = np.zeros(pieces, np.int64), np.ones(pieces, np.float32)
    mapping[1:4] = 1, 2, 2  # harbour, harbor and port
    factors[3] = 3
    rows = np.array([[0, 0], [1, 0], [0, 1]], np.float32)
    tensors: dict[str, NDArray[Any]] = {"embeddings": rows, "mapping": mapping, "weights": factors}
    model = open_model(make_model(tmp_path, tensors))
    assert model.embed_texts(["harbour port"]) == pytest.approx(np.array([[1, 3]]) / np.sqrt(10), abs=1e-6)


def test_the_folder_of_a_static_model_of_sentence_transformers_is_read(tmp_path: Path) -> None:
    make_tiny_model(tmp_path / "0_StaticEmbedding")
    module = {"path": "0_StaticEmbedding", "type": "sentence_transformers.models.StaticEmbedding"}
    (tmp_path / "modules.json").write_text(json.dumps([module]))
    assert open_model(str(tmp_path)).embed_texts(["ship"]).any()


@pytest.mark.parametrize(
    ("tensors", "problem"),
    [
        ({"a": WORDS, "b": WORDS}, "has 2 tables of numbers: a, b…: a static model has one; export another"),
        ({"a": WORDS[0]}, "has no table of numbers of 16, 32 or 64 bits"),
        ({"a": WORDS.astype(np.int8)}, "has no table of numbers"),
        ({"a": WORDS[:7]}, "has rows for 7 pieces of words and its tokenizer has 51: put the tokenizer.json"),
        ({"a": np.where(WORDS > 0.3, np.nan, WORDS)}, "has numbers that are not finite: restore the file"),
        ({"a": np.where(WORDS > 0.3, np.inf, WORDS)}, "has numbers that are not finite"),
    ],
)
def test_a_file_that_is_no_static_model_is_an_error(
    tensors: dict[str, NDArray[Any]], problem: str, tmp_path: Path
) -> None:
    folder = make_model(tmp_path, tensors)
    with pytest.raises(ModelFailed) as caught:
        open_model(folder).embed_texts(["ship"])
    assert str(caught.value).startswith(f"the static model {tmp_path / 'model.safetensors'} {problem}")


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json"])
@pytest.mark.parametrize("damage", ["empty", "truncated", "garbage", "removed"])
def test_a_damaged_file_is_an_error_that_names_the_model(file: str, damage: str, tmp_path: Path) -> None:
    model = open_model(str(make_tiny_model(tmp_path / "a")))
    path = tmp_path / "a" / file
    contents = path.read_bytes()
    path.write_bytes({"empty": b"", "truncated": contents[:-9], "garbage": b"\xff{}" * 99}.get(damage, b""))
    if damage == "removed":
        path.unlink()
    with pytest.raises(
        ModelFailed, match=r"^the static model .*a/model\.safetensors cannot be loaded \(.+\): "
    ):
        model.embed_query("ship", 60)
    if damage != "removed":
        assert len(model.fingerprint) == 32


def test_a_real_model_finds_what_has_none_of_the_words(static_model: Path) -> None:
    model = open_model(str(static_model))
    texts = [
        "The government raised taxes on petrol.",
        "A vaccine against the virus was approved.",
        "The striker scored twice in the final.",
    ]
    found = model.embed_texts(texts)
    assert found.shape == (3, 256)
    for query, nearest in [("fuel prices", 0), ("immunization", 1), ("football match", 2)]:
        assert int(np.argmax(found @ model.embed_query(query)[0])) == nearest
