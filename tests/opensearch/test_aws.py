"""Amazon OpenSearch Service: requests are signed, each anew, with the credentials that there are then."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from indexer import ClusterAddress, ConfigError, IndexUnavailable
from indexer.opensearch.aws import SET_CREDENTIALS, find_region
from indexer.opensearch.cluster import Action, Cluster
from tests.fixtures.commands import start
from tests.opensearch.scripted import FOUND, WHOLE, Request, Scripted, scripted

pytest.importorskip("botocore", reason="botocore is not installed: pip install 'nutgraf[aws]'")

HOST = "search-archive-abc123.eu-central-1.es.amazonaws.com"
# The credentials of the examples that AWS publishes.
KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "example-token//=="
TOKEN_OF_EXAMPLES = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeo"
    "IYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5V"
    "SXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yj"
    "c8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
)
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(\w+)/(\d{8})/([\w-]+)/(\w+)/aws4_request, "
    r"SignedHeaders=([\w;-]+), Signature=([0-9a-f]{64})"
)


def sign(
    method: str, target: str, headers: Mapping[str, str], body: bytes, region: str, service: str, secret: str
) -> str:
    """The signature of a request with these signed headers, by AWS's definition of Signature Version 4."""
    path, _, query = target.partition("?")
    names = sorted(headers)
    parameters = sorted(part.partition("=")[::2] for part in query.split("&") if part)
    canonical = [
        method,
        # Encoded once more than it is sent.
        quote(path, safe="/~"),
        "&".join(f"{name}={value}" for name, value in parameters),
        *(f"{name}:{' '.join(headers[name].split())}" for name in names),
        "",
        ";".join(names),
        hashlib.sha256(body).hexdigest(),
    ]
    time = headers["x-amz-date"]
    scope = [time[:8], region, service, "aws4_request"]
    digest = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    key = f"AWS4{secret}".encode()
    for part in (*scope, "\n".join(["AWS4-HMAC-SHA256", time, "/".join(scope), digest])):
        key = hmac.digest(key, part.encode(), "sha256")
    return key.hex()


def read_signer(request: Request, secrets: Mapping[str, str]) -> str:
    """The id of the key with which a received request was signed; fails if the signature is wrong."""
    found = _AUTHORIZATION.fullmatch(request.headers["Authorization"])
    assert found is not None
    key, day, region, service, names, signature = found.groups()
    assert (region, service) == ("eu-central-1", "es")
    headers = {name: request.headers[name] for name in names.split(";")}
    assert {"host", "x-amz-date"} <= headers.keys()
    assert ("x-amz-security-token" in headers) == ("X-Amz-Security-Token" in request.headers)
    assert headers["x-amz-date"].startswith(day)
    assert signature == sign(
        request.method, request.path, headers, request.body, region, service, secrets[key]
    )
    return key


@pytest.mark.parametrize(
    ("method", "target", "headers", "body", "expected"),
    [
        ("GET", "/", {}, b"", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        (
            "GET",
            "/?Param2=value2&Param1=value1",
            {},
            b"",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "POST",
            "/",
            {"content-type": "application/x-www-form-urlencoded"},
            b"Param1=value1",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
        (
            "POST",
            "/",
            {"x-amz-security-token": TOKEN_OF_EXAMPLES},
            b"",
            "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
        ),
    ],
)
def test_signatures_are_checked_as_the_examples_of_aws_define_them(
    method: str, target: str, headers: dict[str, str], body: bytes, expected: str
) -> None:
    given = {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z", **headers}
    assert sign(method, target, given, body, "us-east-1", "service", SECRET) == expected


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """No credentials, and the name of the domain leads to this machine."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "BOTO_CONFIG"):
        monkeypatch.setenv(name, str(tmp_path / "missing"))
    resolve = socket.getaddrinfo

    def resolve_here(host: Any, *more: Any, **options: Any) -> Any:
        return resolve("127.0.0.1" if host == HOST else host, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve_here)
    return monkeypatch


@pytest.fixture
def keys(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ACCESS_KEY_ID", KEY)
    environment.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


def connect(script: Scripted, user: str = "") -> Cluster:
    return Cluster(ClusterAddress("http", HOST, script.port, "archive", user), pause=script.pauses.append)


@pytest.mark.parametrize(
    ("host", "region"),
    [
        (HOST, "eu-central-1"),
        ("VPC-A.US-GOV-WEST-1.ES.AMAZONAWS.COM", "us-gov-west-1"),
        ("search-a.aos.us-east-1.on.aws", "us-east-1"),
        ("search.example", None),
        ("es.us-east-1.amazonaws.com", None),
        ("us-east-1.es.amazonaws.com", None),
        ("search-a.us-east-1.es.amazonaws.com.example", None),
        ("search-a.us-east-1.es-amazonaws.com", None),
        ("a.us-east-1.aoss.amazonaws.com", None),
        ("a.aoss.us-east-1.on.aws", None),
    ],
)
def test_the_host_of_a_domain_has_its_region(host: str, region: str | None) -> None:
    assert find_region(ClusterAddress("https", host, 443, "archive")) == region
    assert find_region(ClusterAddress("https", host, 443, "archive", "ann")) is None


@pytest.mark.parametrize("token", ["", TOKEN])
def test_every_request_is_signed_with_the_body_that_is_sent(
    environment: pytest.MonkeyPatch, keys: None, token: str
) -> None:
    if token:
        environment.setenv("AWS_SESSION_TOKEN", token)
    written = {"_seq_no": 1, "_primary_term": 1, "_shards": WHOLE}
    answers: list[tuple[int, object]] = [
        FOUND,
        (200, {"responses": [FOUND[1]]}),
        (200, {"errors": False, "items": []}),
        (200, written),
        (404, {"found": False}),
        (200, {"pit_id": "p1=="}),
        (200, {"pits": []}),
        (200, {}),
    ]
    large = b'{"text":"%s"}' % ("Größe " * 100_000).encode()
    with scripted(*answers) as script, closing(connect(script)) as cluster:
        cluster.search("archive-000001", {"query": {"term": {"text": "é"}}}, seconds=1.0)
        cluster.msearch("archive-000001", [{}])
        cluster.bulk("archive-000001", [Action("1", large), Action("2", None)])
        cluster.put_if("archive-000001", "a/b ü%*,:~", {"by": "ü"}, None)
        cluster.get("archive-000001", "a b")
        cluster.close_point(cluster.open_point("archive-000001"))
        cluster.list_indexes("archive-*")
    assert [read_signer(request, {KEY: SECRET}) for request in script.requests] == [KEY] * 8
    assert {request.headers["X-Amz-Security-Token"] for request in script.requests} == {token or None}
    assert len({request.port for request in script.requests}) == 1


@pytest.mark.usefixtures("keys")
def test_a_request_is_signed_for_its_own_host_body_and_path() -> None:
    with scripted(FOUND) as script, closing(connect(script)) as cluster:
        cluster.search("archive-000001", {"size": 3})
    (request,) = script.requests
    assert request.headers["Host"] == f"{HOST}:{script.port}"
    assert read_signer(request, {KEY: SECRET}) == KEY
    for other in (
        request._replace(body=b'{"size":4}'),
        request._replace(path="/archive-000002/_search"),
        request._replace(method="DELETE"),
    ):
        with pytest.raises(AssertionError):
            read_signer(other, {KEY: SECRET})


def write_keys(folder: Path, key: str, secret: str) -> None:
    """Let a program give a key that expires soon, so that each request asks for another one."""
    expires = datetime.now(UTC) + timedelta(minutes=1)
    given = {"Version": 1, "AccessKeyId": key, "SecretAccessKey": secret, "SessionToken": TOKEN}
    (folder / "keys.json").write_text(json.dumps({**given, "Expiration": expires.isoformat()}))


def write_profile(folder: Path, program: str) -> None:
    (folder / "config").write_text(f"[default]\ncredential_process = {program}\n")


def print_file(file: Path) -> str:
    """A command that prints a file."""
    code = "import sys; print(open(sys.argv[1]).read())"
    return shlex.join([sys.executable, "-c", code, str(file)])


@pytest.mark.usefixtures("environment")
def test_each_attempt_is_signed_anew_with_the_credentials_of_that_time(tmp_path: Path) -> None:
    secrets = {f"AKID{number}": f"secret-{number}" for number in range(4)}
    rotated = iter(secrets.items())

    def rotate(_: float = 0.0) -> None:
        write_keys(tmp_path, *next(rotated))

    rotate()
    write_profile(tmp_path, print_file(tmp_path / "keys.json"))
    busy = (503, "busy")
    with scripted(busy, busy, FOUND) as script:
        address = ClusterAddress("http", HOST, script.port, "archive")
        with closing(Cluster(address, pause=rotate)) as cluster:
            cluster.search("archive-000001", {})
            rotate()
            cluster.search("archive-000001", {})
    assert [read_signer(request, secrets) for request in script.requests] == [*secrets]


@pytest.mark.usefixtures("keys")
def test_an_address_with_a_user_and_another_host_are_not_signed() -> None:
    with scripted(FOUND) as script:
        for cluster in (connect(script, "ann"), script.connect()):
            with closing(cluster):
                cluster.search("archive-000001", {})
    first, second = (request.headers["Authorization"] for request in script.requests)
    assert first.startswith("Basic ")
    assert second is None


@pytest.mark.parametrize(
    ("variables", "profile", "reason"),
    [
        ({}, "", "but none were found"),
        (
            {"AWS_ACCESS_KEY_ID": "AKIDHIDDEN"},
            "",
            "but getting them failed (Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY)",
        ),
        (
            {"AWS_PROFILE": "press"},
            "",
            "but getting them failed (The config profile (press) could not be found)",
        ),
        ({}, "hidden [", "but getting them failed (Unable to parse config file: {folder}/config)"),
        (
            {},
            "[default]\ncredential_process = {python} -c 'import sys; sys.exit(\"hidden\")'",
            "but getting them failed (CredentialRetrievalError)",
        ),
        (
            {},
            "[default]\ncredential_process = {python} -c 'print(\"hidden\")'",
            "but getting them failed (JSONDecodeError)",
        ),
        (
            {},
            "[default]\ncredential_process = {folder}/missing-program",
            "but getting them failed (FileNotFoundError)",
        ),
        (
            {"AWS_ACCESS_KEY_ID": "AKIDHIDDEN", "AWS_SECRET_ACCESS_KEY": "hidden\nhidden"},
            "",
            "but those found have characters that no key has",
        ),
    ],
)
def test_without_credentials_an_error_names_the_host_and_what_to_do(
    environment: pytest.MonkeyPatch, tmp_path: Path, variables: dict[str, str], profile: str, reason: str
) -> None:
    for name, value in variables.items():
        environment.setenv(name, value)
    names = {"python": shlex.quote(sys.executable), "folder": tmp_path}
    if profile:
        (tmp_path / "config").write_text(profile.format(**names))
    with scripted(FOUND) as script, closing(connect(script)) as cluster:
        with pytest.raises(IndexUnavailable) as raised:
            cluster.search("archive-000001", {})
        assert str(raised.value) == (
            f"the cluster at http://{HOST}:{script.port} needs AWS credentials, {reason.format(**names)}: "
            f"{SET_CREDENTIALS}"
        )
        assert (script.requests, script.pauses) == ([], [])
        # As soon as there are some, it works.
        environment.delenv("AWS_PROFILE", raising=False)
        (tmp_path / "config").unlink(missing_ok=True)
        environment.setenv("AWS_ACCESS_KEY_ID", KEY)
        environment.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    with scripted(FOUND) as script, closing(connect(script)) as cluster:
        cluster.search("archive-000001", {})


@pytest.mark.usefixtures("environment")
def test_credentials_that_cannot_be_renewed_are_an_error_that_shows_none(
    tmp_path: Path,
) -> None:
    write_keys(tmp_path, KEY, SECRET)
    write_profile(tmp_path, print_file(tmp_path / "keys.json"))
    with scripted(FOUND) as script, closing(connect(script)) as cluster:
        cluster.search("archive-000001", {})
        (tmp_path / "keys.json").write_text('{"Version": 1, "SecretAccessKey": "hidden"')
        with pytest.raises(IndexUnavailable, match="but getting them failed") as raised:
            cluster.search("archive-000001", {})
    assert "hidden" not in str(raised.value)


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(
    ("status", "answer", "reason"),
    [
        (
            403,
            {"message": f"The request signature does not match.\n\nx-amz-security-token:{TOKEN}"},
            " (The request signature does not match.)",
        ),
        (
            403,
            {"Message": "User: arn:aws:iam::1:user/ann is not authorized to perform: es:ESHttpPost"},
            " (User: arn:aws:iam::1:user/ann is not authorized to perform: es:ESHttpPost)",
        ),
        (
            403,
            {"error": {"type": "security_exception", "reason": "no permissions"}, "status": 403},
            " (no permissions)",
        ),
        (403, "Forbidden", ""),
        (401, "Unauthorized", ""),
    ],
)
def test_credentials_that_are_refused_are_an_error_with_the_reason(
    status: int, answer: object, reason: str
) -> None:
    with (
        scripted((status, answer)) as script,
        closing(connect(script)) as cluster,
        pytest.raises(IndexUnavailable) as raised,
    ):
        cluster.search("archive-000001", {})
    assert str(raised.value) == (
        f"the cluster at http://{HOST}:{script.port} refuses the AWS credentials{reason}: "
        "check their permissions on the domain, and the clock of this machine"
    )


def test_without_botocore_an_error_names_the_extra(environment: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "botocore"]:
        environment.delitem(sys.modules, name)
    environment.setitem(sys.modules, "botocore", None)
    message = f"https://{HOST}:443 needs botocore, which is not installed: pip install 'nutgraf[aws]'"
    with pytest.raises(ConfigError, match=re.escape(message)):
        Cluster(ClusterAddress("https", HOST, 443, "archive")).search("archive-000001", {})


@pytest.mark.usefixtures("environment")
def test_a_command_without_credentials_ends_with_one_line() -> None:
    address = f"opensearch+https://{HOST}/archive"
    pipe = subprocess.PIPE
    given = {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "BOTO_"))}
    given |= {"NUTGRAF_INDEX": address, "AWS_ACCESS_KEY_ID": ""}
    with start("status", environment=given, stdout=pipe, stderr=pipe) as process:
        output, errors = process.communicate()
    assert (process.returncode, output, len(errors.splitlines())) == (1, "", 1)
    assert f"the cluster at https://{HOST}:443 needs AWS credentials, but none were found: set AWS_" in errors
