"""Homes whose networks have the same addresses, and a laptop that is now here, now there."""

import contextlib
import signal
import socket
import subprocess
import threading
import time

from lab import Lab, Nat, programs, stock, wait_until
from mesh import Coordinator, Node, StockNode

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
    """A datagram may be lost, so it is asked again; three times in a row is no accident."""

    def work():
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as one:
            one.settimeout(2)
            for _ in range(3):
                one.sendto(b"udp", (address, 7))
                with contextlib.suppress(TimeoutError):
                    return one.recv(2000).decode()
            raise AssertionError(f"{address} answers no datagram")

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


def test_the_route_of_a_site_is_printed_and_read():
    def via(*words):
        return subprocess.run([programs() / "ayatori", "debug", "via", *words], capture_output=True, text=True)

    for site in (1, 7, 0xffffffff):
        assert via(str(site), f"{HOME_LAN}.0/24").stdout.startswith("fd7a:115c:a1e0:b1a:"), site
    assert via("7", f"{HOME_LAN}.0/24").stdout == site_route(7) + "\n"
    assert via(site_route(7)).stdout == f"site 7, {HOME_LAN}.0/24\n"
    for wrong in (("7",), ("seven", "10.0.0.0/8"), ("7", "10.0.0.1/8"), ("7", "fd00::/64"), ("10.0.0.0/8",), ()):
        done = via(*wrong)
        assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, (wrong, done)


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


def test_two_homes_with_the_same_addresses_under_other_ones():
    """For machines that know IPv4 only: a network of its own for each home, translated by its router."""
    kinds = {1: "nftables", 2: "iptables"}
    with Lab() as lab:
        coordinator = Coordinator(lab)
        key = coordinator.add_key("--reusable")
        gateways, boxes = {}, {}
        for site, kind in kinds.items():
            home = lab.router(f"home{site}", Nat.PORT_PRESERVING, HOME_LAN)
            gateways[site] = Node(lab.host_behind(f"gw{site}", home), coordinator,
                                  env={"TS_DEBUG_FIREWALL_MODE": kind})
            offer = f"10.99.{site}.0/24={HOME_LAN}.0/24"
            gateways[site].up(key, f"--advertise-routes={offer}")
            assert gateways[site].cli("get", "advertise-routes").stdout == offer + "\n"
            coordinator.cli("route", "approve", f"gw{site}")
            boxes[site] = Nas(lab, f"nas{site}", home)
        users = [Node(lab.host_behind("laptop", lab.router("cafe", Nat.PORT_PRESERVING)), coordinator)]
        if stock("tailscaled") and stock("tailscale"):
            users.append(StockNode(lab.host_behind("phone", lab.router("cell", Nat.PORT_PRESERVING)), coordinator))
        for user in users:
            user.up(key, "--accept-routes")
        for user in users:
            for site, box in boxes.items():
                alias = f"10.99.{site}." + box.host.address.rsplit(".", 1)[1]
                wait_until(f"{user.name} pings {alias}", lambda: user.ping(alias), 20)
                assert ask_by_tcp(user.host, alias) == f"nas{site} tcp"
                assert ask_by_udp(user.host, f"::ffff:{alias}") == f"nas{site} udp"
                assert port_is_refused(user.host, f"::ffff:{alias}")
                # The router itself by its address at home.
                assert user.ping(f"10.99.{site}." + gateways[site].host.address.rsplit(".", 1)[1])

        # Begun at home, a connection comes from the offered address too: who it is stays clear.
        gateway, box, user = gateways[1], boxes[1], users[0]
        gateway.cli("set", "--snat-subnet-routes=false")
        box.host.run("ip", "route", "add", "100.64.0.0/10", "via", gateway.host.address)
        callers = []

        def listen():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
                one.bind(("", 7002))
                one.settimeout(20)
                callers.append(one.recvfrom(100)[1][0])

        def call():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
                one.sendto(b"!", (user.ip, 7002))

        heard = user.host.thread(listen)
        wait_until("the laptop is called", lambda: callers or box.host.thread(call).result(), 15, every=0.3)
        heard.result(timeout=5)
        assert callers == ["10.99.1." + box.host.address.rsplit(".", 1)[1]], callers

        # Offered as what it is, it is an ordinary route again, and the old addresses are gone.
        gateway.cli("set", "--snat-subnet-routes", f"--advertise-routes={HOME_LAN}.0/24")
        coordinator.cli("route", "approve", "gw1")
        wait_until("by its own address", lambda: user.ping(box.host.address), 15)
        assert not user.ping(f"10.99.1.{box.host.address.rsplit('.', 1)[1]}", timeout=1)
        done = gateway.cli("set", "--advertise-routes=10.99.1.0/24=192.168.0.0/16", check=False)
        assert done.returncode == 2 and "differ in size" in done.stderr, done.stderr
        for one in boxes.values():
            one.close()
