"""The network that a user of an exit node sits in: closed for every kind of traffic, or open for every
kind (os-integration 1.3). A machine there listens for whatever may reach it."""

import contextlib
import socket
import struct
import threading
import time

from lab import FAR, INTERNET, Lab, Nat, _ip, wait_until
from mesh import Coordinator, Node

PORT = 9999
GROUP4, GROUP6 = "239.1.2.3", "ff02::1:2345"
KINDS = ("nftables", "iptables")


class Neighbour:
    """Hears datagrams by every way of IPv4 and IPv6."""

    def __init__(self, host):
        self.heard = {}
        self.sockets = host.thread(self._open).result()
        for one in self.sockets:
            threading.Thread(target=self._listen, args=(one,), daemon=True).start()

    @staticmethod
    def _open():
        index = socket.if_nametoindex("eth0")
        four, six = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(
            socket.AF_INET6, socket.SOCK_DGRAM)
        six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        four.bind(("", PORT))
        six.bind(("::", PORT))
        four.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                        struct.pack("4s4xi", socket.inet_aton(GROUP4), index))
        six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                       socket.inet_pton(socket.AF_INET6, GROUP6) + struct.pack("i", index))
        return four, six

    def _listen(self, one):
        with contextlib.suppress(OSError):
            while True:
                self.heard.setdefault(one.recvfrom(100)[0].decode(), time.monotonic())

    def close(self):
        for one in self.sockets:
            one.close()


def send_all(host, lan, six, peer, label):
    """By every way once; what the host itself refuses is as good as lost."""
    def work():
        index = socket.if_nametoindex("eth0")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as v4, \
                socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as v6:
            v4.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            v4.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("8xi", index))
            v6.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
            for way, (by, target) in {
                    "unicast4": (v4, peer), "unicast6": (v6, six), "subnet broadcast": (v4, f"{lan}.255"),
                    "broadcast": (v4, "255.255.255.255"), "group4": (v4, GROUP4), "group6": (v6, GROUP6)}.items():
                with contextlib.suppress(OSError):
                    by.sendto(f"{label} {way}".encode(), (target, PORT))
    host.thread(work).result()


WAYS = {"unicast4", "unicast6", "subnet broadcast", "broadcast", "group4", "group6"}


def test_the_local_network_is_open_or_closed_for_every_kind_of_traffic():
    with Lab() as lab:
        coordinator = Coordinator(lab, f"{FAR}.1")
        key = coordinator.add_key("--reusable")
        exit_node = Node(lab.public_host("exit", f"{INTERNET}.20"), coordinator)
        exit_node.up(key, "--advertise-exit-node")
        coordinator.cli("route", "approve", "exit", "--exit-node")
        cafe = lab.router("cafe", Nat.PORT_PRESERVING)
        host, box = lab.host_behind("laptop", cafe), lab.host_behind("printer", cafe)
        for machine, last in ((host, 2), (box, 3)):
            _ip("-n", machine.netns, "addr", "add", f"fd00:c::{last}/64", "dev", "eth0", "nodad")
        printer = Neighbour(box)
        laptop = Node(host, coordinator, env={"TS_DEBUG_FIREWALL_MODE": KINDS[0]})
        laptop.up(key)
        number = 0

        def reached():
            """The ways by which the printer hears the laptop, tried once."""
            nonlocal number
            number += 1
            send_all(host, cafe.lan, "fd00:c::3", box.address, number)
            time.sleep(0.15)
            return {text.split(" ", 1)[1] for text in list(printer.heard) if text.startswith(f"{number} ")}

        wait_until("in the open by every way", lambda: reached() == WAYS)
        for kind in KINDS:
            if kind != laptop.env["TS_DEBUG_FIREWALL_MODE"]:
                laptop.stop()
                laptop.env["TS_DEBUG_FIREWALL_MODE"] = kind
                laptop.start()
            wait_until("there is an exit node",
                       lambda: (laptop.peer("exit") or {}).get("ExitNodeOption"))
            for strict in (False, True):
                laptop.cli("set", "--exit-node=exit", f"--exit-node-fail-closed={str(strict).lower()}",
                           "--exit-node-allow-lan-access=false")
                case = f"{kind}{', strict' if strict else ''}"
                wait_until(f"{case}: by no way", lambda: not reached(), 15)
                assert laptop.ping(exit_node.ip) == 1, f"{case}: the tunnel itself"
                laptop.cli("set", "--exit-node-allow-lan-access")
                wait_until(f"{case}: by every way again", lambda: reached() == WAYS, 15)
        laptop.cli("set", "--exit-node-allow-lan-access=false", "--exit-node-fail-closed=false")
        wait_until("closed", lambda: not reached(), 15)

        # The exit node is gone from the map: closed all the same.
        coordinator.cli("route", "revoke", "exit", "--exit-node")
        wait_until("held back", lambda: "cannot be used" in " ".join(laptop.status()["Health"] or []))
        assert not reached()
        laptop.cli("set", "--exit-node=")
        wait_until("without an exit node by every way", lambda: reached() == WAYS)
        printer.close()
