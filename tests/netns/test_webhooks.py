"""Another program is told what happens in a network, and can tell that it was the coordinator."""

import contextlib
import hashlib
import hmac
import http.server
import json

from lab import INTERNET, Lab, wait_until
from mesh import Coordinator, Node, StockNode
from test_stock_client import need_stock


class Receiver:
    """Keeps what is posted to it, and refuses the first so many."""

    def __init__(self, host, address, port=8080, refusals=0):
        self.got, self.refusals = [], refusals
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                refused = receiver.refusals > 0
                receiver.refusals -= refused
                if not refused:
                    receiver.got.append((self.headers["Tailscale-Webhook-Signature"], body))
                self.send_response(503 if refused else 200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.url = f"http://{address}:{port}/hook"
        self.server = host.thread(http.server.HTTPServer, (address, port), Handler).result(5)
        host.thread(self.server.serve_forever)

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def events(self, secret):
        """The events that came, of messages that are signed with this secret."""
        out = []
        for signature, body in self.got:
            parts = dict(part.split("=", 1) for part in signature.split(","))
            mac = hmac.new(secret.encode(), f"{parts['t']}.".encode() + body, hashlib.sha256)
            assert hmac.compare_digest(mac.hexdigest(), parts["v1"]), signature
            out += json.loads(body)
        return out


def make(coordinator, receiver, *more):
    hook = json.loads(coordinator.cli("webhook", "add", receiver.url, *more, "--json"))
    return hook["endpointId"], hook["secret"]


def states(coordinator):
    return {hook["endpointId"]: hook["ayatori"]
            for hook in json.loads(coordinator.cli("webhook", "ls", "--json"))}


def test_news_arrive_signed_and_after_a_crash():
    with Lab() as lab, contextlib.ExitStack() as clean_up:
        coordinator = Coordinator(lab)
        host = lab.public_host("receiver", f"{INTERNET}.9")
        receiver = clean_up.enter_context(contextlib.closing(
            Receiver(host, host.address, refusals=1)))
        hook, secret = make(coordinator, receiver)
        box = Node(lab.public_host("box", f"{INTERNET}.8"), coordinator)
        box.up(coordinator.add_key())
        wait_until("the first message was refused", lambda: states(coordinator)[hook]["trouble"], 5)
        assert "503" in states(coordinator)[hook]["trouble"]
        coordinator.cli("node", "ip", "box", "100.64.0.77")
        coordinator.kill()
        coordinator.start()
        wait_until("it is told all the same", lambda: len(receiver.events(secret)) >= 2, 15)
        told = receiver.events(secret)
        assert [event["type"] for event in told] == ["nodeCreated", "nodeAddressChanged"], told
        assert told[1]["data"]["newAddresses"] == ["100.64.0.77"], told
        coordinator.cli("webhook", "rm", hook)
        coordinator.cli("node", "rm", "box")
        assert states(coordinator) == {}
        assert len(receiver.events(secret)) == 2


def test_no_way_into_the_servers_own_network():
    with Lab() as lab, contextlib.ExitStack() as clean_up:
        coordinator = Coordinator(lab)
        inside = clean_up.enter_context(contextlib.closing(
            Receiver(coordinator.host, "127.0.0.1")))
        hook, _ = make(coordinator, inside)
        coordinator.cli("webhook", "test", hook)
        wait_until("it is refused", lambda: states(coordinator)[hook]["trouble"], 5)
        assert "local network" in states(coordinator)[hook]["trouble"]
        assert inside.got == []


def test_routers_that_forward_nothing():
    """A stock client leaves forwarding to people; ours switches it on, and says where it may not."""
    need_stock()
    with Lab() as lab, contextlib.ExitStack() as clean_up:
        coordinator = Coordinator(lab)
        host = lab.public_host("receiver", f"{INTERNET}.9")
        receiver = clean_up.enter_context(contextlib.closing(Receiver(host, host.address)))
        _, secret = make(coordinator, receiver, "--events", "categoryDeviceMisconfigurations")
        stock = StockNode(lab.public_host("stock", f"{INTERNET}.7"), coordinator)
        stock.up(coordinator.add_key(), "--advertise-routes=10.7.0.0/16")
        fixed = Node(lab.public_host("fixed", f"{INTERNET}.8"), coordinator, prefix=(
            "unshare", "-m", "sh", "-c", 'mount -o bind,ro /proc/sys /proc/sys && exec "$@"', "sh"))
        fixed.up(coordinator.add_key(), "--advertise-exit-node")
        able = Node(lab.public_host("able", f"{INTERNET}.6"), coordinator)
        able.up(coordinator.add_key(), "--advertise-exit-node")

        def told():
            return {(event["type"], event["data"]["deviceName"].split(".")[0]) for event in receiver.events(secret)}

        wait_until("both are told of", lambda: len(told()) == 2, 20)
        assert told() == {("subnetIPForwardingNotEnabled", "stock"), ("exitNodeIPForwardingNotEnabled", "fixed")}
