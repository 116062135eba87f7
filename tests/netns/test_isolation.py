"""Two networks of one server know nothing of each other, though their machines have the same names
and the same addresses."""

import contextlib
import http.client
import json
import re
import ssl
import time

from lab import INTERNET, Lab, wait_until
from mesh import Coordinator, Node, StockNode
from test_dns import dig
from test_stock_client import need_stock
from web_site import Site, visit

LAPTOP, BOX = "100.64.0.1", "100.64.0.2"
METHODS = ("get", "post", "put", "patch", "delete")

# Words in a path that mean something within a network only.
KINDS = {"contactType": "support", "logType": "configuration", "serviceName": "svc:web"}


class Network:
    """Somebody's laptop (stock) and box (ours), and everything else that has an id."""

    def __init__(self, lab, coordinator, name, owner, number):
        self.lab, self.coordinator, self.name, self.owner, self.number = lab, coordinator, name, owner, number
        self.laptop = self.join(StockNode, "laptop", LAPTOP, 1)
        self.box = self.join(Node, "box", BOX, 2)
        self.site = Site(self.box.host, owner)
        self.token = self.ask("token", "add", "-q")
        self.ask("dns", "record", "add", "nas.example", f"192.0.2.{number}")
        self.ask("share", "add", "box", "-q")
        own = {"tailnet": self.name, "deviceId": self.json("node", "show", "box")["nodeId"],
               "userId": self.json("user", "ls")[0]["id"], "keyId": self.json("key", "ls")[0]["id"],
               "deviceInviteId": self.json("share", "ls")["out"][0]["id"], "integrationId": self.add_integration()["id"]}
        self.ids = {**own, "id": self.name, "attribute": "custom:x", **KINDS}
        # What nobody else may be shown, as far as it could be nothing else.
        self.marks = {owner, f"192.0.2.{number}", *(one for one in own.values() if len(one) > 5)} - {"default"}

    def add_integration(self):
        """Of a service that is nowhere."""
        host = self.coordinator.host
        return json.loads(host.run(
            self.coordinator.bin, "--dir", self.coordinator.dir, "--account", self.name, "posture", "add", "fleet",
            "--cloud", f"192.0.2.{self.number}:1", "--json", input="secret").stdout)

    def ask(self, *words):
        return self.coordinator.cli("--account", self.name, *words)

    def json(self, *words):
        return json.loads(self.ask(*words, "--json"))

    def join(self, kind, name, address, last):
        host = self.lab.public_host(f"{name}{self.number}", f"{INTERNET}.{10 * self.number + last}")
        node = kind(host, self.coordinator, name=name)
        node.up(self.ask("key", "add", "--user", self.owner, "-q"))
        self.ask("node", "ip", name, address)
        return node

    def everything(self):
        """All that an administrator sees, but for what changes by itself."""
        words = [("node", "ls"), ("user", "ls"), ("key", "ls"), ("share", "ls"), ("dns", "show"),
                 ("route", "ls"), ("settings", "show")]
        seen = {each: self.json(*each) for each in words}
        by_itself = {"lastSeen", "clientConnectivity"}
        seen["node", "ls"] = [{name: value for name, value in device.items() if name not in by_itself}
                              for device in seen["node", "ls"]]
        return seen


class Api:
    """REST with somebody's token."""

    def __init__(self, coordinator, token):
        self.server, self.token = coordinator.url.removeprefix("https://"), token

    def ask(self, method, path, body=None):
        context = ssl._create_unverified_context()
        while True:
            with contextlib.closing(http.client.HTTPSConnection(self.server, timeout=10, context=context)) as there:
                there.request(method.upper(), path, body, {
                    "Authorization": f"Bearer {self.token}", "Content-Type": "application/json"})
                answer = there.getresponse()
                text = answer.read().decode()
            if answer.status != 429:
                return answer.status, text
            time.sleep(int(answer.headers["Retry-After"]))


def hint_of(network, text):
    return sorted(mark for mark in network.marks if mark in text)


def ask_all_with_ids_of(api, mine, other):
    """Every request that the server knows, about what is the other's. Returns how many."""
    paths = json.loads(api.ask("get", "/api/v2/openapi.json")[1])["paths"]
    count = 0
    for path, operations in paths.items():
        names = re.findall(r"{(\w+)}", path)
        for method in operations:
            if names:
                # In my own network, but another's thing in it; and all of it another's.
                for ids in ({**other.ids, "tailnet": "-"}, other.ids) if "tailnet" in names else (other.ids,):
                    if set(names) <= {"tailnet", *KINDS} and ids["tailnet"] == "-":
                        continue
                    status, text = api.ask(method, re.sub(r"{(\w+)}", lambda name: ids[name[1]], path), "{}")
                    assert 400 <= status < 500, (method, path, ids, status, text)
                    assert status in (403, 404) or not hint_of(other, text), (method, path, status, text)
                    count += 1
            # Notices of change have no end, and no content: coord-server/serve tests them.
            if method == "get" and set(names) <= {"tailnet"} and not path.endswith("/events"):
                status, text = api.ask(method, path.replace("{tailnet}", "-"))
                assert not hint_of(other, text), (path, text)
                count += 1
    audit = "/api/v2/tailnet/-/logging/configuration?start=2020-01-01T00:00:00Z&end=2099-01-01T00:00:00Z"
    text = api.ask("get", audit)[1]
    assert mine.owner in text and not hint_of(other, text), text
    return count


def check_nodes(mine, other):
    laptop, box = mine.laptop, mine.box
    assert (laptop.ip, box.ip) == (LAPTOP, BOX)
    for node, name, address in ((laptop, "box", BOX), (box, "laptop", LAPTOP)):
        wait_until("it pings its own", lambda: node.ping(address, timeout=1), 15)
        peers = list(node.status()["Peer"].values())
        assert [peer["TailscaleIPs"][0] for peer in peers] == [address], peers
        assert peers[0]["DNSName"].split(".")[0] == name, peers
        assert mine.owner in node.cli("whois", address).stdout
        said = node.cli("status", "--json").stdout
        assert not hint_of(other, said), (hint_of(other, said), said)
    # By address, by name: it is the own box that answers.
    for where in (BOX, "box"):
        assert visit(laptop.host, where) == f"{mine.owner} greets {LAPTOP}", where
    assert not hint_of(other, laptop.cli("debug", "netmap").stdout)


def check_names(mine, other):
    host = mine.laptop.host
    own, foreign = (network.box.status()["Self"]["DNSName"] for network in (mine, other))
    assert own != foreign
    assert dig(host, own)[1] == [BOX]
    assert dig(host, foreign)[1] == []
    # A stock client takes settings of names a moment after its map.
    wait_until("the record of its own network is there",
               lambda: dig(host, "nas.example")[1] == [f"192.0.2.{mine.number}"], 10)
    assert dig(host, "-x", BOX)[1] == [own]
    six = other.box.cli("ip", "-6").stdout.strip()
    assert mine.laptop.ping(six, timeout=1) == 0, "IPv6 addresses differ, and lead nowhere"
    assert mine.laptop.cli("whois", six, check=False).returncode != 0


def test_machines_with_the_same_names_and_addresses():
    need_stock()
    with Lab() as lab:
        coordinator = Coordinator(lab)
        coordinator.cli("user", "add", "alice")
        coordinator.cli("account", "add", "quarry", "--owner", "dora")
        mine = Network(lab, coordinator, "default", "alice", 2)
        other = Network(lab, coordinator, "quarry", "dora", 3)
        for one, another in ((mine, other), (other, mine)):
            check_nodes(one, another)
            check_names(one, another)
        before = mine.everything(), other.everything()
        desk = lab.public_host("desk", f"{INTERNET}.9")
        for one, another in ((mine, other), (other, mine)):
            api = Api(coordinator, one.token)
            count = desk.thread(ask_all_with_ids_of, api, one, another).result(100)
            assert count > 100, count
            print(f"            {one.name}: {count} requests of REST")
        for one, was in zip((mine, other), before):
            for words, seen in one.everything().items():
                assert seen == was[words], (one.name, was[words], seen)
        for one in (mine, other):
            one.site.close()
