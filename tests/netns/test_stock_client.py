"""Unmodified Tailscale 1.102.5 and `ayatorid` in one account of `ayatori-coord`."""

import json

from lab import Lab, Nat, stock, wait_until
from mesh import Coordinator, Node, StockNode
from verdict import Skip


def need_stock():
    for name in ("tailscaled", "tailscale"):
        if stock(name) is None:
            raise Skip(f"stock {name} is not in the cache; packaging/setup test builds it where Go is")


def mixed(lab, ours_first):
    coordinator = Coordinator(lab)
    key = coordinator.add_key("--reusable")
    makers = [
        lambda: Node(lab.host_behind("ours", lab.router("ra", Nat.PORT_PRESERVING)), coordinator),
        lambda: StockNode(lab.host_behind("stock", lab.router("rb", Nat.PORT_PRESERVING)), coordinator),
    ]
    if not ours_first:
        makers.reverse()
    nodes = {}
    for make in makers:
        node = make()
        node.up(key)
        nodes[node.name] = node
    ours, theirs = nodes["ours"], nodes["stock"]
    wait_until("they see each other", lambda: ours.peer("stock") and theirs.peer("ours"))
    return coordinator, ours, theirs


def check_both_ways(ours, theirs):
    for node, other in ((ours, theirs), (theirs, ours)):
        wait_until(f"{node.name} pings {other.name} by address", lambda: node.ping(other.ip, timeout=1), 15)
        # A stock node that has just begun opens its sockets and writes its resolv.conf once more.
        wait_until(f"{node.name} pings {other.name} by MagicDNS name",
                   lambda: node.ping(other.name, count=2) == 2, 15)
    for node, other in ((ours, theirs), (theirs, ours)):
        wait_until("direct", lambda: node.ping(other.ip) and node.direct_to(other.name), 15)


def healthy(theirs):
    status = theirs.status()
    assert status["BackendState"] == "Running", status["BackendState"]
    # Warnings about the test host itself (no updates, no forwarding) are not the coordinator's.
    return [text for text in status["Health"] or [] if "coordination" in text or "relay" in text
            or "map" in text or "TLS" in text]


def both_orders(ours_first):
    need_stock()
    with Lab() as lab:
        coordinator, ours, theirs = mixed(lab, ours_first)
        check_both_ways(ours, theirs)
        wait_until("no health warning of ours", lambda: not healthy(theirs), 30)


def test_ours_first():
    both_orders(True)


def test_stock_first():
    both_orders(False)


def test_survives_restart_and_address_edit():
    need_stock()
    with Lab() as lab:
        coordinator, ours, theirs = mixed(lab, True)
        theirs.settle()
        check_both_ways(ours, theirs)
        coordinator.kill()
        assert ours.ping(theirs.ip, count=3) == 3
        coordinator.start()
        wait_until("both are back",
                   lambda: all(d["connectedToControl"] for d in coordinator.json("node", "ls")), 40)
        for name, node, other, address in (
                ("stock", theirs, ours, "100.81.0.1"), ("ours", ours, theirs, "100.81.0.2")):
            coordinator.cli("node", "ip", name, address)
            wait_until("the new address answers", lambda: other.ping(address, timeout=1), 5)
            wait_until("the moved node knows", lambda: node.ip == address, 5)


def test_japanese_host_name_in_a_mixed_net():
    need_stock()
    with Lab() as lab:
        coordinator, ours, theirs = mixed(lab, True)
        box = Node(lab.host_behind("box", lab.router("rc", Nat.PORT_PRESERVING)), coordinator,
                   name="リビングの箱")
        box.up(coordinator.add_key())
        wait_until("stock reaches it", lambda: theirs.ping(box.ip, timeout=1), 15)
        names = [p["HostName"] for p in theirs.status()["Peer"].values()]
        assert "リビングの箱" in names, names
        assert theirs.cli("status").returncode == 0


def test_pings_inside_the_tunnel_both_ways():
    """Not by the paths' own messages: from node to node, from host to host, from program to program."""
    need_stock()
    with Lab() as lab:
        coordinator, ours, theirs = mixed(lab, True)
        third = Node(lab.host_behind("third", lab.router("rc", Nat.PORT_PRESERVING)), coordinator)
        third.up(coordinator.add_key())
        check_both_ways(ours, theirs)
        wait_until("all see each other", lambda: ours.peer("third") and third.peer("ours"))
        ours.wait_ping(third.ip)
        for node, other in ((ours, theirs), (theirs, ours), (ours, third)):
            for kind, said in (("--tsmp", f"pong from {other.name} ({other.ip}, "), ("--icmp", "via ICMP in"),
                               ("--peerapi", f"hit peerapi of {other.ip} ({other.name}.")):
                out = wait_until(f"{node.name} {kind} {other.name}", lambda: node.cli(
                    "ping", kind, "-c", "1", other.ip, check=False).stdout, 10)
                assert said in out, (node.name, kind, out)
        v6 = theirs.cli("ip", "-6").stdout.strip()
        assert "via TSMP" in ours.cli("ping", "--tsmp", "-c", "1", v6).stdout
        # Somebody who answers nothing: the words are those of a ping that was lost.
        gone = theirs.ip
        theirs.kill()
        lost = ours.cli("ping", "--icmp", "-c", "1", "--timeout", "1s", gone, check=False)
        assert lost.returncode != 0 and "timed out" in lost.stdout, lost


def test_stock_command_line_on_our_socket():
    """`tailscale status --json` against ayatorid's socket: the shapes fit the stock client."""
    need_stock()
    with Lab() as lab:
        coordinator, ours, theirs = mixed(lab, True)
        done = ours.host.run(stock("tailscale"), "--socket", ours.socket, "status", "--json")
        assert json.loads(done.stdout)["BackendState"] == "Running"
        done = ours.host.run(stock("tailscale"), "--socket", ours.socket, "ip", "-4")
        assert done.stdout.strip() == ours.ip
        ours.host.run(stock("tailscale"), "--socket", ours.socket, "ping", "-c", "3", "stock")
