"""One machine shown to another account, between stock and own nodes whose addresses collide."""

import sys

from lab import INTERNET, Lab, wait_until
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
