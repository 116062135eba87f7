"""What looks at a running server from outside: notices of change, metrics, the page about the API."""

import re
import time

from lab import INTERNET, Lab, Nat, wait_until
from mesh import Coordinator, Node

METRICS = "127.0.0.1:9090"


def test_changes_metrics_and_the_page_about_the_api():
    with Lab() as lab:
        coordinator = Coordinator(lab)
        config = coordinator.dir / "config"
        assert "# metrics_listen = 127.0.0.1:9090" in config.read_text(), "init says how"
        config.write_text(config.read_text() + f"metrics_listen = {METRICS}\n")
        coordinator.kill()
        coordinator.start()
        node = Node(lab.host_behind("alpha", lab.router("r", Nat.PORT_PRESERVING)), coordinator)
        node.up(coordinator.add_key())
        desk = lab.public_host("desk", f"{INTERNET}.9")
        token = coordinator.token()

        def watch(token, name):
            return desk.start(
                "curl", "-sSkN", "-w", "%{http_code}", "-H", f"Authorization: Bearer {token}",
                f"{coordinator.url}/api/v2/tailnet/-/events", log=name)

        # A browser that watches hears of an edit within moments, and is not cut off after the answer's
        # usual minute: whoever holds a stream open is not waited for.
        events = watch(token, "events.log")
        heard = events.log_path
        wait_until("the stream begins", lambda: "event: hello" in heard.read_text())
        coordinator.cli("node", "ip", "alpha", "100.80.0.7")
        wait_until("the edit is told", lambda: "event: device" in heard.read_text(), timeout=2)
        wait_until("the line of the log, too", lambda: "event: audit" in heard.read_text(), timeout=2)
        assert "100.80.0.7" not in heard.read_text() and "alpha" not in heard.read_text()
        desk.stop(events)
        stranger = watch("aykey-api-nobody-nothing", "stranger.log")
        assert stranger.wait(timeout=10) == 0
        assert stranger.log_path.read_text().endswith("401"), stranger.log_path.read_text()

        # Metrics stand where only the machine itself can read them.
        page = coordinator.host.run("curl", "-sS", f"http://{METRICS}/metrics").stdout
        for sample in ('ayatori_coord_devices{state="online"} 1', "ayatori_coord_map_streams 1",
                       "ayatori_coord_ip_edit_propagation_seconds_count 1", "ayatori_coord_derp_clients 1",
                       'ayatori_coord_registrations_total{method="auth_key",result="authorized"} 1'):
            assert sample in page.splitlines(), (sample, page)
        slowest = re.search(r'ip_edit_propagation_seconds_bucket{le="1"} (\d+)', page)
        assert slowest[1] == "1", page
        assert coordinator.host.run("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}",
                                    f"http://{METRICS}/api/v2/status").stdout == "404"
        status, _ = coordinator.rest(desk, "GET", "/api/v2/status", token=token)
        assert status == 200
        assert desk.run("curl", "-sSk", "-o", "/dev/null", "-w", "%{http_code}",
                        f"{coordinator.url}/metrics").stdout == "404"

        # Open to all, and about nobody.
        docs = desk.run("curl", "-sSk", f"{coordinator.url}/api/v2/docs").stdout
        assert "<code>/device/*/ip</code>" in docs and "alpha" not in docs, docs


def test_nc_reaches_what_is_in_the_network_and_leaves_the_rest_to_the_client():
    with Lab() as lab:
        coordinator = Coordinator(lab)
        key = coordinator.add_key("--reusable")
        alpha, beta = (
            Node(lab.host_behind(name, lab.router(f"r{name}", Nat.PORT_PRESERVING)), coordinator)
            for name in ("alpha", "beta"))
        for node in (alpha, beta):
            node.up(key)
        wait_until("they see each other", lambda: alpha.peer("beta"))
        alpha.wait_ping(beta.ip)
        # A server that reads all there is, and says how much that was.
        beta.host.start(
            "python3", "-c",
            "import socketserver\n"
            "class Count(socketserver.StreamRequestHandler):\n"
            "  def handle(self):\n"
            "    size = int(self.rfile.readline())\n"
            "    got = len(self.rfile.read(size))\n"
            "    self.wfile.write(b'x' * size + b'got %d\\n' % got)\n"
            "socketserver.ThreadingTCPServer.allow_reuse_address = True\n"
            f"socketserver.ThreadingTCPServer(('0.0.0.0', 7000), Count).serve_forever()\n")
        wait_until("it listens", lambda: ":7000" in beta.host.run("ss", "-tln").stdout)
        size = 3_000_000
        text = f"{size}\n" + "y" * size
        for target in (beta.ip, "beta"):
            said = alpha.host.run(
                *alpha.program(), "nc", target, "7000", input=text, timeout=120).stdout
            assert said == "x" * size + f"got {size}\n", said[-60:]
        # One that answers while it is still being sent to, more than anybody keeps in between.
        beta.host.start(
            "python3", "-c",
            "import socket\n"
            "s = socket.create_server(('0.0.0.0', 7004))\n"
            "c, _ = s.accept()\n"
            f"for left in range({4 * size} // 50000):\n"
            "  c.sendall(c.recv(50000, socket.MSG_WAITALL))\n"
            "c.close()\n")
        wait_until("it listens", lambda: ":7004" in beta.host.run("ss", "-tln").stdout)
        text = "z" * (4 * size)
        said = alpha.host.run(*alpha.program(), "nc", "beta", "7004", input=text, timeout=120).stdout
        assert said == text, len(said)
        # Behind an ordinary ssh, as the README says. The other side only tells its name.
        beta.host.start(
            "python3", "-c",
            "import socket\n"
            "s = socket.create_server(('0.0.0.0', 7003))\n"
            "c, _ = s.accept(); c.sendall(b'SSH-2.0-laboratory\\r\\n'); c.recv(100); c.close()\n")
        wait_until("it listens", lambda: ":7003" in beta.host.run("ss", "-tln").stdout)
        proxy = " ".join(map(str, alpha.program())) + " nc %h %p"
        met = alpha.host.run("ssh", "-v", "-F", "none", "-o", f"ProxyCommand={proxy}", "-p", "7003",
                             "root@beta", check=False, timeout=30).stderr
        assert "remote software version laboratory" in met, met
        refused = alpha.cli("nc", "beta", "7001", check=False)
        assert refused.returncode == 1 and "connection refused" in refused.stderr, refused.stderr
        # Elsewhere: the client connects by itself, without the daemon's rights.
        far = lab.public_host("far", f"{INTERNET}.77")
        far.start("python3", "-c",
                  "import socket\ns = socket.create_server(('0.0.0.0', 7002))\n"
                  "while True:\n  c, _ = s.accept(); c.sendall(b'from afar\\n'); c.close()\n")
        wait_until("it listens", lambda: ":7002" in far.run("ss", "-tln").stdout)
        assert alpha.cli("nc", far.address, "7002").stdout == "from afar\n"
        unknown = alpha.cli("nc", "no-such-host.invalid", "7000", check=False)
        assert unknown.returncode == 1 and "no such host" in unknown.stderr, unknown.stderr
