"""Configuration: the file, then the environment, then the caller; errors name the option."""

from __future__ import annotations

import errno
import os
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from indexer import Config, ConfigError, StorageFailed, load_config
from indexer.text.synonyms import read_synonyms


def write(folder: Path, text: str) -> None:
    (folder / "nutgraf.toml").write_text(text)


def load(folder: Path, environment: dict[str, str] | None = None, **options: Any) -> Config:
    return load_config(folder, environment=environment or {}, **options)


def test_the_defaults_hold_if_nothing_is_configured(tmp_path: Path) -> None:
    config = load(tmp_path)
    assert config == Config(index=tmp_path / "index_data")


def test_arguments_override_the_environment_and_that_overrides_the_file(tmp_path: Path) -> None:
    write(tmp_path, "page_size = 1\npassages = 1\nport = 1\n")
    config = load(tmp_path, {"NUTGRAF_PASSAGES": "2", "NUTGRAF_PORT": "2", "OTHER": "x"}, port=3)
    assert (config.page_size, config.passages, config.port) == (1, 2, 3)


def test_the_file_of_the_working_directory_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, 'index = "there"\nsources = ["a", "b"]\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NUTGRAF_LANGUAGE", "de")
    config = load_config()
    assert (config.index, config.sources) == (Path("there"), (Path("a"), Path("b")))
    assert config.language == "de"


def test_paths_in_the_file_are_relative_to_it_and_others_to_the_working_directory(tmp_path: Path) -> None:
    write(tmp_path, 'index = "there"\nsources = ["a", "/b"]\nsynonyms = "words.txt"\n')
    assert load(tmp_path).synonyms == tmp_path / "words.txt"
    assert load(tmp_path).index == tmp_path / "there"
    assert load(tmp_path).sources == (tmp_path / "a", Path("/b"))
    config = load(tmp_path, {"NUTGRAF_INDEX": "here"}, sources=["c"])
    assert (config.index, config.sources) == (Path("here"), (Path("c"),))


def test_every_option_can_be_set_in_every_way(tmp_path: Path) -> None:
    values: dict[str, Any] = {
        "index": "x",
        "opensearch_password": "geheim",
        "sources": os.pathsep.join("xy"),
        "fields": '{"desk": {"type": "keyword", "facet": true}}',
        "language": "de",
        "day_first": "no",
        "timezone": "Europe/Paris",
        "max_file_mb": "7",
        "jobs": "7",
        "max_memory_mb": "7",
        "lock_timeout": "2.5",
        "synonyms": "words.txt",
        "model": "models/minilm",
        "model_key": "geheim",
        "meaning": "0.5",
        "variants": "no",
        "page_size": "7",
        "passages": "7",
        "query_characters": "7",
        "query_seconds": "7",
        "host": "::1",
        "port": "7",
        "processes": "7",
        "cors_origins": "https://one.example, http://localhost:3000",
        "frame_ancestors": "self",
        "trusted_hosts": "news.example .org.example",
        "log_queries": "yes",
        "metrics": "no",
    }
    assert set(values) == {option.name for option in fields(Config)} - {"named_sources", "cluster"}
    environment = {f"NUTGRAF_{name.upper()}": value for name, value in values.items()}
    config = load(tmp_path, environment)
    assert config == load(tmp_path, **values)
    assert config.sources == (Path("x"), Path("y"))
    assert (config.day_first, config.lock_timeout, config.max_file_mb) == (False, 2.5, 7)
    assert config.cors_origins == ("https://one.example", "http://localhost:3000")
    assert config.trusted_hosts == ("news.example", ".org.example")


@pytest.mark.parametrize("where", ["file", "environment", "call"])
def test_an_unknown_option_is_named_with_the_known_ones(tmp_path: Path, where: str) -> None:
    if where == "file":
        write(tmp_path, "page_sise = 1\n")
    environment = {"NUTGRAF_PAGE_SISE": "1"} if where == "environment" else {}
    options = {"page_sise": 1} if where == "call" else {}
    name = "NUTGRAF_PAGE_SISE" if where == "environment" else "page_sise"
    prefix = r".*nutgraf\.toml: " if where == "file" else ""
    with pytest.raises(ConfigError, match=f"^{prefix}unknown option: {name}; known: cors_origins"):
        load(tmp_path, environment, **options)


@pytest.mark.parametrize(
    ("key", "value", "wanted"),
    [
        ("page_size", "many", "a whole number, 0 or more"),
        ("page_size", -1, "a whole number"),
        ("page_size", 2.5, "a whole number"),
        ("page_size", True, "a whole number"),
        ("page_size", float("inf"), "a whole number"),
        ("page_size", [1], "a whole number"),
        ("max_file_mb", 0, "a whole number, 1 or more"),
        ("page_size", 0, "a whole number from 1 to 1,000"),
        ("page_size", "1001", "a whole number from 1 to 1,000"),
        ("page_size", 10**400, "a whole number from 1 to 1,000, not a very large number"),
        ("passages", 101, "a whole number from 0 to 100"),
        ("query_characters", 0, "a whole number from 1 to 4,000"),
        ("query_characters", 4001, "a whole number from 1 to 4,000"),
        ("port", 65536, "a whole number from 0 to 65,535"),
        ("lock_timeout", "nan", "a number, 0 or more"),
        ("lock_timeout", float("nan"), "a number, 0 or more"),
        ("lock_timeout", "-1", "a number, 0 or more"),
        ("meaning", 1.5, "a number from 0 to 1, not 1.5"),
        ("meaning", "much", "a number, 0 or more"),
        ("day_first", "perhaps", "true or false"),
        ("day_first", 1, "true or false"),
        ("language", 3, "text"),
        ("language", "klingon", "the code of a language, such as en or pt-BR, not “klingon”"),
        ("language", "", "the code of a language"),
        ("timezone", "Nowhere/Land", "a name such as Europe/Paris"),
        ("timezone", "../../etc/passwd", "a name such as Europe/Paris"),
        ("index", 3, "a path"),
        ("synonyms", "", "a path"),
        ("index", "", "a path"),
        ("index", "a\0b", "a path"),
        ("sources", 3, "a list of paths"),
        ("sources", [1], "a list of paths"),
        ("sources", "", "a list of paths"),
        ("sources", ["a", ""], "a list of paths"),
        ("cors_origins", ["https://one.example/"], "a list of origins"),
        ("cors_origins", ["one.example"], "a list of origins"),
        ("cors_origins", "null", "a list of origins"),
        ("cors_origins", 7, "a list of origins"),
        ("frame_ancestors", ["https://x.example; script-src *"], "a list of origins"),
        ("frame_ancestors", ["https://x.example\r\nX: y"], "a list of origins"),
        ("trusted_hosts", ["news.example:80"], "a list of host names"),
    ],
)
def test_an_invalid_value_is_named(tmp_path: Path, key: str, value: Any, wanted: str) -> None:
    with pytest.raises(ConfigError, match=f"^{key}: must be {wanted}"):
        load(tmp_path, **{key: value})


@pytest.mark.parametrize("text", ["page_size =", "\xff", 'x = "a', "page_size = " + "9" * 5_000])
def test_a_file_that_is_not_toml_is_reported(tmp_path: Path, text: str) -> None:
    (tmp_path / "nutgraf.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"nutgraf.toml: cannot be read as TOML"):
        load(tmp_path)


def test_a_folder_in_the_place_of_the_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "nutgraf.toml").mkdir()
    with pytest.raises(ConfigError, match="cannot be read as TOML"):
        load(tmp_path)


@pytest.mark.parametrize("text", ["x = " + "[" * 100_000, "x = " + "{a=" * 100_000], ids=["lists", "tables"])
def test_brackets_nested_too_deeply_are_reported(tmp_path: Path, text: str) -> None:
    write(tmp_path, text)
    with pytest.raises(ConfigError, match="cannot be read as TOML: brackets are nested too deeply"):
        load(tmp_path)


def test_a_pipe_in_the_place_of_a_file_is_reported_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "synonyms.txt")
    with pytest.raises(ConfigError, match="it is a pipe, not a regular file"):
        read_synonyms(tmp_path / "synonyms.txt")
    os.mkfifo(tmp_path / "nutgraf.toml")
    with pytest.raises(ConfigError, match="it is a pipe, not a regular file"):
        load(tmp_path)


def test_a_link_to_a_file_is_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.toml").write_text("page_size = 3\n")
    (tmp_path / "nutgraf.toml").symlink_to("elsewhere.toml")
    assert load(tmp_path).page_size == 3
    (tmp_path / "words.txt").write_text("crane, derrick\n")
    (tmp_path / "synonyms.txt").symlink_to("words.txt")
    assert len(read_synonyms(tmp_path / "synonyms.txt").entries) == 2


def test_a_file_that_the_system_refuses_to_read_for_now_is_storage_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise OSError(errno.EMFILE, "Too many open files")

    write(tmp_path, "page_size = 3\n")
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(StorageFailed, match=r"cannot be read now \(Too many open files\)"):
        load(tmp_path)
    with pytest.raises(StorageFailed, match=r"cannot be read now \(Too many open files\)"):
        read_synonyms(tmp_path / "nutgraf.toml")


def test_none_means_not_given(tmp_path: Path) -> None:
    assert load(tmp_path, language=None) == load(tmp_path)


def test_only_options_that_change_the_stored_index_change_its_fingerprint() -> None:
    other: dict[str, Any] = {
        "index": "x", "sources": ["x"], "language": "de", "day_first": False, "timezone": "Europe/Paris",
        "max_file_mb": 1, "lock_timeout": 1, "page_size": 1, "passages": 1, "host": "x", "port": 1,
    }  # fmt: skip
    plain = Config()
    changing = {
        name
        for name, value in other.items()
        if plain.with_options({name: value}, "test").fingerprint() != plain.fingerprint()
    }
    assert changing == {"language", "day_first", "timezone"}
    assert plain.fingerprint() == Config().fingerprint() == "52f75af60aa9c012"


ADDRESS = "opensearch+https://user@search.example:9200/archive"


@pytest.mark.parametrize("where", ["file", "environment", "call"])
def test_an_index_may_be_on_a_cluster(tmp_path: Path, where: str) -> None:
    if where == "file":
        write(tmp_path, f'index = "{ADDRESS}"\n')
    environment = {"NUTGRAF_INDEX": ADDRESS} if where == "environment" else {}
    config = load(tmp_path, environment, **({"index": ADDRESS} if where == "call" else {}))
    assert str(config.cluster) == ADDRESS


def test_what_is_given_last_says_whether_the_index_is_on_a_cluster(tmp_path: Path) -> None:
    write(tmp_path, f'index = "{ADDRESS}"\n')
    config = load(tmp_path, {"NUTGRAF_INDEX": "here"})
    assert (config.index, config.cluster) == (Path("here"), None)
    assert str(config.with_options({"index": ADDRESS}).cluster) == ADDRESS
    assert str(load(tmp_path, page_size=3).cluster) == ADDRESS


def test_a_folder_may_be_called_as_an_address_begins(tmp_path: Path) -> None:
    config = load(tmp_path, index="./opensearch+https://search.example")
    assert (config.index, config.cluster) == (Path("opensearch+https:/search.example"), None)


def test_an_invalid_address_is_an_error_that_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^index: must end with the name of the index"):
        load(tmp_path, index="opensearch+https://search.example")
    with pytest.raises(ConfigError, match=r"^NUTGRAF_INDEX: has a password.*NUTGRAF_OPENSEARCH_PASSWORD$"):
        load(tmp_path, {"NUTGRAF_INDEX": "opensearch+https://user:geheim@search.example/a"})


@pytest.mark.parametrize("secret", ["opensearch_password", "model_key"])
def test_a_password_is_never_shown(secret: str, tmp_path: Path) -> None:
    config = load(tmp_path, {f"NUTGRAF_{secret.upper()}": "geheim"})
    assert getattr(config, secret) == "geheim"
    assert "geheim" not in repr(config)
    with pytest.raises(ConfigError, match=rf"^{secret}: must be text, not list$"):
        load(tmp_path, {}, **{secret: ["geheim"]})


@pytest.mark.parametrize("secret", ["opensearch_password", "model_key"])
def test_a_password_is_refused_in_the_file(secret: str, tmp_path: Path) -> None:
    write(tmp_path, f'{secret} = "geheim"\n')
    with pytest.raises(ConfigError, match=rf"toml: {secret}: .* NUTGRAF_{secret.upper()}$"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("models/minilm", "{folder}/models/minilm"),
        ("./nowhere", "{folder}/nowhere"),
        ("../nowhere", "{folder}/../nowhere"),
        ("/models/minilm", "/models/minilm"),
        ("owner/name", "owner/name"),
        ("https://models.example/v1#name", "https://models.example/v1#name"),
        ("", ""),
    ],
)
def test_the_folder_of_a_model_is_relative_to_the_file_and_a_name_is_none(
    model: str, expected: str, tmp_path: Path
) -> None:
    (tmp_path / "models" / "minilm").mkdir(parents=True)
    write(tmp_path, f'model = "{model}"\n')
    assert load(tmp_path).model == expected.format(folder=tmp_path)
    assert load(tmp_path, {"NUTGRAF_MODEL": "models/minilm"}).model == "models/minilm"
