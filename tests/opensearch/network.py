"""A network of hosts on this machine, for the nodes of a cluster, from which single hosts can be cut off.

Each host is a network namespace of Linux with two links: one to this process, for requests, and one to a
bridge, by which the nodes reach each other. Cutting off a host takes the second one down.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from tests.opensearch.server import Host
from tests.stress.archive import Unavailable

SOON_MISSED = {
    **{f"cluster.fault_detection.{role}_check.timeout": "5s" for role in ("leader", "follower")},
    **{f"cluster.fault_detection.{role}_check.retry_count": "1" for role in ("leader", "follower")},
    "cluster.publish.timeout": "5s",
    # By default, the part of a search that a node did for one that was cut off keeps its copy of the shard in
    # use for up to six minutes, in which the node cannot recover that copy.
    "search.default_keep_alive": "15s",
    "search.keep_alive_interval": "1s",
    # By default, a node that is cut off holds up what it is asked to write until it is connected again.
    "cluster.no_cluster_manager_block": "write",
}
"""Settings with which nodes notice after seconds that they do not reach each other, and recover from it."""

_RETRIES = 3
"""How often a host sends again what is not acknowledged, before it gives up a connection: for about three
seconds, where the default of Linux is a quarter of an hour.
"""


@dataclass(frozen=True)
class Network:
    """Hosts that reach each other. `connect_hosts` makes one."""

    hosts: Sequence[Host]
    links: Sequence[str]

    def cut_off(self, number: int) -> None:
        """Drop all that a host sends to the others and they to it; it still answers this process."""
        _run_ip(f"link set {self.links[number]} down")

    def connect(self, number: int) -> None:
        """Undo `cut_off`."""
        _run_ip(f"link set {self.links[number]} up")


@contextmanager
def connect_hosts(number: int) -> Iterator[Network]:
    """A network of some hosts, at most 30. Raises `Unavailable` where it cannot be made."""
    if os.geteuid() or not shutil.which("ip"):
        raise Unavailable("network namespaces are made by root with the program ip (Debian's iproute2)")
    # Other runs of the tests have other numbers, so that neither names nor addresses clash.
    run = os.getpid() % 2**15
    name = f"nut{run}"
    subnet = f"10.{128 + run // 256}.{run % 256}"
    hosts, links = [], []
    made = [f"link add {name} type bridge", f"link set {name} up"]
    removed = [f"link delete {name}"]
    for host in range(number):
        space, link, requests = f"{name}-{host}", f"{name}-{host}n", f"{name}-{host}r"
        here, there, among = (f"{subnet}.{last}" for last in (4 * host + 1, 4 * host + 2, 129 + host))
        made += [
            f"netns add {space}",
            f"link add {requests} type veth peer name requests netns {space}",
            f"link add {link} type veth peer name nodes netns {space}",
            f"address add {here}/30 dev {requests}",
            f"-n {space} address add {there}/30 dev requests",
            f"-n {space} address add {among}/25 dev nodes",
            f"link set {link} master {name}",
            *(f"link set {one} up" for one in (link, requests)),
            *(f"-n {space} link set {one} up" for one in ("lo", "requests", "nodes")),
            f"netns exec {space} sysctl -w net.ipv4.tcp_retries2={_RETRIES}",
        ]
        removed += [f"link delete {requests}", f"link delete {link}", f"netns delete {space}"]
        hosts.append(Host(("ip", "netns", "exec", space), there, among))
        links.append(link)
    try:
        try:
            for command in made:
                _run_ip(command)
        except subprocess.CalledProcessError as error:
            raise Unavailable(f"network namespaces cannot be made here: {error.stderr.strip()}") from error
        yield Network(hosts, links)
    finally:
        for command in removed:
            with suppress(subprocess.CalledProcessError):
                _run_ip(command)


def _run_ip(command: str) -> None:
    subprocess.run(["ip", *command.split()], check=True, capture_output=True, text=True)
