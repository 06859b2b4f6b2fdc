"""ONNX models: their files, their configuration, and what is made of their output."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.errors import ConfigError, ModelFailed
from indexer.vectors import open_model
from indexer.vectors.onnx import find_onnx
from tests.fixtures.models import TOPICS, make_tiny_onnx, weigh_words

WORDS = weigh_words(TOPICS, 64)
HARBOUR, PORT, SHIP = WORDS[1], WORDS[3], WORDS[8]


def configure(folder: Path, file: str, **options: Any) -> None:
    path = folder / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(options))


def unit(vector: Any) -> Any:
    return pytest.approx(vector / np.linalg.norm(vector), abs=1e-5)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, HARBOUR + PORT + SHIP),
        ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}, HARBOUR + PORT + SHIP),
        ({"pooling_mode_mean_sqrt_len_tokens": True}, HARBOUR + PORT + SHIP),
        ({"pooling_mode_cls_token": True}, HARBOUR),
        ({"pooling_mode": "cls"}, HARBOUR),
        ({"pooling_mode_lasttoken": True}, SHIP),
        ({"pooling_mode_max_tokens": True}, np.max([HARBOUR, PORT, SHIP], axis=0)),
    ],
)
def test_pooling_follows_the_configuration(options: dict[str, Any], expected: Any, tmp_path: Path) -> None:
    make_tiny_onnx(tmp_path)
    configure(tmp_path, "1_Pooling/config.json", **options)
    model = open_model(str(tmp_path))
    # The others are longer, so that the first one is padded.
    found = model.embed_texts(["harbour port ship", "ship " * 9, "ship " * 20])
    assert found[0] == unit(expected)


@pytest.mark.parametrize("output", ["sentence_embedding", "pooler_output", "anything"])
def test_an_output_of_any_name_is_taken(output: str, tmp_path: Path) -> None:
    make_tiny_onnx(tmp_path, output=output)
    assert open_model(str(tmp_path)).embed_texts(["harbour ship"])[0] == unit(HARBOUR + SHIP)


def test_a_model_gets_the_inputs_that_it_asks_for(tmp_path: Path) -> None:
    inputs = ("input_ids", "attention_mask", "token_type_ids", "position_ids")
    make_tiny_onnx(tmp_path / "all", inputs=inputs)
    make_tiny_onnx(tmp_path / "one", inputs=inputs[:1])
    make_tiny_onnx(tmp_path / "more", inputs=(*inputs, "past_key_values"))
    for name in ("all", "one"):
        assert open_model(str(tmp_path / name)).embed_texts(["ship"])[0] == unit(SHIP)
    with pytest.raises(ModelFailed, match="asks for past_key_values: give a model that needs nothing but"):
        open_model(str(tmp_path / "more")).embed_texts(["ship"])


def test_prompts_stand_before_queries_and_texts(tmp_path: Path) -> None:
    make_tiny_onnx(tmp_path)
    plain = open_model(str(tmp_path)).fingerprint
    prompts = {"query": "harbour: ", "passage": "port: "}
    configure(tmp_path, "config_sentence_transformers.json", prompts=prompts)
    model = open_model(str(tmp_path))
    assert model.embed_texts(["ship", ""])[0] == unit(PORT + SHIP)
    assert model.embed_query("ship")[0] == unit(HARBOUR + SHIP)
    assert model.fingerprint != plain


def test_a_prompt_for_queries_does_not_outdate_the_vectors_of_texts(tmp_path: Path) -> None:
    make_tiny_onnx(tmp_path)
    plain = open_model(str(tmp_path)).fingerprint
    configure(tmp_path, "config_sentence_transformers.json", prompts={"query": "harbour: ", "document": ""})
    assert open_model(str(tmp_path)).fingerprint == plain


@pytest.mark.parametrize(
    ("file", "option"),
    [
        ("sentence_bert_config.json", "max_seq_length"),
        ("tokenizer_config.json", "model_max_length"),
        ("config.json", "max_position_embeddings"),
    ],
)
def test_a_text_that_is_longer_than_the_model_reads_is_divided_further(
    file: str, option: str, tmp_path: Path
) -> None:
    make_tiny_onnx(tmp_path)
    configure(tmp_path, file, **{option: 8})
    # Windows of six words, of which each fits.
    text = "harbour " * 6 + "ship " * 6
    assert open_model(str(tmp_path)).embed_texts([text])[0] == unit(unit_of(HARBOUR) + unit_of(SHIP))


def unit_of(vector: Any) -> Any:
    return vector / np.linalg.norm(vector)


def test_a_length_that_no_model_has_is_not_believed(tmp_path: Path) -> None:
    make_tiny_onnx(tmp_path)
    configure(tmp_path, "tokenizer_config.json", model_max_length=10**30)
    assert open_model(str(tmp_path)).embed_texts(["ship " * 500])[0] == unit(SHIP)


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        (["a.onnx"], "a.onnx"),
        (["a.onnx", "model.onnx", "onnx/model.onnx"], "model.onnx"),
        (["onnx/model_O4.onnx", "onnx/model.onnx", "onnx/model_quantized.onnx"], "onnx/model.onnx"),
        (["onnx/model_O4.onnx", "onnx/model_quantized.onnx"], "onnx/model_quantized.onnx"),
    ],
)
def test_the_usual_file_of_several_is_taken_and_named(files: list[str], chosen: str, tmp_path: Path) -> None:
    for file in files:
        make_tiny_onnx(tmp_path, file=file)
    model = open_model(str(tmp_path))
    assert str(model) == f"the ONNX model {tmp_path / chosen}"
    assert model.embed_texts(["ship"])[0] == unit(SHIP)


def test_a_file_can_be_chosen(tmp_path: Path) -> None:
    for file in ("onnx/model_int8.onnx", "onnx/model_O4.onnx"):
        make_tiny_onnx(tmp_path, file=file)
    with pytest.raises(
        ConfigError, match=r"has 2 models \(onnx/model_O4\.onnx, onnx/model_int8\.onnx\): give"
    ):
        open_model(str(tmp_path))
    chosen = tmp_path / "onnx" / "model_int8.onnx"
    assert str(open_model(str(chosen))) == f"the ONNX model {chosen}"


def test_weights_in_a_file_of_their_own_are_part_of_the_fingerprint(tmp_path: Path) -> None:
    make_tiny_onnx(tmp_path)
    (tmp_path / "model.onnx_data").write_bytes(b"1")
    first = open_model(str(tmp_path)).fingerprint
    (tmp_path / "model.onnx_data").write_bytes(b"22")
    assert open_model(str(tmp_path)).fingerprint != first


def test_a_model_without_a_tokenizer_is_an_error(tmp_path: Path) -> None:
    make_tiny_onnx(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(ConfigError, match=r"has no tokenizer\.json: put the one there that belongs to the"):
        open_model(str(tmp_path))


@pytest.mark.parametrize(
    ("file", "contents", "problem"),
    [
        ("model.onnx", b"", r"the ONNX model .*/model\.onnx cannot be loaded \("),
        ("model.onnx", b"garbage" * 99, r"the ONNX model .*/model\.onnx cannot be loaded \(.*\): check that"),
        ("tokenizer.json", b"[]", r"the ONNX model .*/model\.onnx cannot be loaded \("),
        ("tokenizer.json", b"\xff\xfe", r"the ONNX model .*/model\.onnx cannot be loaded \("),
        ("1_Pooling/config.json", b"{", r"1_Pooling/config\.json is not JSON \(.*\): restore the file"),
        ("1_Pooling/config.json", b"[]", r"1_Pooling/config\.json has no JSON object"),
        ("sentence_bert_config.json", b"[" * 100_000, r"sentence_bert_config\.json is not JSON"),
        ("modules.json", b"{", r"modules\.json is not JSON"),
        (
            "modules.json",
            b'[{"type": "x.models.Dense", "path": "2_Dense"}]',
            r"not supported \(Dense\): export",
        ),
        ("1_Pooling/config.json", b'{"pooling_mode": "rnn"}', r"parts beside it .* not supported \(rnn\)"),
        (
            "1_Pooling/config.json",
            b'{"pooling_mode_cls_token": true, "pooling_mode_max_tokens": true}',
            r"not supported \(cls, max\)",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    file: str, contents: bytes, problem: str, tmp_path: Path
) -> None:
    model = find_and_break(tmp_path, file, contents)
    with pytest.raises(ModelFailed, match=problem):
        model.embed_query("ship", 60)


def find_and_break(folder: Path, file: str, contents: bytes) -> Any:
    """A model in a folder, of which one file is replaced after it was opened."""
    model = open_model(str(make_tiny_onnx(folder)))
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_bytes(contents)
    return model


def test_parts_beside_the_model_do_not_matter_if_it_has_them_inside(tmp_path: Path) -> None:
    make_tiny_onnx(tmp_path, output="sentence_embedding")
    (tmp_path / "modules.json").write_text('[{"type": "x.models.Dense", "path": "2_Dense"}]')
    assert open_model(str(tmp_path)).embed_texts(["ship"])[0] == unit(SHIP)


def test_texts_are_put_into_lower_case_if_the_configuration_says_so(tmp_path: Path) -> None:
    make_tiny_onnx(tmp_path)
    configure(tmp_path, "sentence_bert_config.json", do_lower_case=True)
    found = find_onnx(tmp_path)
    assert found is not None
    assert found.read_settings().is_lower
    assert open_model(str(tmp_path)).embed_texts(["SHIP"])[0] == unit(SHIP)


def test_texts_that_are_embedded_side_by_side_get_the_vectors_that_each_gets_alone(tmp_path: Path) -> None:
    model = open_model(str(make_tiny_onnx(tmp_path)))
    words = [word for topic in TOPICS.values() for word in topic]
    texts = [" ".join(words[number % 7 : number % 13 + 1]) for number in range(150)]
    alone = np.concatenate([model.embed_texts([text]) for text in texts])
    assert model.embed_texts(texts) == pytest.approx(alone, abs=1e-6)
