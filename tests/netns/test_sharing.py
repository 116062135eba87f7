"""One machine shown to another account, between stock and own nodes whose addresses collide."""

import sys

from callers import seen_as, serve_callers
from lab import FAR, INTERNET, Lab, Nat, wait_until
from mesh import Coordinator, Node, StockNode
from test_stock_client import need_stock

SAME = "100.80.0.1"


def joined(lab, coordinator, kind, name, account, user):
    host = lab.public_host(name, f"{INTERNET}.{2 if name == 'shared' else 3}")
    node = kind(host, coordinator)
    node.up(coordinator.cli("--account", account, "key", "add", "--user", user, "-q"))
    coordinator.cli("--account", account, "node", "ip", name, SAME)
    wait_until(f"{name} has its address", lambda: node.ip == SAME, 5)
    return node


def fetched(node, address):
    return "Directory listing" in node.host.run(
        "curl", "-sS", "-m", "2", f"http://{address}:8000/", check=False).stdout


def check_share(sharer, guest):
    need_stock()
    with Lab() as lab:
        coordinator = Coordinator(lab)
        owner = coordinator.json("user", "ls")[0]["loginName"]
        coordinator.cli("account", "add", "lab", "--owner", "dora")
        shared = joined(lab, coordinator, sharer, "shared", "default", owner)
        guest = joined(lab, coordinator, guest, "guest", "lab", "dora")
        for node in (shared, guest):
            folder = node.host.dir / "empty"
            folder.mkdir()
            node.host.start(sys.executable, "-m", "http.server", "8000", "--directory", folder, log="http.log")
        assert guest.peer("shared") is None and shared.peer("guest") is None

        link = coordinator.cli("share", "add", "shared", "-q")
        said = coordinator.cli("--account", "lab", "share", "accept", link)
        wait_until("they see each other", lambda: guest.peer("shared") and shared.peer("guest"), 5)
        shared_is, guest_is = guest.peer("shared")["TailscaleIPs"][0], shared.peer("guest")["TailscaleIPs"][0]
        assert SAME not in (shared_is, guest_is), (shared_is, guest_is)
        name = guest.peer("shared")["DNSName"].rstrip(".")
        assert name in said and name.startswith("shared.default."), (said, name)
        assert shared.peer("guest")["ShareeNode"] is True

        guest.wait_ping(shared_is)
        assert guest.ping(name) == 1
        assert fetched(guest, shared_is), "TCP, from one alias to the other"
        six = guest.peer("shared")["TailscaleIPs"][1]
        assert guest.ping(six) == 1
        assert owner in guest.cli("whois", shared_is).stdout
        # The other way nothing is opened, though nothing in either policy forbids it.
        assert shared.ping(guest_is, timeout=1) == 0 and not fetched(shared, guest_is)
        assert shared.ping(shared.peer("guest")["TailscaleIPs"][1], timeout=1) == 0

        coordinator.kill()
        coordinator.start()
        shares = coordinator.json("--account", "lab", "share", "ls")["in"]
        assert [one["address"] for one in shares] == [shared_is], shares

        coordinator.cli("share", "rm", shares[0]["id"])
        wait_until("they are strangers again", lambda: guest.peer("shared") is None and shared.peer("guest") is None, 10)
        assert guest.ping(shared_is, timeout=1) == 0 and not fetched(guest, shared_is)


def test_ours_shares_with_stock():
    check_share(Node, StockNode)


def test_stock_shares_with_ours():
    check_share(StockNode, Node)


def check_exit_node(sharer, guest):
    """A shared exit node takes the guest to the Internet where the share says so, and only then."""
    need_stock()
    with Lab() as lab:
        coordinator = Coordinator(lab, f"{FAR}.1")
        owner = coordinator.json("user", "ls")[0]["loginName"]
        coordinator.cli("account", "add", "lab", "--owner", "dora")
        serve_callers(lab.far_host("web", 80))
        way_out = sharer(lab.public_host("gate", f"{INTERNET}.2"), coordinator)
        way_out.host.sysctl("net.ipv4.ip_forward", 1)  # the stock client leaves that to people
        way_out.up(coordinator.add_key(user=owner), "--advertise-exit-node")
        coordinator.cli("route", "approve", "gate", "--exit-node")
        guest = guest(lab.host_behind("guest", lab.router("rg", Nat.PORT_PRESERVING)), coordinator)
        guest.up(coordinator.cli("--account", "lab", "key", "add", "--user", "dora", "-q"))
        web = f"{FAR}.80"
        home = wait_until("the open Internet", lambda: seen_as(guest.host, web))
        assert home != way_out.host.address

        coordinator.cli("--account", "lab", "share", "accept", coordinator.cli("share", "add", "gate", "-q"))
        wait_until("it is seen", lambda: guest.peer("gate"), 5)
        guest.wait_ping(guest.peer("gate")["TailscaleIPs"][0])
        assert not guest.peer("gate")["ExitNodeOption"]
        assert guest.cli("set", "--exit-node", "gate", check=False).returncode != 0
        share = coordinator.json("--account", "lab", "share", "ls")["in"][0]
        coordinator.cli("share", "rm", share["id"])
        wait_until("it is gone", lambda: guest.peer("gate") is None, 10)

        link = coordinator.cli("share", "add", "gate", "--exit-node", "-q")
        coordinator.cli("--account", "lab", "share", "accept", link)
        wait_until("it is offered", lambda: (gate := guest.peer("gate")) and gate["ExitNodeOption"], 5)
        guest.cli("set", "--exit-node", guest.peer("gate")["TailscaleIPs"][0])
        wait_until("by the shared exit node", lambda: seen_as(guest.host, web) == way_out.host.address, 20)

        # Revoked, it carries nothing any more, whatever the guest believes.
        share = coordinator.json("--account", "lab", "share", "ls")["in"][0]
        coordinator.cli("share", "rm", share["id"])
        wait_until("not by it any more", lambda: seen_as(guest.host, web) != way_out.host.address, 20)
        guest.cli("set", "--exit-node=")
        wait_until("its own way again", lambda: seen_as(guest.host, web) == home, 20)


def test_our_exit_node_shared_with_stock():
    check_exit_node(Node, StockNode)


def test_a_stock_exit_node_shared_with_ours():
    check_exit_node(StockNode, Node)
