"""Relays besides our own: a stock derper that nodes are told of, and a map that is fetched."""

import http.server
import json

from lab import INTERNET, Lab, Nat, stock, wait_until
from mesh import Coordinator, Node, StockNode, pin_of
from test_stock_client import need_stock


class Derper:
    """A stock relay that asks the coordinator whom it may serve."""

    def __init__(self, lab, name, address, coordinator):
        self.host = lab.public_host(name, address)
        certificates = self.host.dir / "certs"
        certificates.mkdir()
        self.process = self.host.start(
            stock("derper"), "-hostname", address, "-certmode", "manual", "-certdir", certificates,
            "-c", self.host.dir / "derper.key", "-a", f"{address}:443", "-http-port", "-1",
            "-verify-client-url", f"{coordinator.url}/verify", log="derper.log",
            env={"SSL_CERT_FILE": str(coordinator.certificate)})
        self.certificate = certificates / f"{address}.crt"
        wait_until("the relay has a certificate", self.certificate.exists)
        self.pin = pin_of(self.certificate)


def home_of(node):
    return node.status()["Self"]["Relay"]


def test_nodes_move_to_a_relay_elsewhere():
    need_stock()
    with Lab() as lab:
        coordinator = Coordinator(lab)
        derper = Derper(lab, "derper", f"{INTERNET}.9", coordinator)
        coordinator.cli("derp", "add", "901", derper.host.address, "--ip", derper.host.address,
                        "--code", "elsewhere", "--cert", derper.pin)
        coordinator.cli("derp", "score", "901", "100")
        check = coordinator.json("derp", "check")["nodes"]
        assert [one["region"] for one in check if one["ok"]] == [900, 901], check
        key = coordinator.add_key("--reusable")
        # Behind such routers no packet goes directly.
        nodes = [
            kind(lab.host_behind(name, lab.router(f"r{name}", Nat.PER_DESTINATION)), coordinator)
            for kind, name in ((StockNode, "stock"), (Node, "ours"), (Node, "third"))]
        for node in nodes:
            node.up(key)
        for node in nodes:
            wait_until(f"{node.name} is at home with us", lambda: home_of(node) == "own", 15)
        nodes[0].settle()
        coordinator.cli("derp", "off", "900")
        for node in nodes:
            # A stock client that is measuring at this moment looks again half a minute later only.
            wait_until(f"{node.name} moves", lambda: home_of(node) == "elsewhere", 45)
        everywhere = [(a, b) for a in nodes for b in nodes if a is not b]
        for a, b in everywhere:
            wait_until(f"{a.name} knows where {b.name} is",
                       lambda: a.peer(b.name)["Relay"] == "elsewhere", 15)
            a.wait_ping(b.ip)
        coordinator.cli("derp", "on", "900")
        coordinator.cli("derp", "rm", "901")
        for node in nodes[1:]:
            wait_until(f"{node.name} comes back", lambda: home_of(node) == "own", 20)
        nodes[1].wait_ping(nodes[2].ip)


class Maps(http.server.BaseHTTPRequestHandler):
    answer = {}

    def do_GET(self):
        body = json.dumps(Maps.answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


def test_a_map_elsewhere_is_fetched():
    with Lab() as lab:
        coordinator = Coordinator(lab)
        node = Node(lab.public_host("node", f"{INTERNET}.5"), coordinator)
        node.up(coordinator.add_key())
        Maps.answer = {"Regions": {"7": {"RegionCode": "far", "Nodes": [
            {"Name": "7a", "HostName": "far.example", "IPv4": f"{INTERNET}.77"}]}}}
        site = lab.public_host("maps", f"{INTERNET}.6")

        def listen():
            server = http.server.HTTPServer((site.address, 80), Maps)
            return server

        server = site.thread(listen).result(5)
        serving = site.thread(server.serve_forever)
        try:
            url = f"http://{site.address}/derp.json"
            assert "regions: 1" in coordinator.cli("derp", "source", "add", url)

            def regions():
                return sorted(node_map(node))

            wait_until("the node is told", lambda: regions() == ["7", "900"])
            coordinator.host.stop(coordinator.process)
            coordinator.start()
            assert "7" in coordinator.json("derp", "show")["Regions"]
            Maps.answer = {"Regions": {}}
            coordinator.cli("derp", "source", "fetch")
            wait_until("it is seen that the map is of no use",
                       lambda: coordinator.json("derp", "ls")["sources"][0]["trouble"])
            assert "7" in coordinator.json("derp", "show")["Regions"], "what was known stays"
            coordinator.cli("derp", "source", "rm", url)
            wait_until("the node is told again", lambda: regions() == ["900"], 15)
        finally:
            server.shutdown()
            server.server_close()
            serving.result(5)


def node_map(node):
    return json.loads(node.cli("debug", "derp-map").stdout)["Regions"]
