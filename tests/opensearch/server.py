"""Clusters of OpenSearch on this machine: each node in a JVM of its own, which ends when its parent does."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Any

from indexer.files.cache import find_cache, keep
from tests.fixtures.serving import PATIENCE
from tests.stress.archive import Unavailable

VERSIONS = {"2.19.6": 17, "3.9.0": 21}
"""The versions that the tests run with, and the lowest version of Java that starts each."""

QUICK = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""Options that halve the time that a JVM needs to start. It computes slower: leave them out to measure."""

CACHE = find_cache()
"""That of the user, although the tests get one of their own later: what is built is for later runs, too."""

INSTALLED = Path("/usr/lib/jvm")
"""Where distributions of Linux install JDKs."""

_PROJECT = Path(__file__).with_name("node")
_SETTINGS = {
    # This one founds the cluster, and the others join it.
    "cluster.initial_cluster_manager_nodes": "node-0",
    # Otherwise a disk that is nearly full makes all indexes read-only.
    "cluster.routing.allocation.disk.threshold_enabled": "false",
}


class RequestFailed(Exception):
    """A node answered with an error."""

    def __init__(self, status: int, answer: str) -> None:
        super().__init__(f"{status}: {answer}")
        self.status = status


class NodeFailed(Exception):
    """A node ended instead of starting; the message has the end of its log."""


def find_program(version: str, *, cache: Path = CACHE, installed: Path = INSTALLED) -> list[str]:
    """The command that starts a node, without options; builds it where it is not in the cache.

    Takes the oldest JDK that is new enough, of those in a folder, on the path, and in JAVA_HOME. Raises
    `Unavailable`.
    """
    jdk = _find_jdk(VERSIONS[version], installed)
    content = b"".join((_PROJECT / name).read_bytes() for name in ("Main.java", "pom.xml"))
    built = cache / f"opensearch-{version}-main-{hashlib.sha256(content).hexdigest()[:12]}"
    if not built.exists():
        keep(built, lambda folder: _build(version, jdk, folder))
    if not built.exists():
        raise Unavailable(f"{cache} cannot be written, where OpenSearch would be kept")
    # An archive of classes is only valid for the same jars in the same order.
    jars = sorted(map(str, built.glob("*.jar")))
    return [str(jdk / "bin" / "java"), "-cp", os.pathsep.join(jars)]


def find_archive(version: str, *, cache: Path = CACHE) -> list[str]:
    """The option with which a JVM maps the classes of a node from an archive, which halves its work to start.

    Makes the archive where it is not in the cache; the list is empty where that is not possible.
    """
    program = find_program(version, cache=cache)
    # An archive is only valid for the build of the JVM that made it.
    about = (Path(program[0]).parents[1] / "release").read_text() + program[-1]
    archive = cache / f"opensearch-{version}-classes-{hashlib.sha256(about.encode()).hexdigest()[:12]}.jsa"
    if not archive.exists():
        keep(archive, lambda path: _archive_classes(program, path))
    return [f"-XX:SharedArchiveFile={archive}"] if archive.exists() else []


def _find_jdk(lowest: int, installed: Path) -> Path:
    homes = list(installed.glob("*"))
    if named := os.environ.get("JAVA_HOME"):
        homes.append(Path(named))
    if compiler := which("javac"):
        homes.append(Path(compiler).resolve().parents[1])
    found = [(version, home) for home in homes if (version := _read_version(home)) >= lowest]
    if not found:
        raise Unavailable(
            f"no JDK {lowest} or later is installed; if there is one, set JAVA_HOME to its folder"
        )
    return min(found)[1]


def _read_version(jdk: Path) -> int:
    """The main version of a JDK; 0 if the folder has none."""
    release = jdk / "release"
    if not (jdk / "bin" / "javac").exists() or not release.exists():
        return 0
    found = re.search(r'^JAVA_VERSION="(\d+)', release.read_text(), re.MULTILINE)
    return int(found[1]) if found else 0


def _build(version: str, jdk: Path, folder: Path) -> None:
    """Copy the jars of a version into a folder, and put the main class beside them, as a jar, too."""
    maven = which("mvn")
    if not maven:
        raise Unavailable("Maven is not installed (mvn), which gets the jars of OpenSearch")
    folder.mkdir()
    copied = subprocess.run(
        [
            *(maven, "--batch-mode", "--quiet", "--file", _PROJECT, "dependency:copy-dependencies"),
            *(f"-Dopensearch.version={version}", f"-DoutputDirectory={folder}"),
        ],
        env={**os.environ, "JAVA_HOME": str(jdk)},
        capture_output=True,
        text=True,
        check=False,
    )
    if copied.returncode:
        error = next((line for line in copied.stdout.splitlines() if "ERROR" in line), "no reason is given")
        raise Unavailable(f"Maven cannot get the jars of OpenSearch {version}: {error}")
    compiled = folder.with_name("classes")
    subprocess.run(
        [
            *(jdk / "bin" / "javac", "--release", str(VERSIONS[version])),
            *("-cp", str(folder / "*"), "-d", compiled, _PROJECT / "Main.java"),
        ],
        check=True,
    )
    subprocess.run([jdk / "bin" / "jar", "cf", folder / "main.jar", "-C", compiled, "."], check=True)


def _archive_classes(program: Sequence[str], path: Path) -> None:
    """Write the classes that a node loads to start, to index an article, and to search, into a file."""
    with tempfile.TemporaryDirectory() as folder:
        command = [*program, f"-XX:ArchiveClassesAtExit={path}"]
        node = Node(command, "node-0", Path(folder), Host(), _SETTINGS)
        cluster = Cluster([node])
        try:
            cluster.start()
            cluster.request("PUT", "/archive/_doc/1?refresh=true", {"title": "The ferry sails"})
            cluster.request("GET", "/archive/_search", {"query": {"match": {"title": "ferry"}}})
            # It writes the file when it ends by itself.
            assert node.process is not None
            node.process.communicate("")
        finally:
            cluster.kill()


@dataclass(frozen=True)
class Host:
    """Where a node runs: the prefix of its command, and the addresses for requests and for other nodes."""

    before: Sequence[str] = ()
    address: str = "127.0.0.1"
    transport: str = "127.0.0.1"


@dataclass
class Node:
    """One node, which keeps its data and its ports when it is killed and started again."""

    command: Sequence[str]
    """What starts the JVM, with its options."""
    name: str
    folder: Path
    host: Host
    settings: Mapping[str, str]
    address: str = ""
    transport: str = ""
    process: subprocess.Popen[str] | None = None

    def launch(self, seeds: Sequence[str]) -> None:
        """Start the process, which looks for the cluster at the transport addresses of other nodes."""
        settings = {
            **self.settings,
            "node.name": self.name,
            "path.home": self.folder,
            "path.data": self.folder / "data",
            "http.host": self.host.address,
            "transport.host": self.host.transport,
            # The system chooses free ports at the first start.
            "http.port": self.address.rpartition(":")[2] or "0",
            "transport.port": self.transport.rpartition(":")[2] or "0",
            "discovery.seed_hosts": ",".join(seeds),
        }
        temporary = self.folder / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        with self._log.open("a") as log:
            self.process = subprocess.Popen(
                [
                    *self.host.before,
                    *self.command,
                    # The standard output is for the addresses alone.
                    "-Xlog:disable",
                    "-Xlog:all=warning:stderr",
                    f"-Djava.io.tmpdir={temporary}",
                    "-Dlog4j2.level=WARN",
                    "Main",
                    *(f"{name}={value}" for name, value in settings.items()),
                ],
                # The node ends when this pipe is closed, be it by the death of this process.
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=self.folder,
                text=True,
                start_new_session=True,
            )

    def await_start(self) -> None:
        """Wait until the node has joined the cluster. Raises `NodeFailed`."""
        assert self.process is not None
        assert self.process.stdout is not None
        address, transport = (self.process.stdout.readline().strip() for _ in range(2))
        if not transport:
            raise NodeFailed(f"{self.name} ended with this in its log:\n{self._log.read_text()[-3000:]}")
        self.address, self.transport = address, transport

    def kill(self) -> None:
        """End the process without giving it time to do anything."""
        if self.process:
            self.process.kill()
            # This also closes the pipes.
            self.process.communicate()

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    @property
    def _log(self) -> Path:
        return self.folder / "log"


@dataclass
class Cluster:
    """Nodes that have found each other. `start_cluster` makes one."""

    nodes: Sequence[Node]

    @property
    def urls(self) -> list[str]:
        """Where all nodes answer, or will when they run again."""
        return [node.url for node in self.nodes]

    def request(self, method: str, path: str, body: object = None, *, node: int | None = None) -> Any:
        """The decoded answer of a node, by default of the first that runs. Raises `RequestFailed`.

        A body that is text is sent as it is, and any other as JSON.
        """
        asked = self.nodes[node] if node is not None else next(one for one in self.nodes if one.is_running)
        text = body if body is None or isinstance(body, str) else json.dumps(body)
        with closing(http.client.HTTPConnection(asked.address, timeout=PATIENCE)) as connection:
            connection.request(method, path, text and text.encode(), {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = response.read().decode()
        if response.status >= 300:
            raise RequestFailed(response.status, answer)
        return json.loads(answer)

    def await_status(self, status: str) -> None:
        """Wait until the nodes that run know each other, and each shard is as well as this status says."""
        running = sum(node.is_running for node in self.nodes)
        wanted = f"wait_for_status={status}&wait_for_nodes={running}&wait_for_no_initializing_shards=true"
        patience = f"timeout={PATIENCE - 10}s&cluster_manager_timeout={PATIENCE - 10}s"
        self.request("GET", f"/_cluster/health?{wanted}&{patience}")

    def kill(self, *numbers: int) -> None:
        """Kill nodes, all if none is named."""
        for node in self._choose(numbers):
            node.kill()

    def start(self, *numbers: int) -> None:
        """Start nodes, all if none is named, and wait until they have joined the cluster."""
        started = self._choose(numbers)
        for node in started:
            node.launch([other.transport for other in self.nodes if other is not node and other.transport])
        for node in started:
            node.await_start()

    def _choose(self, numbers: Sequence[int]) -> Sequence[Node]:
        return [self.nodes[number] for number in numbers] or self.nodes


@contextmanager
def start_cluster(
    folder: Path,
    version: str,
    *,
    nodes: int = 1,
    hosts: Sequence[Host] = (),
    heap: str = "512m",
    options: Sequence[str] = QUICK,
    settings: Mapping[str, str] = {},
) -> Iterator[Cluster]:
    """A cluster that is green, with its data in a folder; all its nodes are killed at the end.

    With `hosts`, there is a node on each, and `nodes` does not count. `options` are of the JVM, `settings` of
    OpenSearch. Raises `Unavailable`.
    """
    command = [*find_program(version), *find_archive(version), f"-Xms{heap}", f"-Xmx{heap}", *options]
    settings = {**_SETTINGS, "cluster.name": f"{folder.name}-{os.getpid()}", **settings}
    places = hosts or [Host()] * nodes
    names = [f"node-{number}" for number in range(len(places))]
    cluster = Cluster(
        [Node(command, name, folder / name, host, settings) for name, host in zip(names, places, strict=True)]
    )
    try:
        # The others have to be told where one is that runs.
        cluster.start(0)
        if others := range(1, len(places)):
            cluster.start(*others)
        cluster.await_status("green")
        yield cluster
    finally:
        cluster.kill()
