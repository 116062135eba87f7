"""Two and three `ayatorid` behind NATs: joining, finding each other, surviving what homes do to them."""

import signal
import time

from lab import Lab, Nat, wait_until
from mesh import Coordinator, Node


def pair(lab, nat_a=Nat.PORT_PRESERVING, nat_b=Nat.PORT_PRESERVING, **options):
    coordinator = Coordinator(lab, **options)
    key = coordinator.add_key("--reusable")
    alpha = Node(lab.host_behind("alpha", lab.router("ra", nat_a)), coordinator)
    beta = Node(lab.host_behind("beta", lab.router("rb", nat_b)), coordinator)
    for node in (alpha, beta):
        node.up(key)
    wait_until("they see each other",
               lambda: alpha.peer("beta") and beta.peer("alpha"))
    return coordinator, alpha, beta


def test_pair_behind_nats_pings_by_name_and_becomes_direct():
    with Lab() as lab:
        _, alpha, beta = pair(lab)
        assert beta.ping("alpha", count=5) == 5, "a ping was lost while the path was found"
        wait_until("direct from beta", lambda: beta.direct_to("alpha"), 5)
        assert alpha.ping("beta", count=5) == 5
        wait_until("direct from alpha", lambda: alpha.direct_to("beta"), 5)
        reply = beta.cli("ping", "alpha").stdout
        assert "via" in reply and "DERP" not in reply.splitlines()[-1], reply


def test_plain_http_server_url_works_too():
    with Lab() as lab:
        _, alpha, beta = pair(lab, scheme="http", port=8080)
        assert beta.ping("alpha", count=2) == 2


def test_udp_blocked_goes_by_relay_and_joins_fast():
    with Lab() as lab:
        _, alpha, beta = pair(lab, nat_b=Nat.UDP_BLOCKED)
        assert alpha.ping("beta", count=3) == 3
        assert not alpha.direct_to("beta")
        done = alpha.cli("ping", "-c", "2", "beta", check=False)
        assert done.returncode == 8 and "DERP" in done.stdout, done.stdout + done.stderr


def test_hard_nat_still_reaches():
    with Lab() as lab:
        _, alpha, beta = pair(lab, nat_a=Nat.PER_DESTINATION, nat_b=Nat.PER_DESTINATION)
        assert alpha.ping("beta", count=3) == 3


def test_direct_path_dies_and_traffic_goes_on_by_relay():
    with Lab() as lab:
        _, alpha, beta = pair(lab)
        alpha.ping("beta", count=3)
        wait_until("direct", lambda: alpha.direct_to("beta"), 5)
        router = next(host for host in lab.hosts if host.name == "ra")
        far = next(host for host in lab.hosts if host.name == "rb")
        router.block_udp_to(far.address)
        wait_until("relay takes over", lambda: alpha.ping("beta", timeout=1), 10)
        router.unblock_udp()
        wait_until("direct again", lambda: alpha.ping("beta") and alpha.direct_to("beta"), 40)


def test_restart_of_a_node_keeps_its_address():
    with Lab() as lab:
        _, alpha, beta = pair(lab)
        before = alpha.ip
        beta.wait_ping(before)
        alpha.kill()
        alpha.start()
        wait_until("alpha is reachable", lambda: beta.ping(before, timeout=1), 5)
        assert alpha.ip == before


def test_coordinator_gone_for_a_while():
    with Lab() as lab:
        coordinator, alpha, beta = pair(lab)
        addresses = alpha.ip, beta.ip
        alpha.wait_ping(beta.ip)
        wait_until("direct", lambda: alpha.direct_to("beta"), 5)
        coordinator.kill()
        assert alpha.ping(addresses[1], count=20) == 20
        coordinator.start()
        wait_until("both are back online",
                   lambda: all(d["connectedToControl"] for d in coordinator.json("node", "ls")), 15)
        assert (alpha.ip, beta.ip) == addresses


def test_address_edit_is_live_and_survives_kill():
    with Lab() as lab:
        coordinator, alpha, beta = pair(lab)
        token = coordinator.token()
        old = alpha.ip
        beta.wait_ping(old)
        devices = coordinator.rest(beta.host, "GET", "/api/v2/tailnet/-/devices", token=token)[1]
        device = next(d for d in devices["devices"] if d["name"].startswith("alpha."))
        status, body = coordinator.rest(
            beta.host, "POST", f"/api/v2/device/{device['nodeId']}/ip", {"ipv4": "100.80.0.1"}, token)
        coordinator.kill()
        assert (status, body) == (200, {}), (status, body)
        coordinator.start()
        wait_until("the new address answers", lambda: beta.ping("100.80.0.1", timeout=1), 10)
        wait_until("alpha knows", lambda: alpha.ip == "100.80.0.1", 5)
        assert beta.ping(old, timeout=1) == 0, "the old address still answers"
        status, body = coordinator.rest(
            beta.host, "POST", f"/api/v2/device/{device['nodeId']}/ip", {"ipv4": beta.ip}, token)
        assert status == 409 and "already assigned" in body["message"], body


def test_address_edit_takes_less_than_two_seconds_and_disturbs_nobody():
    with Lab() as lab:
        coordinator, alpha, beta = pair(lab)
        key = coordinator.add_key()
        gamma = Node(lab.host_behind("gamma", lab.router("rc", Nat.PORT_PRESERVING)), coordinator)
        gamma.up(key)
        beta.wait_ping(gamma.ip)
        wait_until("direct", lambda: beta.direct_to("gamma"), 5)
        stream = beta.host.start("ping", "-i", "0.05", "-c", "60", gamma.ip, log="stream.log")
        edited = time.monotonic()
        coordinator.cli("node", "ip", "alpha", "100.80.0.2")
        for node in (beta, gamma):
            wait_until("new address", lambda n=node: n.ping("100.80.0.2", timeout=1), 5)
        took = time.monotonic() - edited
        stream.wait(20)
        text = stream.log_path.read_text()
        assert "60 received" in text, text
        assert took < 2, f"the edit took {took:.2f} s"


def test_japanese_host_name_breaks_nothing():
    with Lab() as lab:
        coordinator, alpha, beta = pair(lab)
        living = Node(lab.host_behind("living", lab.router("rl", Nat.PORT_PRESERVING)), coordinator,
                      name="リビングの箱")
        living.up(coordinator.add_key())
        alpha.wait_ping(living.ip)
        assert any(p["HostName"] == "リビングの箱" for p in alpha.status()["Peer"].values())
        assert beta.ping("alpha", count=2) == 2


def test_dns_is_restored():
    with Lab() as lab:
        _, alpha, beta = pair(lab)
        before = "nameserver 127.0.0.1\n"
        resolv = beta.host.etc / "resolv.conf"
        assert resolv.read_text() != before
        beta.kill()
        beta.start()
        wait_until("beta runs again", lambda: beta.status()["BackendState"] == "Running")
        beta.wait_ping("alpha")
        beta.cli("down")
        wait_until("resolv.conf is as it was", lambda: resolv.read_text() == before, 5)
        beta.cli("up")
        beta.wait_ping("alpha")
        assert beta.stop() == 0
        assert resolv.read_text() == before


def test_a_name_that_cannot_be_resolved_any_more_is_no_obstacle():
    """As while an exit node is chosen that is gone: nothing can be asked, and the server is where it was."""
    with Lab() as lab:
        coordinator = Coordinator(lab, scheme="http", port=8080)
        host = lab.host_behind("alpha", lab.router("ra", Nat.PORT_PRESERVING))
        (host.etc / "hosts").write_text(f"{coordinator.host.address} coord.lab\n")
        alpha = Node(host, coordinator)
        alpha.cli("up", "--login-server", coordinator.url.replace(coordinator.host.address, "coord.lab"),
                  "--auth-key", coordinator.add_key())
        (host.etc / "hosts").write_text("")
        coordinator.kill()
        wait_until("it is missed", lambda: "coordination server" in " ".join(alpha.status()["Health"] or []), 30)
        coordinator.start()
        host.run("ip", "addr", "add", "192.0.2.9/32", "dev", "eth0")  # a new network: no reason to wait longer
        wait_until("it is found again", lambda: coordinator.json("node", "ls")[0]["connectedToControl"], 60)
