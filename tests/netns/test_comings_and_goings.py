"""How nodes leave and come back: by log out, deletion, a key that was extended or replaced, and as guests who
are forgotten when they go. Each of stock and own nodes, watched by a node of the other kind."""

from lab import INTERNET, Lab, wait_until
from mesh import Coordinator, Node, StockNode
from test_login_pages import Waiting
from test_stock_client import need_stock


class Pair:
    def __init__(self, lab):
        self.lab = lab
        self.coordinator = Coordinator(lab)
        self.stock = StockNode(lab.public_host("stock", f"{INTERNET}.5"), self.coordinator)
        self.ours = Node(lab.public_host("ours", f"{INTERNET}.6"), self.coordinator)
        for node in (self.stock, self.ours):
            self.join(node)
        self.both_ways = ((self.stock, self.ours), (self.ours, self.stock))
        for node, other in self.both_ways:
            node.wait_ping(other.ip, 15)

    def join(self, node, *options, again=False):
        node.up(self.coordinator.add_key(*options), *(("--force-reauth",) if again else ()))

    def known(self):
        return {device["hostname"]: device for device in self.coordinator.json("node", "ls")}


def wait_state(node, wanted):
    wait_until(f"{node.name}: {wanted}", lambda: node.status()["BackendState"] == wanted, 15)


def wait_cut_off(other, address):
    wait_until("nothing passes", lambda: other.ping(address, timeout=1) == 0, 5)


def test_log_out_and_back_to_the_same_address():
    need_stock()
    with Lab() as lab:
        pair = Pair(lab)
        for node, other in pair.both_ways:
            address, key = node.ip, node.status()["Self"]["PublicKey"]
            node.cli("logout")
            wait_state(node, "NeedsLogin")
            wait_until("the other knows", lambda: (other.peer(node.name) or {"Expired": True}).get("Expired"), 5)
            wait_cut_off(other, address)
            assert node.name in pair.known(), "it is not deleted"
            pair.join(node)
            assert node.ip == address and node.status()["Self"]["PublicKey"] != key
            for one, to in ((other, address), (node, other.ip)):
                one.wait_ping(to)
            assert not other.peer(node.name).get("Expired")
            assert len(pair.known()) == 2


def test_a_deleted_node_is_told_so_and_comes_back_as_another():
    need_stock()
    with Lab() as lab:
        pair = Pair(lab)
        for node, other in pair.both_ways:
            address, number = node.ip, node.status()["Self"]["ID"]
            pair.coordinator.cli("node", "rm", node.name)
            wait_state(node, "NeedsLogin")
            wait_until("the other knows", lambda: other.peer(node.name) is None, 5)
            wait_cut_off(other, address)
            pair.join(node, "--reusable")
            assert node.status()["Self"]["ID"] != number
            assert node.ip != address, "that one rests for a while"
            other.wait_ping(node.ip)


def test_a_key_is_extended_before_and_after_its_end():
    need_stock()
    with Lab() as lab:
        pair = Pair(lab)
        for node, other in pair.both_ways:
            address, key = node.ip, node.status()["Self"]["PublicKey"]
            assert node.status()["Self"]["KeyExpiry"]
            pair.coordinator.cli("node", "no-expire", node.name)
            wait_until("it knows", lambda: not node.status()["Self"].get("KeyExpiry"), 5)
            assert node.status()["Self"]["PublicKey"] == key and other.ping(address) == 1
            pair.coordinator.cli("node", "expire", node.name)
            wait_state(node, "NeedsLogin")
            wait_until("the other knows", lambda: other.peer(node.name).get("Expired"), 5)
            wait_cut_off(other, address)
            pair.coordinator.cli("node", "no-expire", node.name)
            wait_state(node, "Running")
            other.wait_ping(address)
            node.wait_ping(other.ip)
            own = node.status()["Self"]
            assert own["PublicKey"] == key and node.ip == address
            wait_until("for ever", lambda: not node.status()["Self"].get("KeyExpiry"), 5)


def test_a_key_is_replaced_while_packets_flow():
    need_stock()
    with Lab() as lab:
        pair = Pair(lab)
        for node, other in pair.both_ways:
            address, key = node.ip, node.status()["Self"]["PublicKey"]
            again = Waiting(node, "--force-reauth")
            assert again.url
            code = wait_until("it waits", lambda: pair.coordinator.json("node", "pending"), 5)[0]["code"]
            assert other.ping(address, count=3) == 3, "the old key is good until there is a new one"
            assert node.ping(other.ip, count=3) == 3
            pair.coordinator.cli("node", "approve", code)
            again.finish()
            assert node.status()["Self"]["PublicKey"] != key and node.ip == address
            other.wait_ping(address)
            node.wait_ping(other.ip)
            assert len(pair.known()) == 2


def test_a_key_is_replaced_without_a_person():
    need_stock()
    with Lab() as lab:
        pair = Pair(lab)
        for node, other in pair.both_ways:
            address, key = node.ip, node.status()["Self"]["PublicKey"]
            pair.join(node, again=True)
            wait_until("another key", lambda: node.status()["Self"]["PublicKey"] != key, 5)
            wait_state(node, "Running")
            assert node.ip == address and len(pair.known()) == 2
            for one, to in ((other, address), (node, other.ip)):
                one.wait_ping(to)


def test_ephemeral_nodes_are_gone_when_they_log_out():
    need_stock()
    with Lab() as lab:
        pair = Pair(lab)
        guests = [kind(lab.public_host(name, f"{INTERNET}.{last}"), pair.coordinator)
                  for kind, name, last in ((StockNode, "gstock", 7), (Node, "gours", 8))]
        for guest in guests:
            pair.join(guest, "--ephemeral")
            address = guest.ip
            for _, watcher in pair.both_ways:
                watcher.wait_ping(address)
            guest.kill()  # a short absence is none
            guest.start()
            wait_state(guest, "Running")
            assert guest.ip == address
            for _, watcher in pair.both_ways:
                watcher.wait_ping(address)
            guest.cli("logout")
            for _, watcher in pair.both_ways:
                wait_until("gone", lambda: watcher.peer(guest.name) is None, 5)
                wait_cut_off(watcher, address)
            assert guest.name not in pair.known()
