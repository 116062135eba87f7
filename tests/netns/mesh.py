"""A coordinator and nodes inside a laboratory, driven through the real programs as a user would."""

import contextlib
import json
import os
import re
import signal

from lab import CommandFailed, FAR, INTERNET, programs, stock, wait_until


class Coordinator:
    """`ayatori-coord` on a public host, with TLS by a certificate it made itself."""

    def __init__(self, lab, address=f"{INTERNET}.1", scheme="https", port=8443, name="coord"):
        if address.startswith(f"{FAR}."):
            self.host = lab.far_host(name, int(address.rsplit(".", 1)[1]))
        else:
            self.host = lab.public_host(name, address)
        self.dir = self.host.dir / "state"
        self.url = f"{scheme}://{address}:{port}"
        self.bin = programs() / "ayatori-coord"
        said = self.host.run(
            self.bin, "init", "--dir", self.dir, "--server-url", self.url, "--listen",
            f"{address}:{port}", "--derp-ip", address, "--stun-listen", f"{address}:3478").stdout
        self.owner_link = next(word for word in said.split() if "/link/" in word)
        self.process = None
        self.env = {}
        self.start()

    @property
    def certificate(self):
        return self.dir / "cert.pem"

    def start(self):
        self.process = self.host.start(self.bin, "serve", "--dir", self.dir, log="coord.log", env=self.env)
        wait_until("the coordinator answers", lambda: self.cli("status"))

    def kill(self):
        return self.host.stop(self.process, signal.SIGKILL)

    def cli(self, *words, check=True):
        return self.host.run(self.bin, "--dir", self.dir, *words, check=check).stdout.strip()

    def json(self, *words):
        return json.loads(self.cli(*words, "--json"))

    def add_key(self, *options, user=None):
        user = user or self.json("user", "ls")[0]["loginName"]
        return self.cli("key", "add", "--user", user, "-q", *options)

    def token(self):
        return self.cli("token", "add", "-q")

    def rest(self, host, method, path, body=None, token=None):
        """A REST call from a host, as curl makes it. Returns (status, parsed body)."""
        words = ["curl", "-sS", "-k", "-X", method, "-w", "\n%{http_code}", f"{self.url}{path}"]
        if token:
            words += ["-H", f"Authorization: Bearer {token}"]
        if body is not None:
            words += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
        text, _, status = host.run(*words).stdout.rpartition("\n")
        return int(status), json.loads(text) if text else None


class Node:
    """`ayatorid` and `ayatori` on one host. `trust`: "pin" the server's certificate, "ca" for it as a
    root, or a file of roots."""

    def __init__(self, host, coordinator, name=None, trust="pin", folder="node", env=None,
                 prefix=()):
        self.host = host
        self.env = dict(env or {})
        self.prefix = prefix  # words in front of the daemon's own
        self.coordinator = coordinator
        self.name = name or host.name
        self.state = host.dir / folder
        self.socket = host.dir / f"{folder}.sock"
        self.trust = trust
        self.process = None
        self.start()

    def start(self, *options, wait=True):
        self.state.mkdir(exist_ok=True)
        env = dict(self.env)
        if self.trust != "pin" and self.coordinator is not None:
            env["SSL_CERT_FILE"] = str(self.coordinator.certificate if self.trust == "ca" else self.trust)
        self.process = self.host.start(
            *self.prefix, programs() / "ayatorid", "--tun", "ayatori0", "--statedir", self.state, "--socket",
            self.socket, *options, log="ayatorid.log", env=env)
        if wait:
            wait_until("the daemon's socket", self.socket.exists)

    def kill(self):
        return self.host.stop(self.process, signal.SIGKILL)

    def stop(self):
        return self.host.stop(self.process)

    def program(self):
        """The command line of this node, as far as it is always the same."""
        return programs() / "ayatori", "--socket", self.socket

    def cli(self, *words, check=True, timeout=60):
        return self.host.run(*self.program(), *words, check=check, timeout=timeout)

    def up(self, key, *options):
        words = ["up", "--login-server", self.coordinator.url, "--auth-key", key, "--hostname",
                 self.name]
        if self.coordinator.url.startswith("https:") and self.trust == "pin":
            words += ["--server-cert", certificate_pin(self.coordinator)]
        return self.cli(*words, *options)

    def status(self):
        return json.loads(self.cli("status", "--json").stdout)

    @property
    def ip(self):
        return self.cli("ip", "-4").stdout.strip()

    def peer(self, name):
        """A peer's part of the status, by its host name."""
        for peer in (self.status()["Peer"] or {}).values():
            if peer["DNSName"].split(".")[0] == name:
                return peer
        return None

    def direct_to(self, name):
        peer = self.peer(name)
        return peer and peer["CurAddr"]

    def ping(self, target, count=1, timeout=2):
        """An ordinary ping through the tunnel: how many of `count` came back."""
        done = self.host.run("ping", "-n", "-c", count, "-i", "0.2", "-W", timeout, target, check=False,
                             timeout=count * (timeout + 1) + 10)
        found = re.search(r"(\d+) received", done.stdout)
        return int(found.group(1)) if found else 0

    def wait_ping(self, target, timeout=10):
        wait_until(f"{self.name} pings {target}", lambda: self.ping(target, timeout=1), timeout)


# tailscaled keeps what it found in /etc/resolv.conf in a file beside it: two of them on one /etc take
# each other's. Everything but that folder itself stays what it is.
OWN_ETC = """
    set -e
    real=$1/etc.real own=$1/etc.own; shift
    mkdir -p $real $own
    mount --rbind /etc $real
    mount -t tmpfs etc $own
    ln -s $real/* $own
    rm $own/resolv.conf
    : > $own/resolv.conf
    mount --bind $real/resolv.conf $own/resolv.conf
    mount --rbind $own /etc
    exec "$@"
"""


class StockNode(Node):
    """An unmodified tailscaled and tailscale in place of ours."""

    def start(self, *options, wait=True):
        self.state.mkdir(exist_ok=True)
        prefix = self.prefix or ("sh", "-c", OWN_ETC, "own-etc", self.host.dir)
        env = {**self.env, "SSL_CERT_FILE": str(self.coordinator.certificate),
               "TS_NO_LOGS_NO_SUPPORT": "true"}
        self.process = self.host.start(
            *prefix, stock("tailscaled"), "--tun", "tailscale0", "--statedir", self.state, "--socket", self.socket,
            "--no-logs-no-support", *options, log="tailscaled.log", env=env)
        if wait:
            wait_until("the daemon's socket", self.socket.exists)

    def settle(self):
        """About a second after its start it notices its own new interface, and drops its sockets and
        paths over that. Whoever measures what it loses waits for this first."""
        with contextlib.suppress(AssertionError):
            wait_until("it rebinds", lambda: "Rebind; defIf" in self.process.log_path.read_text(), 4)

    def program(self):
        return stock("tailscale"), "--socket", self.socket

    def up(self, key, *options):
        return self.cli("up", "--login-server", self.coordinator.url, "--auth-key", key, "--hostname",
                        self.name, *options)


def certificate_pin(coordinator):
    """The pin that `key add` puts into the line it prints."""
    return pin_of(coordinator.certificate)


def pin_of(certificate):
    """How relay maps and command lines name a certificate that nobody vouches for."""
    import hashlib
    import ssl

    pem = certificate.read_text()
    first = pem[: pem.index("-----END CERTIFICATE-----") + len("-----END CERTIFICATE-----\n")]
    return "sha256-raw:" + hashlib.sha256(ssl.PEM_cert_to_DER_cert(first)).hexdigest()


def rss_kilobytes(process):
    for line in open(f"/proc/{process.pid}/status"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise CommandFailed(f"no VmRSS for {process.pid}")
