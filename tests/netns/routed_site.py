"""A network with a machine in it behind a router that is a node, and a roamer who wants to get there: what
the tests of firewalls look at."""

import re
import socket

from lab import Host, Nat, _ip, wait_until
from mesh import Coordinator, Node

PORT = 7000


# ---- who arrives where, and as whom

def whoami(host, family=socket.AF_INET):
    """Answers every datagram with its sender's address, as this machine sees it."""
    def serve():
        with socket.socket(family, socket.SOCK_DGRAM) as server:
            if family == socket.AF_INET6:
                server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            server.bind(("", PORT))
            while True:
                _, sender = server.recvfrom(100)
                server.sendto(sender[0].encode(), sender)
    host.thread(serve)


def seen_as(host, target, source=None, timeout=1.0):
    """The address under which `target` sees this machine; None without an answer."""
    def ask():
        family = socket.AF_INET6 if ":" in target else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as client:
            if source:
                client.bind((source, 0))
            client.settimeout(timeout)
            try:
                client.sendto(b"?", (target, PORT))
                return client.recvfrom(100)[0].decode()
            except OSError:
                return None
    return host.thread(ask).result()


def arrives(sender, receiver, target, source):
    """Whether a datagram from `source` reaches the receiver, answered or not."""
    def wait_for_it(ready):
        with socket.socket(socket.AF_INET6 if ":" in target else socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((target, 7001))
            s.settimeout(0.7)
            ready.append(True)
            try:
                return s.recvfrom(100)[1][0] == source
            except OSError:
                return False

    def send():
        with socket.socket(socket.AF_INET6 if ":" in target else socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((source, 0))
            s.sendto(b"!", (target, 7001))

    ready = []
    heard = receiver.thread(wait_for_it, ready)
    wait_until("the receiver listens", lambda: ready or heard.done())
    sender.thread(send).result()
    return heard.result()


def pings(host, target, source=None):
    words = ["-I", source] if source else []
    return host.run("ping", "-n", "-c1", "-W1", *words, target, check=False).returncode == 0


def reaches(host, target):
    wait_until(f"{host.name} reaches {target}", lambda: pings(host, target), 15)


def connects(host, target):
    def work():
        with socket.create_connection((target, PORT), timeout=1):
            return True
    try:
        return host.thread(work).result()
    except OSError:
        return False


def accept_connections(host):
    def serve():
        with socket.create_server(("", PORT)) as server:
            while True:
                server.accept()[0].close()
    host.thread(serve)


# ---- the state of a host

def rules_of(host):
    """Everybody's rules, without counters and handles."""
    lines = host.run("nft", "-s", "list", "ruleset").stdout
    return re.sub(r"counter packets \d+ bytes \d+", "counter", lines)


def legacy_rules_of(host):
    out = ""
    for family in ("iptables", "ip6tables"):
        out += host.run(f"{family}-legacy-save").stdout
    return re.sub(r"\[\d+:\d+\]|# .*\n", "", out)


def sysctl(host, name):
    return host.run("cat", f"/proc/sys/{name.replace('.', '/')}").stdout.strip()


def health(node):
    return " ".join(node.status()["Health"] or [])


def chain(host, name, table="ayatori"):
    return host.run("nft", "list", "chain", "inet", table, name, check=False).stdout


def neighbour_of(lab, host, name, own, theirs):
    """One more link of a host, and a machine at its other end."""
    out = Host(lab, f"{host.name}-{name}", theirs.split("/")[0])
    _ip("link", "add", name, "netns", host.netns, "type", "veth", "peer", "name", "eth0", "netns", out.netns)
    _ip("-n", host.netns, "addr", "add", own, "dev", name)
    _ip("-n", out.netns, "addr", "add", theirs, "dev", "eth0")
    _ip("-n", host.netns, "link", "set", name, "up")
    _ip("-n", out.netns, "link", "set", "eth0", "up")
    return out


class Site:
    """A roamer `alpha` who accepts routes, and a router `beta` in a network with a machine `nas`."""

    def __init__(self, lab, *options, kind="nftables"):
        self.lab = lab
        self.coordinator = Coordinator(lab)
        self.key = self.coordinator.add_key("--reusable")
        self.home = lab.router("rb", Nat.PORT_PRESERVING)
        self.nas = lab.host_behind("nas", self.home)
        beta = lab.host_behind("beta", self.home)
        for host, last in ((self.nas, 2), (beta, 3)):
            _ip("-n", host.netns, "addr", "add", f"fd00:b::{last}/64", "dev", "eth0", "nodad")
        self.alpha = Node(lab.host_behind("alpha", lab.router("ra", Nat.PORT_PRESERVING)), self.coordinator)
        self.beta = Node(beta, self.coordinator, env={"TS_DEBUG_FIREWALL_MODE": kind})
        self.lan = f"{self.home.lan}.0/24"
        self.alpha.up(self.key, "--accept-routes")
        self.beta.up(self.key, *options)
        wait_until("they see each other", lambda: self.alpha.peer("beta") and self.beta.peer("alpha"))
        whoami(self.nas)
        whoami(self.nas, socket.AF_INET6)

    def offer(self, *routes):
        self.beta.cli("set", f"--advertise-routes={','.join(routes)}")
        self.approve(*routes)

    def offer_exit(self):
        self.beta.cli("set", "--advertise-exit-node")
        self.approve("0.0.0.0/0", "::/0")
        wait_until("it may be chosen", lambda: (self.alpha.peer("beta") or {}).get("ExitNodeOption"))

    def approve(self, *routes):
        def in_use():
            self.coordinator.cli("route", "approve", "beta", check=False)
            if "0.0.0.0/0" in routes:
                self.coordinator.cli("route", "approve", "beta", "--exit-node", check=False)
            listed = self.coordinator.cli("route", "ls")
            return all(re.search(rf"{re.escape(route)} +in use", listed) for route in routes)

        wait_until("the routes are in use", in_use, every=0.2)

    def restart_beta(self, kind):
        self.beta.stop()
        self.beta.env["TS_DEBUG_FIREWALL_MODE"] = kind
        self.beta.start()
