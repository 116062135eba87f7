"""A coordination server that says to stock clients exactly what a test wants, frame by frame, while
its relay, its STUN and its Noise are ours (tests/netns/double)."""

import contextlib
import copy
import json
import pathlib
import subprocess
import threading

from lab import INTERNET, programs, wait_until
from mesh import Coordinator, certificate_pin

ALL = [{"SrcIPs": ["*"], "DstPorts": [{"IP": "*", "Ports": {"First": 0, "Last": 65535}}]}]
PROFILES = [{"ID": 1, "LoginName": "alice@mesh.test", "DisplayName": "Alice"}]


def fake_peer(number, **members):
    """A peer that exists on paper only."""
    v4, v6 = f"100.64.0.{number}/32", f"fd7a:115c:a1e0::{number:x}/128"
    node = {
        "ID": number, "StableID": f"n{number}", "Name": f"peer{number}.mesh.test.", "User": 1,
        "Key": f"nodekey:{number:064x}", "DiscoKey": f"discokey:{number:064x}",
        "Addresses": [v4, v6], "AllowedIPs": [v4, v6], "Endpoints": [f"192.0.2.{number}:41641"],
        "HomeDERP": 900, "Hostinfo": {"OS": "linux", "Hostname": f"peer{number}"},
        "Created": "2026-01-01T00:00:00Z", "Cap": 116, "MachineAuthorized": True,
    }
    node.update(members)
    return {name: value for name, value in node.items() if value is not None}


class Double(Coordinator):
    """Serves the certificate and URL of an installation made by `ayatori-coord init`."""

    def start(self):
        self.lock = threading.Lock()
        self.clients = []
        self.heard = []  # every request and every end of a poll, oldest first
        log = open(self.host.dir / "double.log", "ab")
        self.process = subprocess.Popen(
            self.host.command(programs() / "control-double", self.dir), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=log, text=True, bufsize=1)
        self.process.log_path = pathlib.Path(log.name)
        self.host.processes.append(self.process)
        threading.Thread(target=self._listen, daemon=True).start()
        self.answer("/machine/register", {
            "User": {"ID": 1, "DisplayName": "Alice"},
            "Login": {"ID": 1, "Provider": "", "LoginName": "alice@mesh.test", "DisplayName": "Alice"},
            "NodeKeyExpired": False, "MachineAuthorized": True, "AuthURL": "", "Error": ""})

    def _listen(self):
        for line in self.process.stdout:
            said = json.loads(line)
            for client in list(self.clients):
                client.hear(said)
            self.heard.append(said)

    def _say(self, what):
        with self.lock:
            self.process.stdin.write(json.dumps(what) + "\n")
            self.process.stdin.flush()

    def answer(self, path, body, status=200):
        self._say({"answer": path, "status": status, "body": body})

    def requests(self, path, **members):
        return [said for said in list(self.heard) if said.get("path") == path
                and all(said.get(name) == value for name, value in members.items())]

    def derp_map(self):
        return {"omitDefaultRegions": True, "Regions": {"900": {
            "RegionID": 900, "RegionCode": "own", "RegionName": "Own", "Nodes": [{
                "Name": "900a", "RegionID": 900, "HostName": self.host.address, "CertName": certificate_pin(self),
                "IPv4": self.host.address, "IPv6": "none", "DERPPort": 8443, "STUNPort": 3478}]}}}


class Watched:
    """A stock client and the poll it has open at the double. A client whose network changes (and its
    own new interface is a change) drops its poll and asks again: it is told the same once more."""

    def __init__(self, double, node, number):
        self.double = double
        self.node = node
        self.number = number
        self.poll = None
        self.machine = None
        self.first = None  # what its first message is made of
        self.said = []  # after that
        self.fences = 0

    @property
    def address(self):
        return f"100.64.0.{self.number}"

    def login(self, *options, **snapshot):
        """Brings it up with this first message; returns when it has settled on its relay. One at a
        time: who it is shows with its first poll."""
        self.first = snapshot
        self.double.clients.append(self)
        self.node.up("tskey-any", "--timeout", "30s", *options)
        assert self.node.status()["BackendState"] == "Running"

    def settle(self):
        """Until it has noticed its own interface and asked again, if it does: for a moment it forgets
        what it was told after its first message."""
        self.node.settle()
        with contextlib.suppress(AssertionError):
            wait_until("it asks again", lambda: len(self.polls()) > 1, 3)

    def polls(self):
        return [said for said in self.double.requests("/machine/map", machine=self.machine) if "stream" in said]

    def hear(self, asked):
        if "stream" not in asked or self.machine not in (None, asked["machine"]):
            return
        if any(client.machine == asked["machine"] for client in self.double.clients if client is not self):
            return
        self.poll, self.machine, self.key = asked["stream"], asked["machine"], asked["body"]["NodeKey"]
        self.disco = asked["body"].get("DiscoKey")
        for frame in [self.snapshot(**self.first), *self.said]:
            self.double._say({"frame": frame, "to": self.poll})

    def own_node(self, **members):
        return fake_peer(self.number, Name=f"{self.node.name}.mesh.test.", Key=self.key, Online=True,
                         DiscoKey=self.disco, Machine=self.machine, Endpoints=None, **members)

    def snapshot(self, peers=(), own=None, **members):
        """The first message of a poll."""
        first = {
            "Node": self.own_node(**(own or {})), "DERPMap": self.double.derp_map(), "Peers": list(peers),
            "PacketFilters": {"base": ALL}, "DNSConfig": {"Proxied": True, "Domains": ["mesh.test"]},
            "Domain": "mesh.test", "UserProfiles": PROFILES, "CollectServices": False,
            "Debug": {"DisableLogTail": True}}
        first.update(copy.deepcopy(members))
        return first

    def say(self, frame):
        self.said.append(frame)
        self.double._say({"frame": frame, "to": self.poll})

    def say_all(self, *frames):
        """Says them and waits until the client has folded them: a peer of its own shows how far it is."""
        for frame in frames:
            self.say(frame)
        self.fences += 1
        at = f"203.0.113.99:{self.fences}"
        self.say({"PeersChanged": [fake_peer(99, Name=f"fence{self.fences}.mesh.test.", Endpoints=[at])]})
        wait_until("it has folded all", lambda: (self.peer(99) or {}).get("Endpoints") == [at], 8, every=0.1)

    def netmap(self):
        return json.loads(self.node.cli("debug", "netmap").stdout)

    def peer(self, number):
        """As the client's own network map has it."""
        for peer in self.netmap()["Peers"] or []:
            if peer["ID"] == number:
                return peer
        return None
