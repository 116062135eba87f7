"""Figures of the release build that the project promises: memory at rest, time to join, what counting
costs."""

import json
import time

from lab import Lab, Nat, wait_until
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


def bench_flow_logs():
    """What counting costs: the same transfer without and with it, in turns."""
    with Lab() as lab:
        coordinator, alpha, beta = pair(lab)
        alpha.wait_ping(beta.ip)
        wait_until("direct", lambda: alpha.ping(beta.ip) and alpha.direct_to("beta"), 20)
        beta.host.start("iperf3", "-s", "-B", beta.ip, log="iperf3.log")

        def rate(on):
            coordinator.cli("settings", "set", "networkFlowLoggingOn", "true" if on else "false")
            wait_until("both have heard", lambda: all(
                ("ayatori/flow-logs" in node.status()["Self"]["CapMap"]) == on for node in (alpha, beta)))
            done = alpha.host.run("iperf3", "-c", beta.ip, "-t", "4", "-O", "1", "-J", timeout=60)
            return json.loads(done.stdout)["end"]["sum_received"]["bits_per_second"] / 1e6

        rates = {on: [] for on in (False, True)}
        for _ in range(3):
            for on in rates:
                rates[on].append(rate(on))
        off, on = max(rates[False]), max(rates[True])
        print(f"            flow logs: {off:.0f} Mb/s off, {on:.0f} Mb/s on, ratio {on / off:.3f}")
        assert on >= 0.9 * off, rates
