"""What stock clients can do only where the server switches it on: files between machines, an exit
node that is chosen and left by itself, a key that lives longer than was said."""

import json
import signal
import time

from callers import call, serve_callers
from lab import FAR, INTERNET, Lab, Nat, wait_until
from mesh import Coordinator, Node, StockNode
from test_exit_node import Load
from test_stock_client import need_stock


def test_taildrop():
    need_stock()
    with Lab() as lab:
        coordinator = Coordinator(lab)
        key = coordinator.add_key("--reusable")
        sender, receiver = [
            StockNode(lab.public_host(name, f"{INTERNET}.{last}"), coordinator)
            for name, last in (("sender", 5), ("receiver", 6))]
        for node in (sender, receiver):
            node.up(key)
        wait_until("it may be sent to", lambda: "receiver" in sender.cli("file", "cp", "--targets").stdout, 15)
        letter = sender.host.dir / "letter.bin"
        letter.write_bytes(bytes(range(256)) * 4096)
        sender.cli("file", "cp", letter, "receiver:")
        inbox = receiver.host.dir / "inbox"
        inbox.mkdir()
        receiver.cli("file", "get", "--wait", inbox)
        assert (inbox / "letter.bin").read_bytes() == letter.read_bytes()


def exits_and_roamer(lab):
    """Two exit nodes, and a stock client that leaves the choice to itself."""
    coordinator = Coordinator(lab, f"{FAR}.1")
    key = coordinator.add_key("--reusable")
    serve_callers(lab.far_host("web", 80))
    exits = {}
    for number in (1, 2):
        host = lab.public_host(f"exit{number}", f"{INTERNET}.{20 + number}")
        exits[host.address] = Node(host, coordinator)
        exits[host.address].up(key, "--advertise-exit-node")
        coordinator.cli("route", "approve", host.name, "--exit-node")
    roamer = StockNode(lab.host_behind("roamer", lab.router("ra", Nat.PORT_PRESERVING)), coordinator)
    roamer.up(key, "--exit-node=auto:any")
    web = f"{FAR}.80"

    def seen():
        address = roamer.host.thread(call, web, 2).result(5)
        return address if address in exits else None

    return coordinator, exits, roamer, wait_until("it uses one of them", seen, 25)


def failover(break_exit):
    need_stock()
    with Lab() as lab:
        coordinator, exits, roamer, first = exits_and_roamer(lab)
        load = Load(roamer.host)
        break_exit(exits[first])
        broken = time.monotonic()
        try:
            answered = wait_until("another one carries new connections",
                                  lambda: load.first_answer_by_another({first}, broken), 25)
        finally:
            load.stop()
        print(f"            {answered - broken:.1f} s")
        assert answered - broken <= 15, answered - broken


def test_exit_node_is_left_when_it_is_killed():
    failover(lambda node: node.kill())


def test_exit_node_is_left_when_it_hangs():
    """Its connections stand, its daemon does not run: as with a machine whose power is gone."""
    def freeze(node):
        time.sleep(6)  # until it has been asked how it is: one that never answered is left in peace
        node.process.send_signal(signal.SIGSTOP)

    failover(freeze)


def test_ssh_rules_come_when_a_node_serves_ssh():
    need_stock()
    with Lab() as lab:
        coordinator = Coordinator(lab)
        node = StockNode(lab.public_host("stock", f"{INTERNET}.5"), coordinator)
        node.up(coordinator.add_key())

        def rules():
            policy = json.loads(node.cli("debug", "netmap").stdout)["SSHPolicy"]
            return policy["rules"] if policy else None

        assert not rules()
        node.cli("set", "--ssh")
        wait_until("it knows who may come in", rules, 15)


def test_a_key_that_has_expired_is_extended():
    need_stock()
    with Lab() as lab:
        coordinator = Coordinator(lab)
        node = StockNode(lab.public_host("stock", f"{INTERNET}.5"), coordinator)
        node.up(coordinator.add_key())
        address = node.ip
        coordinator.cli("node", "expire", "stock")
        wait_until("it is logged out", lambda: node.status()["BackendState"] == "NeedsLogin")
        coordinator.cli("node", "no-expire", "stock")
        wait_until("it goes on by itself", lambda: node.status()["BackendState"] == "Running")
        assert node.ip == address
