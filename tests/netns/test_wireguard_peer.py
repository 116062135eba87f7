"""`ayatorid wg` against Debian's wireguard-go, configured by the stock `wg` in both roles."""

import shutil
import time

from lab import Lab, programs, wait_until
from verdict import Skip

ADDRESS = {"a": "10.9.0.1", "b": "10.9.0.2"}


def need_wireguard_go():
    for name in ("wireguard-go", "wg"):
        if shutil.which(name) is None:
            raise Skip(f"{name} is not installed")


class WireGuardHost:
    def __init__(self, lab, name, address, command):
        self.host = lab.public_host(name, address)
        self.name = name
        self.host.dir.joinpath("key").write_text(self.host.run("wg", "genkey").stdout)
        self.public = self.host.run(
            "wg", "pubkey", input=self.host.dir.joinpath("key").read_text()).stdout.strip()
        self.interface = f"wg{name}{lab.prefix[2:-1]}"[:15]
        self.process = self.host.start(*command, self.interface, log="wg.log")
        wait_until("the UAPI socket", lambda: self.wg("show", self.interface))

    def wg(self, *words, **options):
        return self.host.run("wg", *words, **options)

    def configure(self, peer, psk=None, endpoint=True, keepalive=0):
        lines = ["[Interface]", f"PrivateKey = {self.host.dir.joinpath('key').read_text().strip()}",
                 "ListenPort = 51820", "[Peer]", f"PublicKey = {peer.public}",
                 f"AllowedIPs = {ADDRESS[peer.name]}/32"]
        if endpoint:
            lines.append(f"Endpoint = {peer.host.address}:51820")
        if psk:
            lines.append(f"PresharedKey = {psk}")
        if keepalive:
            lines.append(f"PersistentKeepalive = {keepalive}")
        path = self.host.dir / "wg.conf"
        path.write_text("\n".join(lines) + "\n")
        self.wg("setconf", self.interface, path)
        self.host.run("ip", "addr", "replace", f"{ADDRESS[self.name]}/24", "dev", self.interface)
        self.host.run("ip", "link", "set", self.interface, "up")

    def ping(self, address, count=3):
        done = self.host.run("ping", "-n", "-c", count, "-i", "0.2", "-W", "2", address, check=False)
        return f"{count} received" in done.stdout

    def transfer(self):
        fields = self.wg("show", self.interface, "transfer").stdout.split()
        return int(fields[1]), int(fields[2])

    def latest_handshake(self):
        return int(self.wg("show", self.interface, "latest-handshakes").stdout.split()[1])


def tunnel(lab, psk=False):
    a = WireGuardHost(lab, "a", "198.51.100.5", [programs() / "ayatorid", "wg"])
    b = WireGuardHost(lab, "b", "198.51.100.6", ["wireguard-go", "-f"])
    shared = a.wg("genpsk").stdout.strip() if psk else None
    return a, b, shared


def check_figures(a, b):
    sent, received = a.transfer()[1], b.transfer()[0]
    assert sent > 0 and abs(sent - received) <= max(200, sent // 10), (sent, received)
    assert abs(a.latest_handshake() - time.time()) < 200
    assert b.host.address in a.wg("show", a.interface, "endpoints").stdout


def both_roles(psk):
    need_wireguard_go()
    for initiator in ("a", "b"):
        with Lab() as lab:
            a, b, shared = tunnel(lab, psk)
            # Only the initiator knows where the other is, so only it can begin.
            a.configure(b, shared, endpoint=initiator == "a")
            b.configure(a, shared, endpoint=initiator == "b")
            first, other = (a, b) if initiator == "a" else (b, a)
            assert first.ping(ADDRESS[other.name]), f"initiator {initiator}"
            assert other.ping(ADDRESS[first.name])
            check_figures(a, b)


def test_both_roles_without_preshared_key():
    both_roles(False)


def test_both_roles_with_preshared_key():
    both_roles(True)


def test_uapi_changes_one_peer_at_a_time():
    need_wireguard_go()
    with Lab() as lab:
        a, b, _ = tunnel(lab)
        a.configure(b)
        b.configure(a)
        assert a.ping(ADDRESS["b"])
        a.wg("set", a.interface, "peer", b.public, "allowed-ips", "10.9.0.9/32")
        assert not a.ping(ADDRESS["b"], count=1)
        a.wg("set", a.interface, "peer", b.public, "allowed-ips", "10.9.0.2/32,10.9.0.9/32",
             "persistent-keepalive", "25")
        assert a.ping(ADDRESS["b"])
        assert "every 25 seconds" in a.wg("show", a.interface).stdout
        a.wg("set", a.interface, "listen-port", "51999")
        assert a.ping(ADDRESS["b"]) and b.ping(ADDRESS["a"]), "after moving to another port"
        a.wg("set", a.interface, "peer", b.public, "remove")
        assert b.public not in a.wg("show", a.interface).stdout


def soak_three_rekeys_in_both_roles():
    need_wireguard_go()
    for psk in (False, True):
        for initiator in ("a", "b"):
            with Lab() as lab:
                a, b, shared = tunnel(lab, psk)
                a.configure(b, shared, endpoint=initiator == "a")
                b.configure(a, shared, endpoint=initiator == "b")
                first, other = (a, b) if initiator == "a" else (b, a)
                handshakes = set()
                # Three rekeys of 120 s each; one ping a second keeps data flowing both ways.
                seconds = 3 * 120 + 30
                stream = first.host.start("ping", "-n", "-i", "1", "-c", seconds, ADDRESS[other.name],
                                          log="stream.log")
                while stream.poll() is None:
                    stamp = a.latest_handshake()
                    if stamp:
                        handshakes.add(stamp)
                    time.sleep(1)
                text = stream.log_path.read_text()
                assert f"{seconds} received" in text, text[-300:]
                assert len(handshakes) >= 4, handshakes
                check_figures(a, b)
                print(f"            psk={psk} initiator={initiator}: {len(handshakes)} handshakes, 0 lost")
