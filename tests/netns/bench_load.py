"""Figures of the release build under load: hundreds of nodes that speak the real protocol, and what
they cost the coordinator. The generator (tests/load) runs on the server's own machine and shares its
processor."""

import json

from lab import Lab, programs
from mesh import Coordinator


def put_load(scheme, nodes, idle, changes):
    with Lab() as lab:
        coordinator = Coordinator(lab, scheme=scheme)
        # `ip netns exec` has become the server itself.
        done = coordinator.host.run(
            programs() / "coord-load", coordinator.host.address, 8443,
            "tls" if scheme == "https" else "plain", coordinator.add_key("--reusable"),
            coordinator.process.pid, nodes, idle, changes, timeout=600)
        stages = {}
        for line in done.stdout.splitlines():
            stage = json.loads(line)
            stages[stage["stage"]] = stage
            print(f"            {scheme}, {nodes} nodes: " + ", ".join(
                f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
                for name, value in stage.items()))
        return stages


def check_crowd(scheme):
    stages = put_load(scheme, 500, 0, 20)
    assert stages["join"]["complete"] == 500 and stages["join"]["after_last_join_s"] <= 5
    changes = stages["changes"]
    assert changes["all_heard"] and changes["p99_ms"] <= 250, changes
    assert changes["cores"] <= 0.5 and changes["peak_kb"] <= 128 * 1024, changes
    assert stages["return"]["complete"] == 500 and stages["return"]["took_s"] <= 3


def bench_load_of_a_crowd():
    check_crowd("http")


def bench_load_of_a_crowd_by_tls():
    check_crowd("https")


def bench_load_at_rest():
    for scheme in ("http", "https"):
        idle = put_load(scheme, 200, 60, 0)["idle"]
        assert idle["peak_kb"] <= 64 * 1024 and idle["cores"] <= 0.02, idle
