"""Flow logs: who talked with whom, as the nodes have counted it and the coordinator shows it."""

import contextlib
import datetime
import http.server
import json
import socket
import time
import urllib.parse

from lab import INTERNET, Lab, Nat, wait_until
from mesh import Coordinator, Node, StockNode
from test_stock_client import need_stock

TCP_PORT, UDP_PORT = 5432, 5353
SENT_BY_TCP, SENT_BY_UDP = 300_000, 20_000
DATAGRAM = 1000
WINDOW = 5.5  # seconds
HEADERS = 1.25  # of packets, acknowledgements among them, for what is sent in large pieces


class Sink:
    """Takes what is sent to it, by TCP to the end, by UDP a datagram after the other."""

    def __init__(self, host):
        self.by_tcp = self.by_udp = 0
        self.host = host
        self.ready = []
        host.thread(self._take_tcp)
        host.thread(self._take_udp)
        wait_until("it listens", lambda: len(self.ready) == 2)

    def _take_tcp(self):
        with socket.create_server(("0.0.0.0", TCP_PORT)) as server:
            self.ready.append(True)
            while True:
                caller, _ = server.accept()
                with caller:
                    while piece := caller.recv(65536):
                        self.by_tcp += len(piece)

    def _take_udp(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("0.0.0.0", UDP_PORT))
            self.ready.append(True)
            while True:
                self.by_udp += len(server.recv(65536))


def send_tcp(host, address, size=SENT_BY_TCP):
    def work():
        with socket.create_connection((address, TCP_PORT), timeout=10) as connection:
            connection.sendall(bytes(size))
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1)

    host.thread(work).result(20)


def send_udp(host, address, size=SENT_BY_UDP):
    def work():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(size // DATAGRAM):
                sender.sendto(bytes(DATAGRAM), (address, UDP_PORT))

    host.thread(work).result(20)


def stamp(offset_seconds=0):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=offset_seconds)
    return urllib.parse.quote(when.strftime("%Y-%m-%dT%H:%M:%SZ"))


class Network:
    """A coordinator with two nodes of ours, one of them a router with a printer behind it, and perhaps a
    stock node; and a server on the Internet."""

    def __init__(self, lab, with_stock=False):
        self.lab = lab
        self.coordinator = Coordinator(lab)
        key = self.coordinator.add_key("--reusable")
        self.home = lab.router("home", Nat.PORT_PRESERVING)
        self.laptop_box = lab.host_behind("laptop", lab.router("cafe", Nat.PORT_PRESERVING))
        self.printer = lab.host_behind("printer", self.home)
        self.web = lab.far_host("web", 80)
        self.router = Node(self.home, self.coordinator)
        self.laptop = Node(self.laptop_box, self.coordinator)
        self.router.up(key, f"--advertise-routes={self.home.lan}.0/24", "--advertise-exit-node")
        self.laptop.up(key, "--accept-routes")
        self.coordinator.cli("route", "approve", "home", "--exit-node")
        self.coordinator.cli("route", "approve", "home")
        self.stock = None
        if with_stock:
            self.stock = StockNode(lab.public_host("stock", f"{INTERNET}.30"), self.coordinator)
            self.stock.up(key)
            self.stock.settle()
        self.token = self.coordinator.token()
        self.sinks = {}
        self.laptop.wait_ping(self.router.ip)

    def sink(self, host):
        if host.name not in self.sinks:
            self.sinks[host.name] = Sink(host)
        return self.sinks[host.name]

    def rest(self, method, path, body=None):
        status, answer = self.coordinator.rest(
            self.coordinator.host, method, "/api/v2/tailnet/-" + path, body, self.token)
        assert status == 200, (method, path, status, answer)
        return answer

    def switch(self, on):
        self.rest("PATCH", "/settings", {"networkFlowLoggingOn": on})

    def log(self, since=-600):
        answer = self.rest("GET", f"/logging/network?start={stamp(since)}&end={stamp(60)}")
        assert list(answer) == ["logs"], answer
        return answer["logs"]

    def node_id(self, node):
        return node.status()["Self"]["ID"]

    def rows(self, node, kind, protocol=None, dst=None):
        """Rows of a kind that a node has told, perhaps of one protocol and to one place."""
        return [row for window in self.log() if window["nodeId"] == self.node_id(node)
                for row in window.get(kind, [])
                if protocol in (None, row.get("proto")) and dst in (None, row.get("dst"))]

    def settle(self):
        """Until all that was counted so far has been told: the window ends, and its report is taken."""
        window_ends = time.monotonic() + WINDOW
        wait_until("all is told", lambda: time.monotonic() > window_ends and all(
            counters(node)["rows_waiting"] == 0 for node in (self.laptop, self.router)), 40, every=0.3)


def counters(node):
    """What the daemon has counted of its flow logs."""
    out = {}
    for line in node.cli("debug", "metrics").stdout.splitlines():
        if line.startswith("ayatori_flow_logs_"):
            name, value = line.split()
            out[name.removeprefix("ayatori_flow_logs_")] = int(value)
    return out


def total(rows, figure):
    return sum(row.get(figure, 0) for row in rows)


def about(value, payload):
    return payload <= value <= payload * HEADERS


def test_what_is_counted_is_what_was_sent():
    need_stock()
    with Lab() as lab:
        net = Network(lab, with_stock=True)
        laptop, router = net.laptop, net.router
        mesh, printer, web = net.sink(net.home), net.sink(net.printer), net.sink(net.web)

        send_tcp(net.laptop_box, router.ip, 1000)  # before anybody wants to know
        assert net.log() == []
        net.switch(True)
        wait_until("the nodes have heard", lambda: all(
            "ayatori/flow-logs" in node.status()["Self"]["CapMap"] for node in (laptop, router)), 10)
        assert not any("flow" in name or "audit-log" in name for name in net.stock.status()["Self"]["CapMap"])

        before = mesh.by_tcp
        send_tcp(net.laptop_box, router.ip)
        send_udp(net.laptop_box, router.ip)
        send_tcp(net.laptop_box, net.printer.address)
        send_udp(net.stock.host, router.ip)
        laptop.cli("set", "--exit-node=home")
        wait_until("it is used", lambda: laptop.status()["ExitNodeStatus"], 10)
        send_tcp(net.laptop_box, net.web.address)
        laptop.cli("set", "--exit-node=")
        wait_until("all has arrived", lambda: (mesh.by_tcp - before, printer.by_tcp, web.by_tcp) == (
            SENT_BY_TCP, SENT_BY_TCP, SENT_BY_TCP) and mesh.by_udp == 2 * SENT_BY_UDP, 10)
        net.settle()

        # In the mesh, as both ends have seen it.
        for node, out, there in ((laptop, "tx", f"{router.ip}:{TCP_PORT}"), (router, "rx", None)):
            rows = [row for row in net.rows(node, "virtualTraffic", 6, there)
                    if f":{TCP_PORT}" in row["src"] + row["dst"]]
            assert about(total(rows, out + "Bytes"), SENT_BY_TCP), rows
            assert total(rows, out + "Pkts") * 1280 >= SENT_BY_TCP, rows
        packet = DATAGRAM + 28
        rows = net.rows(laptop, "virtualTraffic", 17, f"{router.ip}:{UDP_PORT}")
        assert total(rows, "txPkts") == 20 and total(rows, "txBytes") == 20 * packet, rows
        rows = [row for row in net.rows(router, "virtualTraffic", 17) if row["src"] == f"{router.ip}:{UDP_PORT}"]
        assert total(rows, "rxPkts") == 40 and total(rows, "rxBytes") == 40 * packet, rows

        # To the printer: the router tells of it, too.
        rows = net.rows(laptop, "subnetTraffic", 6, f"{net.printer.address}:{TCP_PORT}")
        assert about(total(rows, "txBytes"), SENT_BY_TCP), rows
        rows = [row for row in net.rows(router, "subnetTraffic") if row["src"] == f"{net.printer.address}:{TCP_PORT}"]
        assert about(total(rows, "rxBytes"), SENT_BY_TCP), rows
        assert all(row["dst"].startswith(laptop.ip + ":") for row in rows), rows

        # By the exit node: how much, and nowhere where to.
        for node, figure in ((laptop, "txBytes"), (router, "rxBytes")):
            rows = net.rows(node, "exitTraffic")
            assert total(rows, figure) >= SENT_BY_TCP, rows
            assert not any({"src", "dst", "proto"} & set(row) for row in rows), rows
        assert net.web.address not in json.dumps(net.log())

        # What went through the network carries all of it, and says by which way.
        rows = [row for row in net.rows(laptop, "physicalTraffic") if row["src"] == f"{router.ip}:0"]
        assert total(rows, "txBytes") >= 3 * SENT_BY_TCP + SENT_BY_UDP, rows
        assert any(row["dst"].startswith(net.home.address + ":") for row in rows), rows

        # A stock node tells nothing.
        assert {window["nodeId"] for window in net.log()} == {net.node_id(laptop), net.node_id(router)}
        windows = net.log()
        assert windows == sorted(windows, key=lambda window: window["start"])

        shown = net.coordinator.cli("flows", "--since", "1h")
        lines = [line.split() for line in shown.splitlines()]
        assert ["laptop", "home", f"tcp/{TCP_PORT}"] in [line[:3] for line in lines], shown
        assert "(the Internet)" in shown and net.web.address not in shown, shown
        only = json.loads(net.coordinator.cli("flows", "--node", "laptop", "--json"))
        assert only and {window["nodeId"] for window in only} == {net.node_id(laptop)}

        net.switch(False)
        wait_until("the nodes have heard", lambda: not any(
            "ayatori/flow-logs" in node.status()["Self"]["CapMap"] for node in (laptop, router)), 10)
        known = len(net.log())
        send_tcp(net.laptop_box, router.ip)
        wait_until("nothing is kept", lambda: counters(laptop)["rows_waiting"] == 0, 10)
        assert len(net.log()) == known
        last = max(window["end"] for window in net.log())
        send_udp(net.laptop_box, router.ip)
        net.switch(True)
        wait_until("again", lambda: "ayatori/flow-logs" in laptop.status()["Self"]["CapMap"], 10)
        send_udp(net.laptop_box, router.ip)
        net.settle()
        rows = [row for window in net.log() if window["start"] > last
                for row in window.get("virtualTraffic", []) if row.get("dst") == f"{router.ip}:{UDP_PORT}"]
        assert total(rows, "txPkts") == 20, rows


class Receiver:
    """Keeps the events that are posted to it."""

    def __init__(self, host, port=8088):
        self.events = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.events += [json.loads(row)["event"] for row in body.splitlines()]
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.url = f"http://{host.address}:{port}"
        self.server = host.thread(http.server.HTTPServer, (host.address, port), Handler).result(5)
        host.thread(self.server.serve_forever)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def test_nothing_is_lost_while_the_coordinator_is_gone():
    with Lab() as lab, contextlib.ExitStack() as clean_up:
        net = Network(lab)
        receiver = clean_up.enter_context(contextlib.closing(
            Receiver(lab.public_host("receiver", f"{INTERNET}.9"))))
        net.coordinator.cli("log-stream", "set", "network", "cribl", "--url", receiver.url + "/logs")
        assert "is off" in net.coordinator.json("log-stream", "status", "network")["lastError"]
        net.switch(True)
        wait_until("the nodes have heard", lambda: all(
            "ayatori/flow-logs" in node.status()["Self"]["CapMap"] for node in (net.laptop, net.router)), 10)
        sink = net.sink(net.home)
        for _ in range(3):
            send_udp(net.laptop_box, net.router.ip)
        net.coordinator.kill()
        for _ in range(3):
            send_udp(net.laptop_box, net.router.ip)
        wait_until("what was counted waits", lambda: counters(net.laptop)["rows_waiting"] > 2, 25)
        send_udp(net.laptop_box, net.router.ip)
        net.coordinator.start()
        send_udp(net.laptop_box, net.router.ip)
        wait_until("all has arrived", lambda: sink.by_udp == 8 * SENT_BY_UDP, 10)
        rows = lambda: net.rows(net.laptop, "virtualTraffic", 17, f"{net.router.ip}:{UDP_PORT}")
        wait_until("all is there", lambda: total(rows(), "txPkts") >= 160, 60)
        assert total(rows(), "txPkts") == 160, rows()
        assert counters(net.laptop)["windows_dropped"] == counters(net.laptop)["windows_refused"] == 0

        # And so is it at the receiver: every window once, in the form of the API.
        net.settle()
        log = net.log()
        wait_until("all is streamed", lambda: len(receiver.events) >= len(log), 20)
        streamed = {event["ayatori"]["line"]: event for event in receiver.events}
        assert len(streamed) == len(receiver.events), "none came twice"
        for event in streamed.values():
            del event["ayatori"]
        assert all(window in streamed.values() for window in log)
        state = net.coordinator.json("log-stream", "status", "network")
        assert state["ayatori"]["collected"] and state["lastError"] == "", state
