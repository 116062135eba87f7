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


def test_addresses_of_a_carrier_are_left_alone_where_the_policy_says_so():
    """A stock client drops what comes from 100.64.0.0/10 by any other way than its own, which cuts off a host
    whose carrier or cloud uses that range."""
    need_stock()
    with Lab() as lab:
        coordinator = Coordinator(lab)
        host = lab.public_host("stock", f"{INTERNET}.5")
        carrier = lab.public_host("carrier", f"{INTERNET}.6")
        carrier.run("ip", "address", "add", "100.100.1.1/32", "dev", "lo")
        host.run("ip", "route", "add", "100.100.1.1/32", "via", carrier.address)
        node = StockNode(host, coordinator)
        node.up(coordinator.add_key())

        def reached():
            return host.run("ping", "-c1", "-W1", "100.100.1.1", check=False).returncode == 0

        wait_until("the client cuts the host off", lambda: not reached())
        policy = host.dir / "policy.hujson"
        policy.write_text(json.dumps({
            "grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]}],
            "OneCGNATRoute": "mac-never",
            "nodeAttrs": [{"target": ["*"], "attr": ["disable-linux-cgnat-drop-rule"]}]}))
        coordinator.cli("policy", "set", policy)
        wait_until("the carrier is reached again, without a restart", reached, 15)
        capabilities = node.status()["Self"]["CapMap"]
        assert "disable-linux-cgnat-drop-rule" in capabilities and "one-cgnat?v=false" in capabilities, capabilities
