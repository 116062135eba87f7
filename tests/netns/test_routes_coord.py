"""Routes as the coordinator sees them: offered by stock routers, approved by an administrator, seen
live by `ayatorid`, moved from a router that is gone to one that is there."""

import time

from lab import Lab, Nat, stock, wait_until
from mesh import Coordinator, Node, StockNode
from verdict import Skip

LAN = "10.77.0.0/24"
EXIT = {"0.0.0.0/0", "::/0"}


def need_stock():
    for name in ("tailscaled", "tailscale"):
        if stock(name) is None:
            raise Skip(f"stock {name} is not in the cache; packaging/setup test builds it where Go is")


def routed(viewer, name):
    """What the viewer may send to this peer besides the peer's own addresses."""
    peer = viewer.peer(name)
    if peer is None:
        return None
    own = {f"{address}/{128 if ':' in address else 32}" for address in peer["TailscaleIPs"]}
    return set(peer.get("AllowedIPs") or []) - own


def stock_node(lab, coordinator, key, name, router, *options):
    node = StockNode(lab.host_behind(name, router), coordinator)
    node.up(key, *options)
    return node


def state_of(coordinator, name, route=LAN):
    return [r["state"] for r in coordinator.json("route", "ls")
            if r["node"] == name and r["route"] == route]


def test_routes_of_stock_routers_are_approved_moved_and_revoked():
    need_stock()
    with Lab() as lab:
        coordinator = Coordinator(lab)
        key = coordinator.add_key("--reusable")
        viewer = Node(lab.host_behind("viewer", lab.router("ra", Nat.PORT_PRESERVING)), coordinator)
        viewer.up(key)
        home = lab.router("rb", Nat.PORT_PRESERVING)
        one = stock_node(lab, coordinator, key, "one", home, f"--advertise-routes={LAN}",
                         "--advertise-exit-node")
        roamer = stock_node(lab, coordinator, key, "roamer", lab.router("rc", Nat.PORT_PRESERVING),
                            "--accept-routes")
        one.host.run("ip", "addr", "add", "10.77.0.1/24", "dev", "lo")
        wait_until("seen", lambda: viewer.peer("one") and roamer.peer("one"))
        wait_until("offered", lambda: state_of(coordinator, "one") == ["waits for approval"])
        assert routed(viewer, "one") == set()

        coordinator.cli("route", "approve", "one")
        wait_until("the subnet", lambda: routed(viewer, "one") == {LAN}, 5)
        assert viewer.peer("one").get("PrimaryRoutes") == [LAN]
        wait_until("stock sees it", lambda: routed(roamer, "one") == {LAN}, 5)
        wait_until("packets pass to it", lambda: roamer.ping("10.77.0.1", timeout=1), 20)
        coordinator.cli("route", "approve", "one", "--exit-node")
        wait_until("an exit node", lambda: routed(viewer, "one") == {LAN} | EXIT, 5)
        wait_until("stock may choose it", lambda: roamer.peer("one")["ExitNodeOption"], 5)
        coordinator.cli("route", "revoke", "one", "--exit-node")
        wait_until("no longer", lambda: routed(viewer, "one") == {LAN}, 5)

        two = stock_node(lab, coordinator, key, "two", home, f"--advertise-routes={LAN}")
        coordinator.cli("route", "approve", "two", LAN)
        wait_until("it stands by", lambda: state_of(coordinator, "two") == ["approved, stands by"])
        wait_until("seen", lambda: routed(viewer, "two") == set())
        assert routed(viewer, "one") == {LAN}, "the one in use keeps it"
        began = time.monotonic()
        one.kill()
        wait_until("the other took over",
                   lambda: routed(viewer, "two") == {LAN} and routed(viewer, "one") == set(), 10)
        print(f"            moved {time.monotonic() - began:.1f} s after the router was killed")
        one.start()
        wait_until("it is back", lambda: all(
            d["connectedToControl"] for d in coordinator.json("node", "ls")), 30)
        assert state_of(coordinator, "two") == ["in use"], coordinator.cli("route", "ls")
        coordinator.cli("route", "revoke", "two", LAN)
        wait_until("back to the first",
                   lambda: routed(viewer, "one") == {LAN} and routed(viewer, "two") == set(), 5)
        two.cli("set", "--advertise-routes=")
        one.cli("set", "--advertise-routes=")
        wait_until("not offered is enough", lambda: routed(viewer, "one") == set(), 5)
        assert state_of(coordinator, "one") == ["approved, not offered"]


def test_dns_settings_reach_a_stock_client_live():
    need_stock()
    with Lab() as lab:
        coordinator = Coordinator(lab)
        key = coordinator.add_key("--reusable")
        client = stock_node(lab, coordinator, key, "client", lab.router("ra", Nat.PORT_PRESERVING))
        box = stock_node(lab, coordinator, key, "box", lab.router("rb", Nat.PORT_PRESERVING))

        def answer(name, kind="A"):
            done = client.host.run("dig", "+short", "+time=1", "+tries=1", "@100.100.100.100", name,
                                   kind, check=False)
            # What it says of a question that nobody answers begins with a semicolon.
            return [line for line in done.stdout.splitlines() if not line.startswith(";")]

        domain = box.status()["Self"]["DNSName"].rstrip(".").split(".", 1)[1]
        wait_until("a node by name", lambda: answer(f"box.{domain}") == [box.ip], 15)
        coordinator.cli("dns", "record", "add", "nas.home.example", "192.0.2.7")
        wait_until("a record", lambda: answer("nas.home.example") == ["192.0.2.7"], 5)
        coordinator.cli("dns", "record", "add", "films.home.example", "box")
        wait_until("a name for a node", lambda: answer("films.home.example") == [box.ip], 5)
        coordinator.cli("node", "ip", "box", "100.80.0.9")
        wait_until("it follows", lambda: answer("films.home.example") == ["100.80.0.9"], 5)
        assert answer(f"any.box.{domain}") == []
        coordinator.cli("dns", "subdomains", "box", "on")
        wait_until("names below it", lambda: answer(f"any.box.{domain}") == ["100.80.0.9"], 5)
        coordinator.cli("dns", "record", "rm", "films.home.example")
        wait_until("gone", lambda: answer("films.home.example") == [], 5)
        box.cli("set", "--hostname", "リビングの箱")
        wait_until("a name in Japanese, as DNS has it",
                   lambda: answer(f"xn--u9j3g3dwdzb8213f.{domain}") == ["100.80.0.9"], 5)
        assert "リビングの箱" in coordinator.cli("node", "ls")
        coordinator.cli("dns", "set", "search", "corp.example")
        coordinator.cli("dns", "split", "corp.example", "10.0.0.53")
        shown = coordinator.json("dns", "show")
        assert shown["searchPaths"] == ["corp.example"], shown
        resolv = client.host.etc / "resolv.conf"
        wait_until("searched", lambda: f"search {domain} corp.example" in resolv.read_text(), 5)
