"""Models that sentence-transformers runs.

The library is not among what the tests install, since it takes gigabytes: a stand-in with the same interface
takes its place. The cache that models are looked for in is a real one.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from indexer.errors import ConfigError, ModelFailed
from indexer.vectors import open_model

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TRANSFORMER = {"type": "sentence_transformers.models.Transformer", "path": ""}
HARMLESS = "torch.nn.modules.activation.Tanh"
LIBRARY = """
import numpy as np

class SentenceTransformer:
    def __init__(self, path, *, local_files_only, trust_remote_code):
        assert local_files_only and trust_remote_code is False
        self.path, self.max_seq_length, self.prompts = path, LENGTH, PROMPTS

    def encode(self, texts, *, batch_size, show_progress_bar, prompt_name=None):
        assert isinstance(texts, list) and not show_progress_bar
        prompt = self.prompts[prompt_name] if prompt_name else ""
        return np.array([[(prompt + text).count(word) for word in ("ship", "quay", "ask")] for text in texts])
"""
NEWER = """
    def encode_query(self, texts, **options):
        return self.encode(texts, prompt_name="query", **options)

    def encode_document(self, texts, **options):
        return self.encode(texts, **options)
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of models, which is empty."""
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def install(monkeypatch: pytest.MonkeyPatch, folder: Path, *, length: int = 256, more: str = "") -> None:
    prompts = {"query": "ask "}
    library = folder / "library" / "sentence_transformers.py"
    library.parent.mkdir()
    library.write_text(LIBRARY.replace("LENGTH", str(length)).replace("PROMPTS", repr(prompts)) + more)
    monkeypatch.syspath_prepend(library.parent)
    monkeypatch.delitem(sys.modules, "sentence_transformers", raising=False)


def write_json(folder: Path, **files: object) -> Path:
    """Write files into the folder of a model, which are given by their names without ".json"."""
    for name, value in files.items():
        path = folder / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value))
    return folder


def download(cache: Path, name: str, commit: str = COMMIT) -> None:
    """Put a model into the cache, as a download does."""
    folder = cache / f"models--{name.replace('/', '--')}"
    for path, text in {"refs/main": commit, f"snapshots/{commit}/config.json": "{}"}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


@pytest.mark.parametrize("more", ["", NEWER], ids=["version 3", "version 5"])
def test_a_model_that_is_on_this_machine_embeds_texts_and_queries(
    more: str, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, tmp_path, more=more)
    download(cache, "sentence-transformers/minilm")
    model = open_model("minilm")
    half = np.sqrt(0.5)
    assert model.embed_texts(["ship", "ship quay", ""]) == pytest.approx(
        np.array([[1, 0, 0], [half, half, 0], [0, 0, 0]]), abs=1e-6
    )
    assert model.embed_query("ship", 60) == pytest.approx(np.array([[half, 0, half]]), abs=1e-6)
    assert (model.dimensions, str(model)) == (3, "the model minilm of sentence-transformers")


def test_texts_are_divided_further_for_a_model_that_reads_less(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, tmp_path, length=4)
    download(cache, "owner/name")
    found = open_model("owner/name").embed_texts(["ship ship ship quay quay quay"])
    assert found == pytest.approx(np.array([[1, 1, 0]]) * np.sqrt(0.5), abs=1e-6)


def test_the_fingerprint_is_that_of_the_commit(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, tmp_path)
    download(cache, "sentence-transformers/minilm")
    first = open_model("minilm").fingerprint
    assert first == open_model("sentence-transformers/minilm").fingerprint
    download(cache, "sentence-transformers/minilm", COMMIT[::-1])
    assert open_model("minilm").fingerprint != first


def test_a_model_that_is_not_on_this_machine_is_not_downloaded(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, tmp_path)
    model = open_model("minilm")
    wanted = (
        r"^there is no folder minilm, and the model minilm of sentence-transformers is not on this machine: "
        r"check the path, or download it with `hf download "
    )
    with pytest.raises(ModelFailed, match=wanted + "sentence-transformers/minilm`"):
        model.embed_query("ship", 60)
    with pytest.raises(ModelFailed, match=wanted):
        assert model.fingerprint
    assert not cache.exists()


def test_a_folder_without_an_onnx_file_is_for_the_library_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "modules.json").write_text(json.dumps([TRANSFORMER]))
    (folder / "model.safetensors").write_bytes(b"1")
    (folder / "tokenizer.json").write_text("{}")
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "sentence_transformers", None)
        with pytest.raises(
            ConfigError, match=r"which has no \.onnx file, needs sentence-transformers, which is"
        ):
            open_model(str(folder))
    install(monkeypatch, tmp_path)
    model = open_model(str(folder))
    assert model.embed_texts(["ship"]) == pytest.approx(np.array([[1, 0, 0]]))
    first = model.fingerprint
    (folder / "model.safetensors").write_bytes(b"22")
    assert open_model(str(folder)).fingerprint != first


def name_part(kind: str) -> list[dict[str, str]]:
    """The parts of a model, of which the second is of some kind of sentence-transformers."""
    return [TRANSFORMER, {"type": f"sentence_transformers.models.{kind}", "path": "1"}]


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"modules": [TRANSFORMER, {"type": "custom.A", "path": "1"}]}, "modules.json names “custom.A”"),
        ({"modules": [{"type": "torch.nn.Identity"}]}, "modules.json names “torch.nn.Identity”"),
        ({"modules": [{"type": "subprocess.Popen"}]}, "modules.json names “subprocess.Popen”"),
        ({"modules": [{"type": "sentence_transformers_more.A"}]}, "names “sentence_transformers_more.A”"),
        ({"modules": [{"type": "owner/name--custom.A"}]}, "names “owner/name--custom.A”"),
        ({"modules": [{"type": None}]}, "names “None”"),
        ({"modules": [{"path": ""}]}, "names “”"),
        (
            {"modules": name_part("Dense"), "1/config": {"activation_function": "os.abort"}},
            "1/config.json names “os.abort”",
        ),
        (
            {"modules": name_part("Router"), "1/router_config": {"types": {"a": "custom.A"}}},
            "1/router_config.json names “custom.A”",
        ),
        (
            {"modules": name_part("Asym"), "1/config": {"types": {"a": "custom.A"}}},
            "1/config.json names “custom.A”",
        ),
        (
            {
                "modules": name_part("Router"),
                "1/router_config": {"types": {"a": "sentence_transformers.models.Dense"}},
                "1/a/config": {"activation_function": "custom.A"},
            },
            "1/a/config.json names “custom.A”",
        ),
        (
            {
                "modules": name_part("WordEmbeddings"),
                "1/wordembedding_config": {"tokenizer_class": "custom.A"},
            },
            "1/wordembedding_config.json names “custom.A”",
        ),
    ],
)
def test_a_model_that_asks_for_code_of_others_is_refused_before_it_is_loaded(
    files: dict[str, object], found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, tmp_path, more="raise SystemError('was loaded')")
    model = open_model(str(write_json(tmp_path / "model", **files)))
    with pytest.raises(ModelFailed) as caught:
        model.embed_texts(["ship"])
    assert found in str(caught.value)
    assert "is not run: give a model with parts of sentence_transformers only" in str(caught.value)


def test_a_model_in_the_cache_that_asks_for_code_of_others_is_refused_too(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, tmp_path)
    download(cache, "owner/name")
    write_json(
        cache / "models--owner--name" / "snapshots" / COMMIT, modules=[{"type": "custom.A", "path": ""}]
    )
    with pytest.raises(ModelFailed, match=r"names “custom\.A”"):
        open_model("owner/name").embed_texts(["ship"])


@pytest.mark.parametrize(
    ("content", "problem"),
    [("[", "is not JSON"), ('{"a": 1}', "has no list of parts"), ('["a"]', "has no list")],
)
def test_a_list_of_parts_that_cannot_be_read_is_an_error(
    content: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, tmp_path)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "modules.json").write_text(content)
    with pytest.raises(ConfigError, match=problem):
        open_model(str(tmp_path / "model"))


def test_parts_that_have_each_other_are_looked_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, tmp_path)
    router = "sentence_transformers.models.Router"
    types = {"types": {"": router, "../1": router, "../2": router}}
    folder = write_json(
        tmp_path / "model", **{"modules": name_part("Router"), "1/config": types, "2/config": types}
    )
    assert open_model(str(folder)).embed_texts(["ship"]).any()


def test_parts_of_the_library_are_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, tmp_path)
    folder = write_json(
        tmp_path / "model",
        modules=[
            *name_part("Dense"),
            {"type": "sentence_transformers.models.Router", "path": "2"},
            {"type": "sentence_transformers.models.Normalize", "path": "3"},
        ],
        config={"activation_function": "gelu_new", "tokenizer_class": "BertTokenizer"},
        **{
            "1/config": {"activation_function": HARMLESS},
            "2/router_config": {"types": {"a": "sentence_transformers.models.Dense"}},
            "2/a/config": {"activation_function": HARMLESS},
        },
    )
    assert open_model(str(folder)).embed_texts(["ship"]).any()
