"""kill -9 at any moment, whatever the node is doing: the host goes on, and gets everything back."""

import random
import threading
import time

from lab import INTERNET, Lab, Nat, programs, wait_until
from mesh import Coordinator, Node

ROUNDS = 200


class Footprint:
    """What a node changes on its host: the same before and after."""

    def __init__(self, host):
        self.host = host
        self.before = self._read()

    def _read(self):
        def show(*words):
            return self.host.run(*words, check=False).stdout  # tables may not exist

        return {
            "resolver": (self.host.etc / "resolv.conf").read_text(),
            "rules": show("ip", "rule") + show("ip", "-6", "rule"),
            "routes": show("ip", "-4", "route", "show", "table", "all", "scope", "global") +
                      show("ip", "-6", "route", "show", "table", "16729"),
            "firewall": show("nft", "list", "ruleset"),
            "links": show("ip", "-br", "link"),
            "forwarding": show("sysctl", "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"),
        }

    def expect_unchanged(self):
        now = self._read()
        for what, before in self.before.items():
            assert now[what] == before, f"{what}\n--- before\n{before}--- now\n{now[what]}"


def test_killed_at_any_moment_the_host_goes_on():
    chance = random.Random(1)
    with Lab() as lab:
        coordinator = Coordinator(lab)
        key = coordinator.add_key("--reusable")
        for number, name in enumerate(("exit1", "exit2")):
            Node(lab.public_host(name, f"{INTERNET}.{70 + number}"), coordinator).up(
                key, "--advertise-exit-node")
            coordinator.cli("route", "approve", name, "--exit-node")
        web = lab.far_host("web", 80)
        router = lab.router("r", Nat.PORT_PRESERVING)
        host = lab.host_behind("laptop", router)
        # What the host has from others: a resolver, and rules that are nobody's business.
        (host.etc / "resolv.conf").write_text(
            f"# by the router\nsearch home.example\nnameserver {router.lan}.1\n")
        host.nft("table inet mine {\n chain in { type filter hook input priority 0; tcp dport 9 drop; }\n}\n")
        footprint = Footprint(host)
        node = Node(host, coordinator)
        node.up(key, "--accept-routes", "--advertise-routes=10.9.0.0/24")
        coordinator.cli("route", "approve", "laptop")

        def tell(*words):
            node.cli(*words, check=False, timeout=20)

        actions = [
            lambda: tell("down"),
            lambda: tell("up", "--timeout", "2s"),
            lambda: tell("set", "--exit-node=exit1"),
            lambda: tell("set", "--exit-node=exit2"),
            lambda: tell("set", "--exit-node="),
            lambda: tell("set", "--advertise-routes="),
            lambda: tell("set", "--advertise-routes=10.9.0.0/24"),
            lambda: coordinator.cli("node", "ip", "laptop", f"100.80.{chance.randrange(250)}.9"),
        ]
        cleaned = looked = 0
        for number in range(ROUNDS):
            doing = threading.Thread(target=chance.choice(actions))
            doing.start()
            time.sleep(chance.random() * 0.12)
            node.kill()
            if number % 5 == 4:
                host.run(programs() / "ayatorid", "--cleanup", "--statedir", node.state,
                         "--socket", node.socket)
                footprint.expect_unchanged()
                cleaned += 1
            node.start()
            doing.join()  # who was cut off has asked again
            if number % 20 == 19:
                tell("set", "--exit-node=")
                tell("up", "--timeout", "10s")
                wait_until("the host routes", lambda: node.ping(web.address, timeout=1), 10)
                wait_until("and resolves", lambda: node.ping("exit1", timeout=1), 15)
                looked += 1
        refused = host.run(programs() / "ayatorid", "--cleanup", "--statedir", node.state,
                           "--socket", node.socket, check=False)
        assert refused.returncode == 1 and "stop it first" in refused.stderr, refused.stderr
        node.stop()
        footprint.expect_unchanged()
        print(f"            {ROUNDS} kills; {cleaned} clean-ups, {looked} looks at the host")
