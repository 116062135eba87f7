"""The strict exit node: whatever becomes of exit nodes and daemons, nothing of the host's own traffic is
ever seen on the underlay.

Several roamers use `auto` with the kill switch. Their routers look at every packet that comes out of
them and know it by its bytes; what is neither the tunnel's, nor path discovery, nor the relay's, the
coordinator's or the port mapper's, has leaked, and is remembered with where it went.
"""

import contextlib
import http.client
import json
import random
import socket
import time

from lab import FAR, INTERNET, Lab, Nat, _ip, wait_until
from mesh import Coordinator, Node

WEB, PORT = f"{FAR}.80", 7000
WEB6 = "2001:db8:f::80"

# What may leave a roamer, and how it is known. In this order; a packet counts once.
ALLOWED = (
    ("wireguard", "meta l4proto udp @th,64,32 { 0x01000000, 0x02000000, 0x03000000, 0x04000000 }"),
    ("disco", "meta l4proto udp @th,64,48 0x5453f09f92ac"),
    ("stun", "meta l4proto udp @th,96,32 0x2112a442"),
    ("coordinator", "ip daddr {coordinator} tcp dport {{ 80, 443, 8443 }}"),
    ("portmap", "ip daddr {{ {router}, 239.255.255.250 }} udp dport {{ 1900, 5351 }}"),
    ("neighbours", "icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, "
                   "mld2-listener-report }"),
)


def underlay_rules(coordinator, router):
    rules = [f"{match.format(coordinator=coordinator, router=router) if '{{' in match else match} "
             f'counter name "{kind}" accept' for kind, match in ALLOWED]
    counters = [f"counter {kind} {{ }}" for kind, _ in (*ALLOWED, ("leaked", ""))]
    where = [f"set leaked{version} {{ type {kind} . inet_proto . inet_service; flags dynamic; size 4096; }}"
             for version, kind in ((4, "ipv4_addr"), (6, "ipv6_addr"))]
    chain = [
        "type filter hook prerouting priority -400;", 'iifname != "lan" accept', *rules,
        'counter name "leaked"',
        "meta nfproto ipv4 update @leaked4 { ip daddr . meta l4proto . th dport }",
        "meta nfproto ipv6 update @leaked6 { ip6 daddr . meta l4proto . th dport }"]
    return "\n".join(["table inet underlay {", *counters, *where, "chain look {", *chain, "}", "}", ""])


class Underlay:
    """Everything that a roamer's router hears of it, by kind."""

    def __init__(self, router, coordinator):
        self.router = router
        router.nft(underlay_rules(coordinator, f"{router.lan}.1"))

    def counts(self):
        listed = json.loads(self.router.run("nft", "-j", "list", "counters", "table", "inet", "underlay").stdout)
        found = (entry.get("counter") for entry in listed["nftables"])
        return {counter["name"]: counter["packets"] for counter in found if counter}

    def leaked(self):
        return self.counts()["leaked"]

    def where_to(self):
        """Of what has leaked."""
        return "".join(self.router.run("nft", "list", "set", "inet", "underlay", name).stdout
                       for name in ("leaked4", "leaked6"))


def answer_askers(host):
    """Tells everyone who sends a datagram under which address it came."""
    def serve():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("", PORT))
            while True:
                _, asker = server.recvfrom(100)
                server.sendto(asker[0].encode(), asker)
    host.thread(serve)


class Programs:
    """What runs on a roamer and knows nothing of all this: asks the Internet many times a second, its
    local network and the name server there, by every protocol and to everybody at once."""

    EVERY = 0.02

    def __init__(self, host, lan):
        self.last_seen = None  # (when it was answered, as whom)
        self.sent = 0
        self.going = True
        self.lan = lan
        self.done = host.thread(self._run)

    def _run(self):
        kinds = {
            "udp": (socket.AF_INET, socket.SOCK_DGRAM, 0), "udp6": (socket.AF_INET6, socket.SOCK_DGRAM, 0),
            "icmp": (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)}
        with contextlib.ExitStack() as open_sockets:
            by = {name: open_sockets.enter_context(socket.socket(*kind)) for name, kind in kinds.items()}
            for one in by.values():
                one.setblocking(False)
            by["udp"].setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            by["udp"].setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(f"{self.lan}.2"))
            by["udp6"].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex("eth0"))
            echo = b"\x08\x00\xf7\xfd\x00\x01\x00\x01"
            rare = [
                ("udp", (f"{self.lan}.1", 53)), ("udp", (f"{self.lan}.255", 137)),
                ("udp", ("255.255.255.255", 9)), ("udp", ("224.0.0.251", 5353)),
                ("udp6", (WEB6, PORT)), ("udp6", ("ff02::fb", 5353)), ("udp6", ("fd00:1a::1", 53))]
            number = 0
            while self.going:
                number += 1
                self._send(by["udp"], b"?", (WEB, PORT))
                if number % 5 == 0:
                    self._send(by["icmp"], echo, (WEB, 0))
                    self._connect()
                    for kind, target in rare:
                        self._send(by[kind], b"?", target)
                for one in by.values():
                    self._hear(one, one is by["udp"])
                time.sleep(self.EVERY)

    def _send(self, by, data, target):
        with contextlib.suppress(OSError):  # refused, unreachable: it has not left
            by.sendto(data, target)
            self.sent += 1

    def _connect(self):
        with socket.socket() as one, contextlib.suppress(OSError):
            one.setblocking(False)
            self.sent += 1
            one.connect((WEB, 80))

    def _hear(self, one, is_ours):
        with contextlib.suppress(OSError):
            while True:
                answer, sender = one.recvfrom(1000)
                if is_ours and sender[0] == WEB:
                    self.last_seen = (time.monotonic(), answer.decode())

    def seen_since(self, when):
        seen = self.last_seen
        return seen[1] if seen and seen[0] >= when else None

    def stop(self):
        self.going = False
        self.done.result(timeout=5)


class LocalApi(http.client.HTTPConnection):
    """The daemon's own interface: a thousand questions cost less than a thousand programs."""

    def __init__(self, path):
        super().__init__("local-tailscaled.sock", timeout=5)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))

    def get(self, path):
        with contextlib.closing(self):
            self.request("GET", f"/localapi/v0/{path}")
            return json.loads(self.getresponse().read())


class Roamer:
    def __init__(self, lab, coordinator, number):
        self.router = lab.router(f"r{number}", Nat.PORT_PRESERVING)
        self.host = lab.host_behind(f"roamer{number}", self.router)
        for host, device, address in ((self.router, "lan", "fd00:1a::1"), (self.host, "eth0", "fd00:1a::2")):
            _ip("-n", host.netns, "addr", "add", f"{address}/64", "dev", device, "nodad")
        _ip("-n", self.host.netns, "-6", "route", "add", "default", "via", "fd00:1a::1")
        self.node = Node(self.host, coordinator)
        self.underlay = Underlay(self.router, coordinator.host.address)
        self.programs = Programs(self.host, self.router.lan)

    def exit_node(self):
        """The stable id of the exit node in use; None while there is none."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            return (LocalApi(self.node.socket).get("status?peers=false").get("ExitNodeStatus") or {}).get("ID")
        return None


class Exit:
    """An exit node, and how it can be lost."""

    def __init__(self, lab, coordinator, key, number):
        self.coordinator = coordinator
        self.node = Node(lab.public_host(f"exit{number}", f"{INTERNET}.{60 + number}"), coordinator)
        self.address = self.node.host.address
        self.node.up(key, "--advertise-exit-node")
        self.id = self.node.status()["Self"]["ID"]
        self.allow()

    def die(self):
        self.node.kill()

    def vanish(self):
        self.node.host.nft("""
            table inet gone {
              chain in { type filter hook input priority -300; policy drop; }
              chain out { type filter hook output priority -300; policy drop; }
            }
        """)

    def appear(self):
        self.node.host.nft("delete table inet gone\n")

    def refuse(self):
        self.coordinator.cli("route", "revoke", self.node.name, "--exit-node")

    def allow(self):
        self.coordinator.cli("route", "approve", self.node.name, "--exit-node")

    def losses(self):
        return ((self.die, self.node.start), (self.vanish, self.appear), (self.refuse, self.allow))


def fail_over(roamers, wanted, kill_roamer_every):
    chance = random.Random(7)
    with Lab() as lab:
        coordinator = Coordinator(lab, f"{FAR}.1")
        key = coordinator.add_key("--reusable")
        answer_askers(lab.far_host("web", 80))
        exits = [Exit(lab, coordinator, key, number) for number in range(1, 4)]
        addresses = {one.id: one.address for one in exits}
        users = [Roamer(lab, coordinator, number) for number in range(1, roamers + 1)]
        for user in users:
            user.node.up(key)
            # The laboratory sees what leaves in the open: that it later sees none means something.
            wait_until("in the open all of it is seen", lambda: user.underlay.leaked() > 20)
            wait_until("it is answered", lambda: user.programs.last_seen)
            for target in (WEB, f"{user.router.lan}.255", "255.255.255.255", "224.0.0.251", WEB6, "ff02::fb"):
                wait_until(f"{target} is seen", lambda: target in user.underlay.where_to())
            user.node.cli("set", "--exit-node=auto:any", "--exit-node-fail-closed")
            wait_until("armed", lambda: "ayatori_ks" in user.host.run("nft", "list", "tables").stdout)
        began = time.monotonic()
        for user in users:
            wait_until("by an exit node", lambda: user.programs.seen_since(began) in addresses.values(), 15)
            user.open = user.underlay.counts()

        done, rounds, killed, slowest = 0, 0, 0, 0.0
        began = time.monotonic()
        while done < wanted:
            rounds += 1
            in_use = [user.exit_node() for user in users]
            doomed = chance.choice([use for use in in_use if use])
            lost = next(one for one in exits if one.id == doomed)
            lose, mend = lost.losses()[rounds % 3]
            concerned = [user for user, use in zip(users, in_use) if use == lost.id]
            if rounds % kill_roamer_every == 0:
                # Its own daemon dies in the middle of it.
                victim = chance.choice(users)
                victim.node.kill()
                killed += 1
            lose()
            since = time.monotonic()
            if rounds % kill_roamer_every == 0:
                time.sleep(0.3)
                victim.node.start()
            for user in concerned:
                wait_until(f"{user.host.name} leaves {lost.node.name} after {lose.__name__}",
                           lambda: user.exit_node() not in (None, "", lost.id), 20, every=0.02)
            slowest = max(slowest, time.monotonic() - since)
            mend()
            for user in concerned:
                wait_until(
                    f"{user.host.name} is served again after {lose.__name__}",
                    lambda: user.programs.seen_since(since) in set(addresses.values()) - {lost.address},
                    20, every=0.02)
            done += len(concerned)
            if rounds % 20 == 0:
                for user in users:
                    assert user.underlay.leaked() == user.open["leaked"], user.underlay.where_to()
            # Only the next to be lost must be there already: all but the one that was lost last are.
            wait_until("another one can be lost", lambda: all(
                one is lost or (user.node.peer(one.node.name) or {}).get("ExitNodeOption")
                for one in exits for user in users[:1]), 20)
        took = time.monotonic() - began

        total = {}
        for user in users:
            user.programs.stop()
            for kind, packets in user.underlay.counts().items():
                total[kind] = total.get(kind, 0) + packets - user.open.get(kind, 0)
        sent = sum(user.programs.sent for user in users)
        print(f"            {done} failovers in {took:.0f} s, the slowest {slowest:.2f} s; roamers killed "
              f"{killed} times; {sent} packets of programs; on the underlay: {total}")
        assert total["leaked"] == 0, [user.underlay.where_to() for user in users]
        assert total["wireguard"] > done


def test_a_strict_roamer_leaks_nothing_over_twenty_failovers():
    fail_over(roamers=4, wanted=20, kill_roamer_every=3)


def soak_a_strict_roamer_leaks_nothing_over_a_thousand_failovers():
    fail_over(roamers=5, wanted=1000, kill_roamer_every=10)
