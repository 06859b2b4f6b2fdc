"""Any model: the option names it, it is loaded when it is used, and it fails with a message."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from indexer.errors import ConfigError, ModelFailed
from indexer.vectors import Matrix, open_model
from indexer.vectors.model import WINDOW, LoadedOnUse, embed_windows, split_windows
from tests.fixtures.models import make_tiny_model, make_tiny_onnx, write_tokenizer

Make = Callable[[Path], Path]
ROOT = Path(__file__).parents[2]


def count_words(windows: Sequence[str]) -> Matrix:
    """A vector of two numbers for each window: how often it has the words a and b."""
    return np.array(
        [[window.split().count("a"), window.split().count("b")] for window in windows], np.float32
    )


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("", []),
        (" \n\t ", []),
        ("word", [1]),
        ("word " * WINDOW, [WINDOW]),
        ("word " * (WINDOW + 1), [80, 81]),
        ("word " * 400, [133, 133, 134]),
    ],
)
def test_a_text_is_divided_into_windows_of_about_the_same_number_of_words(
    text: str, sizes: list[int]
) -> None:
    windows = split_windows(text)
    assert [len(window.split()) for window in windows] == sizes
    assert " ".join(windows).split() == text.split()


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("港" * 1000, 2 * WINDOW),
        ("กข" * 500, 2 * WINDOW),
        ("한국" * 500, 2 * WINDOW),
        ("x" * 1_000_000, 16 * WINDOW),
        ("é" * 10_000, 16 * WINDOW),
    ],
)
def test_a_text_without_spaces_is_divided_too(text: str, most: int) -> None:
    windows = split_windows(text)
    assert "".join(windows) == text
    assert max(map(len, windows)) <= most


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("1234567890abcdef " * 1000, 800),
        ("0123456789 " * 1000, 500),
        ("https://www.example.org/2021/11/storm?id=1 " * 500, 1000),
        (("incomprehensible " * 9 + "a " * 40) * 40, 1500),
        (f"ship{' ' * 5000}quay {'word ' * 300}", 1500),
    ],
    ids=["hexadecimal", "digits", "addresses", "long words", "spaces"],
)
def test_a_window_of_what_models_divide_into_many_pieces_is_shorter(text: str, most: int) -> None:
    windows = split_windows(text)
    assert "".join("".join(windows).split()) == "".join(text.split())
    assert max(map(len, windows)) <= most


def test_a_window_of_english_prose_is_as_long_as_its_words_say() -> None:
    sentence = "Government ministers considered 2,500 amendments, and rejected most of them by 2011. "
    windows = split_windows(sentence * 160)
    assert {len(window.split()) for window in windows} == {160}


def test_lone_surrogates_are_replaced() -> None:
    assert split_windows("a\ud800b \udfffc") == ["a\ufffdb \ufffdc"]


def test_a_vector_is_the_mean_direction_of_the_windows_and_has_the_length_one() -> None:
    found = embed_windows(["a a", "", "a a b b", "c"], count_words, words=2)
    assert found is not None
    half = np.sqrt(0.5)
    assert found == pytest.approx(np.array([[1, 0], [0, 0], [half, half], [0, 0]]), abs=1e-6)


def test_long_vectors_do_not_overflow() -> None:
    found = embed_windows(["a b"], lambda _: np.array([[3e38, 3e38]], np.float32))
    assert found == pytest.approx(np.full((1, 2), np.sqrt(0.5)), abs=1e-6)


def test_texts_without_words_are_not_embedded() -> None:
    assert embed_windows(["", " "], count_words) is None


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("/nowhere/model", "“/nowhere/model” does not exist: give a folder with a model, the name of"),
        ("./minilm", "“./minilm” does not exist"),
        ("~/no such folder", "“~/no such folder” does not exist"),
        ("a/b/c", "“a/b/c” does not exist"),
        ("", "“” is not a folder"),
        ("a\0b", "“a\0b” does not exist"),
        (__file__, "is not a folder"),
        ("no-such-model", "there is no folder “no-such-model”: check the path, or pip install 'sentence-tra"),
        (
            "modls/minilm",
            "there is no folder “modls/minilm”: check the path, or pip install 'sentence-transf",
        ),
        ("owner/name", "if it is the name of a model for this library"),
        ("http://", "has no valid host and port"),
    ],
)
def test_a_model_that_is_not_there_is_an_error_of_the_option(
    name: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(ConfigError) as caught:
        open_model(name)
    assert problem in str(caught.value)
    assert caught.value.field == "model"


def test_a_folder_without_a_model_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"has no model: .* tokenizer\.json .* \.onnx .* \.safetensors"):
        open_model(str(tmp_path))
    write_tokenizer(tmp_path, {"a": ["b"]})
    with pytest.raises(ConfigError, match="has no model"):
        open_model(str(tmp_path))


@pytest.mark.parametrize("library", ["safetensors", "tokenizers"])
def test_a_missing_library_is_named_with_the_command_that_installs_it(
    tiny_model: Path, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ConfigError, match=rf"needs {library}, .*: pip install 'nutgraf\[meaning\]'"):
        open_model(str(tiny_model))


def test_a_model_can_be_named_from_the_working_directory(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny_model.parent)
    assert open_model("model").fingerprint == open_model(str(tiny_model)).fingerprint


@pytest.mark.parametrize("make", [make_tiny_model, make_tiny_onnx])
def test_words_of_a_topic_are_close_in_either_kind_of_model(make: Make, tmp_path: Path) -> None:
    model = open_model(str(make(tmp_path / "model")))
    found = model.embed_texts(["The ship at the quay.", "A vaccine", "Unknown", "", "\0\x1f\ud800"])
    assert found.dtype == np.float32
    assert (*found.shape, model.dimensions) == (5, 64, 64)
    assert np.linalg.norm(found, axis=1) == pytest.approx([1, 1, 0, 0, 0], abs=1e-6)
    ship, vaccine, *_ = found @ model.embed_query("boats in the harbour")[0]
    assert ship > 0.8 > 0.3 > vaccine
    assert not model.embed_query("").any()


def test_no_texts_have_no_vectors(tiny_model: Path) -> None:
    assert open_model(str(tiny_model)).embed_texts([]).shape == (0, 64)


def test_the_order_and_the_company_of_texts_do_not_change_their_vectors(tmp_path: Path) -> None:
    texts = [f"ship {'quay ' * length} vaccine" for length in (7, 0, 300, 3, 1, 9, 2, 500)]
    for make in (make_tiny_model, make_tiny_onnx):
        model = open_model(str(make(tmp_path / make.__name__)))
        together = model.embed_texts(texts)
        alone = np.concatenate([model.embed_texts([text]) for text in texts])
        assert together == pytest.approx(alone, abs=1e-6)


def test_a_text_of_a_million_characters_is_embedded(tiny_model: Path) -> None:
    model = open_model(str(tiny_model))
    found = model.embed_texts(["ship " * 200_000, "x" * 1_000_000])
    assert found[0] == pytest.approx(model.embed_texts(["ship"])[0], abs=1e-5)
    assert not found[1].any()


def test_the_fingerprint_is_the_same_in_another_folder_and_differs_for_another_model(tmp_path: Path) -> None:
    first = open_model(str(make_tiny_model(tmp_path / "a"))).fingerprint
    assert first == open_model(str(make_tiny_model(tmp_path / "b"))).fingerprint
    others = [
        open_model(str(make_tiny_model(tmp_path / "c", {"a": ["b"]}))).fingerprint,
        open_model(str(make_tiny_model(tmp_path / "d", dimensions=32))).fingerprint,
        open_model(str(make_tiny_onnx(tmp_path / "e"))).fingerprint,
        open_model("https://models.example/v1#a").fingerprint,
        open_model("https://models.example/v1#b").fingerprint,
        open_model("https://models.example/v2#a").fingerprint,
    ]
    assert len({first, *others}) == 7
    assert {len(each) for each in (first, *others)} == {32}


def test_fingerprints_do_not_change_from_release_to_release(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"")
    assert open_model(str(tmp_path)).fingerprint == "36098c098e6f331e0f1840572a004e42"
    assert open_model("https://models.example/v1#a").fingerprint == "56cd2370b8362ebe980e7826e070cc6d"


def test_a_query_that_was_embedded_is_remembered(tiny_model: Path) -> None:
    model = open_model(str(tiny_model))
    found = model.embed_query("a  ship")
    assert model.embed_query(" a ship ") is found
    assert not found.flags.writeable
    for number in range(1000):
        model.embed_query(f"query {number}")
    assert model.embed_query("a ship") is not found
    assert model.embed_query("a ship") == pytest.approx(found)


class _Slow:
    """A model whose loading waits for an event, and the encoder of it."""

    window, is_quick, dimensions = WINDOW, False, 1

    def __init__(self) -> None:
        self.go, self.loads = threading.Event(), 0

    def __str__(self) -> str:
        return "the slow model"

    def fingerprint(self) -> str:
        return "0" * 32

    def load(self) -> _Slow:
        self.loads += 1
        self.go.wait()
        return self

    def encode(self, windows: Sequence[str], *, is_query: bool, seconds: float) -> Matrix:
        return np.ones((len(windows), 1), np.float32)


class _Counting:
    """A model that needs a moment for a query: until it is told to go on. It counts what it is given."""

    window, is_quick, dimensions = WINDOW, False, 1

    def __init__(self) -> None:
        self.go, self.given = threading.Event(), list[str]()
        self.failure: Exception | None = None

    def __str__(self) -> str:
        return "the model"

    def fingerprint(self) -> str:
        return "0" * 32

    def load(self) -> _Counting:
        return self

    def encode(self, windows: Sequence[str], *, is_query: bool, seconds: float) -> Matrix:
        self.given += windows
        self.go.wait()
        if self.failure:
            raise self.failure
        return np.ones((len(windows), 1), np.float32)


def test_a_query_that_was_started_is_embedded_once() -> None:
    counting = _Counting()
    model = LoadedOnUse(counting)
    for _ in range(20):
        model.start_query("a ship", 60)
    with pytest.raises(ModelFailed, match="has not answered within"):
        model.embed_query("a  ship", 0.001)
    counting.go.set()
    assert model.embed_query("a ship", 60) == pytest.approx(np.ones((1, 1)))
    model.start_query("a ship", 60)
    assert counting.given == ["a ship"]


def test_more_queries_than_there_are_threads_are_not_started() -> None:
    counting = _Counting()
    model = LoadedOnUse(counting)
    for number in range(20):
        model.start_query(f"query {number}", 60)
    counting.go.set()
    for number in range(20):
        assert model.embed_query(f"query {number}", 60).any()
    assert sorted(counting.given) == sorted(f"query {number}" for number in range(20))


def test_a_query_that_was_started_and_failed_is_told_to_who_asks_for_it() -> None:
    counting = _Counting()
    counting.failure = RuntimeError("out of order")
    model = LoadedOnUse(counting)
    model.start_query("a ship", 60)
    counting.go.set()
    with pytest.raises(ModelFailed, match=r"the model failed .*out of order"):
        model.embed_query("a ship", 60)


def test_a_query_does_not_wait_for_a_slow_model_which_is_there_for_a_later_one() -> None:
    slow = _Slow()
    model = LoadedOnUse(slow)
    for _ in range(20):
        with pytest.raises(ModelFailed, match=r"^the slow model has not answered within 0\.001 s$"):
            model.embed_query("ship", 0.001)
    slow.go.set()
    assert model.embed_query("ship") == pytest.approx(np.ones((1, 1)))
    assert model.embed_query("boat", 60) == pytest.approx(np.ones((1, 1)))
    assert slow.loads == 1


def test_threads_load_a_model_once() -> None:
    slow = _Slow()
    slow.go.set()
    model = LoadedOnUse(slow)
    threads = [threading.Thread(target=model.embed_texts, args=(["a"],)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert slow.loads == 1


class _Broken(_Slow):
    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def load(self) -> _Slow:
        self.loads += 1
        raise self.error


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("bad\nbytes"), "the slow model cannot be loaded (ValueError: bad bytes): check that its"),
        (OSError(5, "Input/output error"), "the slow model cannot be loaded (Input/output error): check"),
        (MemoryError(), "the slow model cannot be loaded, as memory is short: give a smaller model"),
        (ConfigError("config.json is not JSON", "model"), "config.json is not JSON"),
    ],
)
def test_an_error_of_a_library_becomes_a_message(error: BaseException, message: str) -> None:
    with pytest.raises(ModelFailed) as caught:
        LoadedOnUse(_Broken(error)).embed_texts(["a"])
    assert str(caught.value).startswith(message)


def test_a_model_that_could_not_be_loaded_is_loaded_once_it_can_be(tmp_path: Path) -> None:
    folder = make_tiny_model(tmp_path)
    model, tokenizer = open_model(str(folder)), folder / "tokenizer.json"
    assert model.fingerprint
    tokenizer.rename(tmp_path / "away")
    with pytest.raises(ModelFailed, match="cannot be loaded"):
        model.embed_query("ship", 60)
    (tmp_path / "away").rename(tokenizer)
    assert model.embed_query("ship", 60).any()


class _NotFinite(_Slow):
    def encode(self, windows: Sequence[str], *, is_query: bool, seconds: float) -> Matrix:
        return np.full((len(windows), 1), math.nan, np.float32)


def test_numbers_that_are_not_finite_are_an_error() -> None:
    model = _NotFinite()
    model.go.set()
    with pytest.raises(ModelFailed, match="gives numbers that are not finite"):
        LoadedOnUse(model).embed_texts(["a"])


def test_a_model_that_is_replaced_before_it_is_loaded_is_not_taken_for_the_old_one(tmp_path: Path) -> None:
    model = open_model(str(make_tiny_model(tmp_path / "a")))
    first = model.fingerprint
    make_tiny_model(tmp_path / "a", dimensions=32)
    with pytest.raises(ModelFailed, match="was replaced since it was opened: start the program again"):
        model.embed_query("ship", 60)
    assert model.fingerprint == first


def test_a_model_whose_files_change_while_it_is_used_keeps_its_fingerprint(tmp_path: Path) -> None:
    model = open_model(str(make_tiny_model(tmp_path / "a")))
    found = model.embed_texts(["ship"])
    first = model.fingerprint
    make_tiny_model(tmp_path / "a", dimensions=32)
    assert model.fingerprint == first
    assert model.embed_texts(["ship"]) == pytest.approx(found)
    assert open_model(str(tmp_path / "a")).fingerprint != first


FORKING = """
import os, sys
import numpy as np
from indexer.vectors import open_model
model = open_model(sys.argv[1])
texts = ["a ship", "a quay in the rain", "a ship at the quay"] * 50
first = model.embed_texts(texts), model.embed_query("boat", 60)
def check():
    again = model.embed_texts(texts), model.embed_query("boat", 60)
    new = model.embed_query("boats", 60)
    assert np.allclose(first[0], again[0]) and np.allclose(first[1], again[1]) and new.any()
child = os.fork()
if not child:
    check()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
check()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.parametrize("make", [make_tiny_model, make_tiny_onnx])
def test_a_forked_process_uses_a_model_that_was_loaded_before(make: Make, tmp_path: Path) -> None:
    folder = str(make(tmp_path / "model"))
    # From Python 3.12 on, a fork in a process with threads is warned of.
    command = [sys.executable, "-W", "ignore", "-c", FORKING, folder]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
