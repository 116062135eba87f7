"""Which node carries the Internet traffic: as a person chooses it, and as `auto` keeps it working."""

import contextlib
import signal
import threading
import time

from callers import call, seen_as, serve_callers
from lab import FAR, INTERNET, Lab, Nat, stock, wait_until
from mesh import Coordinator, Node, StockNode
from verdict import Skip

WEB = f"{FAR}.80"


class Load:
    """A new connection every tenth of a second, each on its own, for as long as it lasts."""

    def __init__(self, host):
        self.calls = []  # when it began, when it was answered, by whom we were seen
        self.going = True
        self.done = host.thread(self._run)

    def _run(self):
        while self.going:
            threading.Thread(target=self._call, args=(time.monotonic(),), daemon=True).start()
            time.sleep(0.1)

    def _call(self, began):
        with contextlib.suppress(OSError):
            seen = call(WEB, timeout=10)
            self.calls.append((began, time.monotonic(), seen))

    def first_answer_by_another(self, than, since):
        """When a connection that began after `since` was first answered by way of another node."""
        answered = [end for began, end, seen in list(self.calls) if began >= since and seen not in than]
        return min(answered, default=None)

    def stop(self):
        self.going = False
        self.done.result(timeout=5)


def home(lab, count):
    """Exit nodes on public hosts, all approved, and somebody behind a NAT who may use them."""
    # An exit node does not lead into its own network: server and service are beyond it.
    coordinator = Coordinator(lab, f"{FAR}.1")
    key = coordinator.add_key("--reusable")
    serve_callers(lab.far_host("web", 80))
    exits = {}
    for number in range(1, count + 1):
        host = lab.public_host(f"exit{number}", f"{INTERNET}.{20 + number}")
        exits[host.name] = Node(host, coordinator)
        exits[host.name].up(key, "--advertise-exit-node")
    roamer = Node(lab.host_behind("roamer", lab.router("ra", Nat.PORT_PRESERVING)), coordinator)
    roamer.up(key)
    for name in exits:
        coordinator.cli("route", "approve", name, "--exit-node")
    wait_until("all may be chosen", lambda: all(
        peer["ExitNodeOption"] for peer in (roamer.peer(name) or {"ExitNodeOption": False} for name in exits)))
    return coordinator, exits, roamer


def in_use(roamer, exits):
    chosen = roamer.status().get("ExitNodeStatus")
    return next((name for name in exits if chosen and roamer.peer(name)["ID"] == chosen["ID"]), None)


def exit_and_words(node, *words):
    done = node.cli(*words, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_person_chooses():
    with Lab() as lab:
        coordinator, exits, roamer = home(lab, 2)
        host = roamer.host
        ours = next(router.address for router in lab.hosts if router.name == "ra")
        plain = Node(lab.public_host("plain", f"{INTERNET}.30"), coordinator)
        shy = Node(lab.public_host("shy", f"{INTERNET}.31"), coordinator)
        key = coordinator.add_key("--reusable")
        plain.up(key)
        shy.up(key, "--advertise-exit-node")
        wait_until("everybody is known", lambda: roamer.peer("plain") and roamer.peer("shy"))

        # Why not.
        for who, code, words in (
                ("exit3", 7, "did you mean exit"), ("exit", 7, "may mean exit1"),
                ("plain", 7, "run there: ayatori set --advertise-exit-node"),
                ("shy", 7, "route approve shy --exit-node"), ("roamer", 2, "--advertise-exit-node"),
                ("-", 7, "before")):
            status, text = exit_and_words(roamer, "set-exit-node", who)
            assert status == code and words in text, (who, status, text)
        assert seen_as(host, WEB) == ours
        assert "exit1" in roamer.cli("exit-node", "list").stdout
        assert "Suggested exit node: exit" in roamer.cli("exit-node", "suggest").stdout

        # By name, tried at once: it says where traffic leaves.
        first, second = exits["exit1"].host.address, exits["exit2"].host.address
        done = roamer.cli("set-exit-node", "--verify", "EXIT1")
        assert f"egress address: {first}\n" in done.stdout, done.stdout + done.stderr
        assert seen_as(host, WEB) == first
        assert "exit1" in roamer.cli("set-exit-node").stdout.splitlines()[0]
        roamer.cli("exit-node", "use", exits["exit2"].ip)
        assert seen_as(host, WEB) == second
        roamer.cli("set-exit-node", "-")
        assert in_use(roamer, exits) == "exit1" and seen_as(host, WEB) == first

        # The network one sits in.
        gateway = host.address.rsplit(".", 1)[0] + ".1"
        assert roamer.ping(gateway, timeout=1) == 0
        roamer.cli("set-exit-node", "--allow-lan")
        assert roamer.ping(gateway) == 1 and seen_as(host, WEB) == first
        roamer.cli("set-exit-node", "--allow-lan=false")
        assert roamer.ping(gateway, timeout=1) == 0

        # One that is dead is refused; taken all the same, it is left again.
        exits["exit2"].kill()
        wait_until("it is seen to be offline", lambda: not roamer.peer("exit2")["Online"], 30)
        assert exit_and_words(roamer, "set-exit-node", "exit2")[0] == 8
        began = time.monotonic()
        status, text = exit_and_words(roamer, "set-exit-node", "--verify", "--force", "exit2")
        took = time.monotonic() - began
        assert status == 8 and "back to exit1" in text, text
        print(f"            back from a dead exit node after {took:.2f} s")
        assert took < 8, f"rolled back after {took:.2f} s"
        assert seen_as(host, WEB) == first

        roamer.cli("set-exit-node", "none")
        assert seen_as(host, WEB) == ours and "ExitNodeStatus" not in roamer.status()


def test_auto_leaves_a_dead_exit_node_within_three_seconds():
    with Lab() as lab:
        coordinator, exits, roamer = home(lab, 3)
        addresses = {node.host.address: name for name, node in exits.items()}
        roamer.cli("set-exit-node", "auto")
        wait_until("traffic leaves by one of them", lambda: seen_as(roamer.host, WEB) in addresses)
        assert roamer.cli("get", "exit-node").stdout == "auto:any\n"
        load = Load(roamer.host)
        wait_until("the load runs", lambda: len(load.calls) > 10)

        def fails_over(kill, dead):
            name = in_use(roamer, exits)
            node = exits[name]
            dead.append(node.host.address)
            killed = time.monotonic()
            kill(node)
            answered = wait_until(
                "new connections by another", lambda: load.first_answer_by_another(dead, killed), 15)
            took = answered - killed
            print(f"            new connections {took:.2f} s after the end of {name}")
            assert took <= 3, f"took {took:.2f} s"
            assert in_use(roamer, exits) not in (name, None)
            return node

        dead = []
        fails_over(Node.kill, dead).start()
        # It is back, and is not returned to; the next one vanishes without a word, and so has the
        # coordinator with the relay.
        wait_until("it is back", lambda: roamer.peer(addresses[dead[0]])["Online"], 20)
        assert addresses[dead[0]] != in_use(roamer, exits)
        for name, node in exits.items():
            wait_until("a direct path", lambda: roamer.ping(node.ip, timeout=1) and roamer.direct_to(name), 10)
        coordinator.kill()
        fails_over(lambda node: node.host.run("ip", "link", "set", "eth0", "down"), [])
        load.stop()


def test_auto_goes_to_stock_exit_nodes_too():
    for name in ("tailscaled", "tailscale"):
        if stock(name) is None:
            raise Skip("no stock client")
    with Lab() as lab:
        coordinator, exits, roamer = home(lab, 1)
        theirs = StockNode(lab.public_host("theirs", f"{INTERNET}.40"), coordinator)
        theirs.host.sysctl("net.ipv4.ip_forward", 1)
        theirs.host.sysctl("net.ipv6.conf.all.forwarding", 1)
        theirs.up(coordinator.add_key(), "--advertise-exit-node")
        coordinator.cli("route", "approve", "theirs", "--exit-node")
        wait_until("it may be chosen", lambda: (roamer.peer("theirs") or {}).get("ExitNodeOption"))
        roamer.cli("set-exit-node", "auto")
        everybody = {**exits, "theirs": theirs}
        addresses = {node.host.address: name for name, node in everybody.items()}
        wait_until("traffic leaves by one of them", lambda: seen_as(roamer.host, WEB) in addresses)
        load = Load(roamer.host)
        wait_until("the load runs", lambda: len(load.calls) > 10)
        # Whichever it is: the other takes over, and is left for the first in turn.
        for _ in range(2):
            name = in_use(roamer, everybody)
            node, killed = everybody[name], time.monotonic()
            node.kill()
            answered = wait_until("new connections by the other", lambda: load.first_answer_by_another(
                [node.host.address], killed), 15)
            print(f"            new connections {answered - killed:.2f} s after the end of {name}")
            assert answered - killed <= 3
            node.start()
            wait_until("it is back", lambda: roamer.peer(name)["Online"], 20)
            wait_until("it answers", lambda: roamer.ping(node.ip, timeout=1), 20)
        load.stop()
