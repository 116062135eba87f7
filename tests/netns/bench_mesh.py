"""Figures of the release build that the project promises: memory at rest, time to join."""

import time

from lab import Lab, Nat
from mesh import Coordinator, Node, rss_kilobytes
from test_mesh import pair


def bench_idle_memory():
    with Lab() as lab:
        coordinator, alpha, beta = pair(lab)
        alpha.wait_ping(beta.ip)
        time.sleep(2)  # idle is what is measured
        node, server = rss_kilobytes(alpha.process), rss_kilobytes(coordinator.process)
        print(f"            idle RSS: ayatorid {node} kB, ayatori-coord {server} kB")
        assert node <= 16 * 1024 and server <= 24 * 1024, (node, server)


def bench_joining():
    with Lab() as lab:
        coordinator = Coordinator(lab)
        key = coordinator.add_key("--reusable")
        for name, nat, limit in (("alpha", Nat.PORT_PRESERVING, 1.0), ("gamma", Nat.UDP_BLOCKED, 3.0)):
            node = Node(lab.host_behind(name, lab.router("r" + name, nat)), coordinator)
            asked = time.monotonic()
            node.up(key)
            took = time.monotonic() - asked
            print(f"            {name} ({nat.value}): up in {took:.2f} s")
            assert took <= limit, took
            assert node.status()["BackendState"] == "Running"
