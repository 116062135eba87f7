"""Homes whose networks have the same addresses, and a laptop that is now here, now there."""

import contextlib
import signal
import socket
import threading
import time

from lab import Lab, Nat, wait_until
from mesh import Coordinator, Node

HOME_LAN = "192.168.1"  # as every router comes out of its box


def site_route(site, lan=HOME_LAN):
    """The network of a home as the mesh knows it: site number and IPv4 prefix (control 11.1)."""
    a, b, c = map(int, lan.split("."))
    return f"fd7a:115c:a1e0:b1a:0:{site:x}:{a * 256 + b:x}:{c * 256:x}/120"


class Nas:
    """A box that knows nothing of the mesh: says its name by TCP and UDP on port 7."""

    def __init__(self, lab, name, router):
        self.host = lab.host_behind(name, router)
        self.name = name.encode()
        self.sockets = []
        self.host.thread(self._serve).result()

    def _serve(self):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind((self.host.address, 7))
        tcp = socket.create_server((self.host.address, 7))
        self.sockets = [udp, tcp]
        threading.Thread(target=self._answer_datagrams, args=(udp,), daemon=True).start()
        threading.Thread(target=self._answer_connections, args=(tcp,), daemon=True).start()

    def _answer_datagrams(self, udp):
        with contextlib.suppress(OSError):
            while True:
                text, asker = udp.recvfrom(2000)
                udp.sendto(self.name + b" " + text, asker)

    def _answer_connections(self, tcp):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = tcp.accept()
                with connection:
                    # More than one full segment, so that a size that does not fit would show.
                    connection.sendall(self.name + b" " + connection.recv(100) + b"." * 100_000)

    def close(self):
        for one in self.sockets:
            one.close()


def ask_by_tcp(host, address):
    def work():
        with socket.create_connection((address, 7), timeout=5) as stream:
            stream.sendall(b"tcp")
            text = b""
            while piece := stream.recv(65536):
                text += piece
            return text

    text = host.thread(work).result()
    assert len(text.rstrip(b".")) < 100 and len(text) > 100_000, len(text)
    return text.rstrip(b".").decode()


def ask_by_udp(host, address):
    def work():
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as one:
            one.settimeout(5)
            one.sendto(b"udp", (address, 7))
            return one.recv(2000).decode()

    return host.thread(work).result()


def port_is_refused(host, address):
    """An ICMP error from behind the router comes back translated as well."""

    def work():
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as one:
            one.settimeout(5)
            one.connect((address, 8))
            one.send(b"anybody?")
            try:
                one.recv(100)
            except ConnectionRefusedError:
                return True
            return False

    return host.thread(work).result()


def resolve(host, name):
    return host.run("dig", "+short", "+time=2", "AAAA", name, "@100.100.100.100").stdout.strip()


def test_two_homes_with_the_same_addresses():
    with Lab() as lab:
        coordinator = Coordinator(lab)
        key = coordinator.add_key("--reusable")
        homes, boxes, gateways = [], [], []
        for site in (1, 2):
            home = lab.router(f"home{site}", Nat.PORT_PRESERVING, HOME_LAN)
            gateway = Node(lab.host_behind(f"gw{site}", home), coordinator)
            gateway.up(key, f"--advertise-routes={site_route(site)}")
            coordinator.cli("route", "approve", f"gw{site}")
            homes.append(home)
            gateways.append(gateway)
            boxes.append(Nas(lab, f"nas{site}", home))
        assert boxes[0].host.address == boxes[1].host.address
        cafe = lab.router("cafe", Nat.PORT_PRESERVING)
        laptop = Node(lab.host_behind("laptop", cafe), coordinator)
        laptop.up(key, "--accept-routes")
        suffix = laptop.status()["MagicDNSSuffix"]

        def reaches_every_box():
            for site in (1, 2):
                name = f"{boxes[site - 1].host.address.replace('.', '-')}-via-{site}.{suffix}"
                address = resolve(laptop.host, name)
                assert address.startswith(f"fd7a:115c:a1e0:b1a:0:{site}:"), (name, address)
                wait_until(f"a ping to {name}", lambda: laptop.ping(address), 10)
                assert laptop.ping(name.split(".")[0]), "by its short name, as the README says"
                assert ask_by_tcp(laptop.host, address) == f"nas{site} tcp"
                assert ask_by_udp(laptop.host, address) == f"nas{site} udp"
                assert port_is_refused(laptop.host, address)

        reaches_every_box()
        for site, home in ((1, homes[0]), (2, homes[1])):
            local = gateways[site - 1].host.address
            # Packets show the way; without any nobody needs it.
            traffic = laptop.host.start("ping", "-q", "-i", "0.1", gateways[site - 1].ip)
            lab.move(laptop.host, home)
            moved = time.monotonic()
            wait_until(
                "the local path",
                lambda: (laptop.direct_to(f"gw{site}") or "").startswith(f"{local}:"), 20)
            took = time.monotonic() - moved
            laptop.host.stop(traffic, signal.SIGINT)
            print(f"            into home {site}: the local path after {took:.2f} s")
            assert took < 2, f"took {took:.2f} s"
            reaches_every_box()
        for gateway in gateways:
            counted = dict(line.rsplit(" ", 1) for line in gateway.cli("debug", "metrics").stdout.splitlines())
            assert int(counted["ayatori_sites_to_site"]) > 0 < int(counted["ayatori_sites_from_site"])
            assert int(counted["ayatori_sites_untranslatable"]) == 0
        for box in boxes:
            box.close()
