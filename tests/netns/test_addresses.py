"""Addresses that move: on stock and own nodes, in front of fifty others, and through 200 kills."""

import contextlib
import http.client
import json
import pathlib
import random
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time

from lab import Lab, programs, wait_until
from test_stock_client import check_both_ways, mixed, need_stock

KILLS = 200


def test_swap_undo_and_grace_on_stock_and_own_nodes():
    need_stock()
    with Lab() as lab:
        coordinator, ours, theirs = mixed(lab, True)
        check_both_ways(ours, theirs)
        began = coordinator.cli("node", "ip", "ours", "100.80.0.1"), coordinator.cli(
            "node", "ip", "stock", "100.80.0.2")
        assert "ours has 100.80.0.1 (was" in began[0], began

        def at(own, stock):
            wait_until("both know", lambda: (ours.ip, theirs.ip) == (own, stock), 5)
            wait_until("ours reaches it", lambda: ours.ping(stock, timeout=1), 5)
            wait_until("stock reaches it", lambda: theirs.ping(own, timeout=1), 5)

        at("100.80.0.1", "100.80.0.2")
        told = coordinator.cli("node", "ip", "ours", "--swap", "stock", "--dry-run")
        assert "ours would have 100.80.0.2" in told and "stock would have 100.80.0.1" in told, told
        at("100.80.0.1", "100.80.0.2")
        coordinator.cli("node", "ip", "ours", "--swap", "stock")
        at("100.80.0.2", "100.80.0.1")
        coordinator.kill()
        coordinator.start()
        coordinator.cli("node", "ip", "stock", "--undo")
        at("100.80.0.1", "100.80.0.2")

        plan = lab.dir / "plan.csv"
        plan.write_text("node,address\nours,100.80.0.2\nstock,100.80.0.9\n")
        coordinator.cli("node", "ip", "--file", str(plan))
        at("100.80.0.2", "100.80.0.9")

        coordinator.cli("node", "ip", "stock", "100.80.0.10", "--grace", "6s")
        ended = time.monotonic() + 6
        for address in ("100.80.0.10", "100.80.0.9"):
            wait_until(f"{address} answers", lambda a=address: ours.ping(a, timeout=1), 3)
        assert theirs.status()["Self"]["TailscaleIPs"][:2] == ["100.80.0.10", "100.80.0.9"]
        time.sleep(max(0.0, ended - time.monotonic()))
        wait_until("the old one is gone",
                   lambda: "100.80.0.9" not in theirs.status()["Self"]["TailscaleIPs"], 5)
        wait_until("the new one answers", lambda: ours.ping("100.80.0.10", timeout=1), 3)
        assert ours.ping("100.80.0.9", timeout=1) == 0, "the old address still answers"
        for node in (ours, theirs):
            assert node.process.poll() is None


class LoopbackCoordinator:
    """The real program on the loopback interface, with light nodes; nothing of the host is touched."""

    def __init__(self, folder):
        self.dir = folder / "state"
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
            port = free.getsockname()[1]
        with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as free:
            free.bind(("127.0.0.1", 0))
            stun = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.socket = self.dir / "coord.sock"
        self.log = (folder / "coord.log").open("ab")
        self.process = None
        self.cli("init", "--server-url", self.url, "--listen", f"127.0.0.1:{port}",
                 "--derp-ip", "127.0.0.1", "--stun-listen", f"127.0.0.1:{stun}")

    def cli(self, *words):
        done = subprocess.run(
            [programs() / "ayatori-coord", "--dir", self.dir, *words],
            capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self):
        self.process = subprocess.Popen(
            [programs() / "ayatori-coord", "serve", "--dir", self.dir], stdout=self.log, stderr=self.log)
        wait_until("the coordinator answers", self._answers, 30, every=0.005)

    def _answers(self):
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.rest("GET", "/status")[0] == 200

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def rest(self, method, path, body=None):
        with contextlib.closing(http.client.HTTPConnection("coord", timeout=10)) as connection:
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(10)
            connection.sock.connect(str(self.socket))
            connection.request(method, f"/api/v2{path}", None if body is None else json.dumps(body),
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def storm(self, nodes, edits):
        return subprocess.run(
            [programs() / "aya_address_storm", "--server", self.url, "--socket", self.socket,
             "--nodes", str(nodes), "--edits", str(edits)], capture_output=True, text=True, timeout=200)

    def addresses(self):
        return {d["nodeId"]: d["addresses"][0] for d in self.rest("GET", "/tailnet/-/devices")[1]["devices"]}


@contextlib.contextmanager
def loopback_coordinator():
    with tempfile.TemporaryDirectory(prefix="aya-addresses-") as folder:
        coordinator = LoopbackCoordinator(pathlib.Path(folder))
        coordinator.start()
        try:
            yield coordinator
        finally:
            coordinator.kill()


def test_an_edit_is_known_to_fifty_nodes_within_two_seconds():
    with loopback_coordinator() as coordinator:
        done = coordinator.storm(50, 100)
        print(f"            {done.stdout.strip()}")
        assert done.returncode == 0, done.stderr


class Mover:
    """One change after the other: edits, swaps, plans, undos. Knows what must be true after each."""

    def __init__(self, coordinator):
        self.coordinator = coordinator
        self.dice = random.Random(3)
        self.now = coordinator.addresses()  # as acknowledged
        self.next = None                    # asked for, not acknowledged
        self.fresh = 0
        self.counts = dict.fromkeys(("edit", "swap", "plan", "undo"), 0)
        self.last = None  # the last change that can be undone: (device, addresses before it)

    def new_address(self):
        self.fresh += 1  # one twice would rest in quarantine
        return f"100.{80 + self.fresh // 60000}.{self.fresh // 240 % 250}.{1 + self.fresh % 240}"

    def step(self):
        kind = self.dice.choice(("edit", "swap", "plan", "undo"))
        if kind == "undo" and self.last is None:
            kind = "plan"
        devices, wanted = sorted(self.now), dict(self.now)
        one, other = self.dice.sample(devices, 2)
        path, body = f"/device/{one}/ip", {}
        if kind == "edit":
            wanted[one] = body["ipv4"] = self.new_address()
        elif kind == "swap":
            wanted[one], wanted[other] = wanted[other], wanted[one]
            body["swapWith"] = other
        elif kind == "undo":
            one, wanted = self.last
            path = f"/device/{one}/ip/undo"
        else:  # addresses go round among some, and some are new
            chosen = self.dice.sample(devices, 6)
            for at, device in enumerate(chosen[:4]):
                wanted[device] = self.now[chosen[(at + 1) % 4]]
            for device in chosen[4:]:
                wanted[device] = self.new_address()
            one, path = chosen[0], "/tailnet/-/device-ips"
            body["assignments"] = [{"nodeId": d, "ipv4": wanted[d]} for d in chosen]
        self.next = wanted
        status, answer = self.coordinator.rest("POST", path, body)
        assert status == 200, (kind, status, answer)
        self.last = None if kind == "undo" else (one, self.now)
        self.now, self.next = wanted, None
        self.counts[kind] += 1

    def run_until_it_dies(self):
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            while True:
                self.step()

    def check(self, found):
        assert len(set(found.values())) == len(found), f"two owners: {found}"
        if found == self.next:  # done, though nobody said so
            self.last = None
        else:
            assert found == self.now, f"acknowledged {self.now}\nasked for {self.next}\nfound {found}"
        self.now, self.next = found, None


def test_two_hundred_kills_leave_no_half_plan_and_no_second_owner():
    with loopback_coordinator() as coordinator:
        joined = coordinator.storm(12, 0)
        assert joined.returncode == 0, joined.stderr
        mover = Mover(coordinator)
        unsaid = 0
        for _ in range(KILLS):
            delay = mover.dice.uniform(0.0, 0.06)
            killer = threading.Timer(delay, coordinator.process.send_signal, [signal.SIGKILL])
            killer.start()
            mover.run_until_it_dies()
            killer.join()
            coordinator.process.wait()
            coordinator.start()
            found = coordinator.addresses()
            unsaid += found == mover.next
            mover.check(found)
        print(f"            {KILLS} kills in {mover.counts}; {unsaid} done without an answer")
        assert sum(mover.counts.values()) > KILLS, "hardly anything was going on"
        log = re.findall(r"edit|swap|plan", str(coordinator.rest(
            "GET", "/tailnet/-/logging/configuration?start=2020-01-01T00:00:00Z&end=2099-01-01T00:00:00Z")[1]))
        assert log, "the audit log says nothing"
