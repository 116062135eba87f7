"""`ayatori-coord` by itself: stock clients only, bad starts, and strangers who send garbage."""

import os
import pathlib
import random
import signal
import socket
import subprocess
import tempfile
import time

from lab import Lab, Nat, programs, stock, wait_until
from mesh import Coordinator, StockNode, rss_kilobytes
from verdict import Skip


def stock_pair(lab, **options):
    for name in ("tailscaled", "tailscale"):
        if stock(name) is None:
            raise Skip(f"stock {name} is not in the cache; packaging/setup test builds it where Go is")
    coordinator = Coordinator(lab, **options)
    key = coordinator.add_key("--reusable")
    nodes = [
        StockNode(lab.host_behind(name, lab.router(router, Nat.PORT_PRESERVING)), coordinator)
        for name, router in (("alpha", "ra"), ("beta", "rb"))]
    for node in nodes:
        node.up(key)
    return coordinator, *nodes


def is_well(node):
    status = node.status()
    # What it says when two of its own threads move its backup of resolv.conf at once is no word of us.
    complaints = [line for line in status["Health"] or [] if "resolv.pre-tailscale-backup" not in line]
    return status["BackendState"] == "Running" and not complaints


def all_connected(coordinator, count):
    return sum(d["connectedToControl"] for d in coordinator.json("node", "ls")) == count


def test_two_stock_clients_live_on_it():
    with Lab() as lab:
        coordinator, alpha, beta = stock_pair(lab)
        for node in (alpha, beta):
            node.settle()
        for node, other in ((alpha, beta), (beta, alpha)):
            wait_until("well", lambda: is_well(node), 20)
            assert node.ping(other.ip, count=3) == 3
            assert node.ping(other.name, count=2) == 2, "by name"
            wait_until("direct", lambda: node.ping(other.ip) and node.direct_to(other.name), 15)
        began = time.monotonic()
        coordinator.cli("node", "ip", "alpha", "100.80.0.1")
        coordinator.kill()  # what was answered is on the disk
        coordinator.start()
        wait_until("the new address answers", lambda: beta.ping("100.80.0.1", timeout=1), 15)
        wait_until("both are back", lambda: all_connected(coordinator, 2), 15)
        print(f"            kill -9 after an edit: {time.monotonic() - began:.1f} s to everything back")
        coordinator.cli("node", "ip", "beta", "100.80.0.2")
        wait_until("the edit is live", lambda: alpha.ping("100.80.0.2", timeout=1), 2)
        assert alpha.ip == "100.80.0.1"
        wait_until("still well", lambda: is_well(alpha) and is_well(beta), 20)
        rss = rss_kilobytes(coordinator.process)
        print(f"            resident: {rss} kB")


def test_stock_clients_over_plain_http():
    with Lab() as lab:
        _, alpha, beta = stock_pair(lab, scheme="http", port=8080)
        alpha.wait_ping(beta.ip)


def test_a_removed_stock_client_is_out_and_may_join_again():
    with Lab() as lab:
        coordinator, alpha, beta = stock_pair(lab)
        alpha.wait_ping(beta.ip)
        old = beta.ip
        coordinator.cli("node", "rm", "beta")
        wait_until("alpha sees it go", lambda: alpha.peer("beta") is None, 5)
        wait_until("nothing passes", lambda: not alpha.ping(old, timeout=1), 5)
        beta.up(coordinator.add_key(), "--force-reauth", "--timeout", "20s")
        wait_until("it is back", lambda: alpha.ping(beta.ip, timeout=1), 10)


def test_a_host_name_in_any_script_breaks_nothing():
    with Lab() as lab:
        coordinator, alpha, beta = stock_pair(lab)
        beta.cli("set", "--hostname", "リビングの箱")
        wait_until("renamed", lambda: alpha.peer("beta") is None, 5)
        wait_until("well", lambda: is_well(alpha), 20)
        device = coordinator.json("node", "show", beta.ip)
        assert device["hostname"] == "リビングの箱", device["hostname"]
        assert alpha.ping(device["name"].split(".")[0], count=2) == 2, device["name"]


def run(*words, timeout=20):
    return subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=timeout)


def refusal(*words):
    """The one line with which the program gives up."""
    done = run(programs() / "ayatori-coord", *words)
    lines = done.stderr.strip().splitlines()
    assert done.returncode == 1 and len(lines) == 1, (done.returncode, done.stderr)
    return lines[0]


def test_bad_starts_say_what_to_do():
    program = programs() / "ayatori-coord"
    with tempfile.TemporaryDirectory(prefix="ayatori-coord-") as folder, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        home = pathlib.Path(folder) / "home"
        assert "init" in refusal("serve", "--dir", home)
        made = run(program, "init", "--dir", home, "--server-url", f"http://127.0.0.1:{port}",
                   "--stun-listen", "off")
        assert made.returncode == 0, made.stderr
        assert "overwrites nothing" in refusal("init", "--dir", home, "--server-url", "https://x")
        assert "another program has that port" in refusal("serve", "--dir", home)
        assert run(program, "--dir", home, "status").returncode == 3
        assert run(program, "--dir", home, "frobnicate").returncode == 2
        (home / "config").open("a").write("nonsense = 1\n")
        assert "nonsense" in refusal("serve", "--dir", home)
        (home / "config").write_text(f"server_url = http://127.0.0.1:{port}\n")
        (home / "coord.db").write_bytes(os.urandom(8192))
        assert "restore a backup" in refusal("serve", "--dir", home)
        (home / "coord.db").unlink()
        assert "missing" in refusal("serve", "--dir", home)


BEGINNINGS = [
    b"", b"GET / HTTP/1.1\r\n", b"POST /ts2021 HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\n"
    b"Upgrade: tailscale-control-protocol\r\nX-Tailscale-Handshake: AHQBAGA=\r\n\r\n",
    b"GET /derp HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: DERP\r\n\r\n",
    b"GET /derp HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: DERP\r\n"
    b"Derp-Fast-Start: 1\r\n\r\n\x02\x00\x00\x00\x50", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"POST /api/v2/tailnet/-/keys HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n",
    b"POST /api/v2/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
]


def throw_garbage(address, port, stun_port, unix_path, seconds):
    """Random bytes, and beginnings of real conversations that go wrong. Returns how many throws."""
    throws = 0
    dice = random.Random(1)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        udp.sendto(dice.randbytes(dice.randrange(1, 1400)), (address, stun_port))
        family, where = dice.choice([
            (socket.AF_INET, (address, port)), (socket.AF_INET, (address, port)),
            (socket.AF_UNIX, unix_path)])
        stream = socket.socket(family, socket.SOCK_STREAM)
        stream.settimeout(0.1)
        try:
            stream.connect(where)
            stream.sendall(dice.choice(BEGINNINGS) + dice.randbytes(dice.randrange(3000)))
            if dice.random() < 0.2:
                stream.recv(100)
        except (OSError, TimeoutError):
            pass
        stream.close()
        throws += 1
    return throws


def test_garbage_on_every_socket_changes_nothing():
    with tempfile.TemporaryDirectory(prefix="ayatori-coord-") as folder:
        program = programs() / "ayatori-coord"
        home = pathlib.Path(folder) / "home"
        made = run(program, "init", "--dir", home, "--server-url", "https://127.0.0.1:28443",
                   "--listen", "127.0.0.1:28443", "--stun-listen", "127.0.0.1:23478")
        assert made.returncode == 0, made.stderr
        server = subprocess.Popen([program, "serve", "--dir", home], stderr=subprocess.PIPE, text=True)
        try:
            wait_until("it answers", lambda: run(program, "--dir", home, "status").returncode == 0)
            before = rss_kilobytes(server)
            throws = throw_garbage("127.0.0.1", 28443, 23478, str(home / "coord.sock"), 10)
            assert throws > 500, throws
            assert run(program, "--dir", home, "status").returncode == 0
            grown = rss_kilobytes(server) - before
            # A sanitizer keeps freed memory back on purpose.
            sanitized = b"__asan_init" in program.read_bytes()
            assert grown < 16_000 or sanitized, f"{grown} kB more than before"
            print(f"            {throws} throws, {grown} kB grown")
        finally:
            server.send_signal(signal.SIGTERM)
            log = server.communicate(timeout=20)[1]
        assert server.returncode == 0, log
        assert len(log.splitlines()) <= 3, "strangers drive the log:\n" + log
