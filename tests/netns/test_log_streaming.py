"""The audit log reaches a receiver as it grows: in order, and all of it, whoever was away meanwhile."""

import contextlib
import ctypes
import ctypes.util
import datetime
import gzip
import hashlib
import hmac
import http.server
import json
import ssl
import subprocess
import threading
import urllib.parse

from lab import INTERNET, Lab, wait_until
from mesh import Coordinator

TOKEN = "s3cret-token"
ACCESS_KEY, SECRET_KEY, REGION = "AKLAB", "s3cret/key", "eu-lab-1"
CREATED = "LOGSTREAM_ENDPOINT"


def unpack_zstd(data):
    """By the library that the programs themselves are linked with."""
    library = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
    library.ZSTD_decompress.restype = ctypes.c_size_t
    library.ZSTD_isError.argtypes = [ctypes.c_size_t]
    room = ctypes.create_string_buffer(1 << 22)
    size = library.ZSTD_decompress(
        room, ctypes.c_size_t(len(room)), data, ctypes.c_size_t(len(data)))
    assert not library.ZSTD_isError(size), "no zstd frame"
    return room.raw[:size]


class Receiver:
    """Takes what is sent to it by HTTPS, can be away, and can hang instead of answering."""

    def __init__(self, host, port=8088):
        self.host, self.port = host, port
        self.url = f"https://{host.address}:{port}"
        self.certificate, self.key = host.dir / "receiver.pem", host.dir / "receiver.key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-keyout", self.key, "-out", self.certificate, "-days", "2", "-subj", "/CN=receiver",
             "-addext", f"subjectAltName=IP:{host.address}"], check=True, capture_output=True)
        self.requests = []  # (method, path, headers, body)
        self.answers = threading.Event()
        self.answers.set()
        self.server = None
        self.open()

    def open(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def take(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append((self.command, self.path, dict(self.headers), body))
                receiver.answers.wait(30)
                with contextlib.suppress(OSError):
                    self.send_response(200)
                    self.send_header("Content-Length", "2")
                    self.end_headers()
                    self.wfile.write(b"{}")

            do_POST = do_PUT = take

            def log_message(self, *_):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)

        def make():
            server = http.server.ThreadingHTTPServer((self.host.address, self.port), Handler)
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False)
            return server

        self.server = self.host.thread(make).result(5)
        self.host.thread(self.server.serve_forever)

    def close(self):
        if self.server is None:
            return
        self.answers.set()
        self.server.shutdown()
        self.server.server_close()
        self.server = None

    def events(self):
        """All entries that came, in the order in which they did."""
        out = []
        for _, _, headers, body in self.requests:
            coding = headers.get("Content-Encoding", headers["Content-Type"])
            if coding.endswith("gzip"):
                body = gzip.decompress(body)
            elif coding.endswith("zstd"):
                body = unpack_zstd(body)
            out += [json.loads(row)["event"] for row in body.splitlines()]
        return out


def laboratory(lab, clean_up):
    receiver = clean_up.enter_context(contextlib.closing(
        Receiver(lab.public_host("receiver", f"{INTERNET}.9"))))
    coordinator = Coordinator(lab)
    coordinator.kill()
    coordinator.env["SSL_CERT_FILE"] = str(receiver.certificate)
    coordinator.start()
    return coordinator, receiver


def secret_file(coordinator, secret):
    path = coordinator.host.dir / "secret"
    path.write_text(secret + "\n")
    return path


def stream(coordinator, receiver, *more):
    coordinator.cli("log-stream", "set", "configuration", "splunk", "--url", receiver.url, "--secret-file",
                    secret_file(coordinator, TOKEN), *more)


def add_users(coordinator, prefix, count=3):
    for number in range(count):
        coordinator.cli("user", "add", f"{prefix}{number}@example.com")


def logged(coordinator):
    """What was logged since the stream was made."""
    lines = coordinator.json("audit", "ls")
    first = next(i for i, line in enumerate(lines) if line["target"]["type"] == CREATED)
    return [told(line) for line in lines[first:]]


def told(event):
    return event["eventTime"], event["action"], event["target"]["type"], event["target"]["name"]


def without_repetitions(events):
    seen, out = set(), []
    for event in events:
        if event["ayatori"]["line"] not in seen:
            seen.add(event["ayatori"]["line"])
            out.append(event)
    return out


def status(coordinator):
    return coordinator.json("log-stream", "status", "configuration")


def test_entries_arrive_in_order_and_once():
    with Lab() as lab, contextlib.ExitStack() as clean_up:
        coordinator, receiver = laboratory(lab, clean_up)
        for coding in ("none", "gzip", "zstd"):
            stream(coordinator, receiver, "--compression", coding)
            add_users(coordinator, coding)
            wait_until("all is there", lambda: len(receiver.events()) >= len(logged(coordinator)), 10)
            last = receiver.requests[-1]
            assert last[2].get("Content-Encoding", "none") == coding, last
            assert last[2]["Authorization"] == f"Splunk {TOKEN}" and last[1] == "/services/collector/event"
        events = receiver.events()
        assert [told(event) for event in events] == logged(coordinator)
        state = status(coordinator)
        assert state["numEntriesSent"] == len(events) and state["lastError"] == "", state
        # What the receiver keeps vouches for the log itself.
        verified = json.loads(coordinator.cli("audit", "verify", "--json"))
        assert verified["holds"] and verified["accounts"][0]["hash"] == events[-1]["ayatori"]["hash"]
        shown = coordinator.cli("log-stream", "show", "configuration", "--json")
        assert TOKEN not in shown + coordinator.cli("audit", "ls", "--json"), shown
        coordinator.cli("log-stream", "rm", "configuration")
        add_users(coordinator, "after")
        assert len(receiver.events()) == len(events)


def test_nothing_is_lost_by_crashes_and_absences():
    with Lab() as lab, contextlib.ExitStack() as clean_up:
        coordinator, receiver = laboratory(lab, clean_up)
        stream(coordinator, receiver, "--compression", "zstd")
        wait_until("the first is there", lambda: receiver.events(), 10)

        receiver.close()
        add_users(coordinator, "away", 2)
        wait_until("it is known that nobody answers", lambda: status(coordinator)["lastError"], 10)
        receiver.open()
        wait_until("it is tried again", lambda: len(receiver.events()) >= 3, 20)

        receiver.close()
        add_users(coordinator, "gone", 1)
        wait_until("nobody answers again", lambda: status(coordinator)["lastError"], 10)
        coordinator.kill()
        receiver.open()
        coordinator.start()
        wait_until("it is told all the same", lambda: len(receiver.events()) >= 4, 15)
        assert [told(event) for event in receiver.events()] == logged(coordinator), "once"

        # The receiver has it, and the power goes before the server hears so.
        receiver.answers.clear()
        add_users(coordinator, "hangs", 1)
        wait_until("it is under way", lambda: len(receiver.events()) >= 5, 10)
        add_users(coordinator, "waits", 2)
        coordinator.kill()
        receiver.answers.set()
        coordinator.start()
        wait_until("the rest is there", lambda: len(without_repetitions(receiver.events())) >= 7, 15)
        assert [told(event) for event in without_repetitions(receiver.events())] == logged(coordinator)
        assert len(receiver.events()) == 8, "only what was under way came twice"
        assert json.loads(coordinator.cli("audit", "verify", "--json"))["holds"]


def signature(method, path, headers, body):
    """Of AWS, version 4, of what was received."""
    authorization = headers["Authorization"]
    names = authorization.split("SignedHeaders=")[1].split(",")[0]
    fields = {name.lower(): value.strip() for name, value in headers.items()}
    canonical = "\n".join([method, path, "", *(f"{name}:{fields[name]}" for name in names.split(";")), "",
                           names, hashlib.sha256(body).hexdigest()])
    scope = [fields["x-amz-date"][:8], REGION, "s3", "aws4_request"]
    to_sign = "\n".join(["AWS4-HMAC-SHA256", fields["x-amz-date"], "/".join(scope),
                         hashlib.sha256(canonical.encode()).hexdigest()])
    key = b"AWS4" + SECRET_KEY.encode()
    for part in scope:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()


def test_objects_are_signed():
    with Lab() as lab, contextlib.ExitStack() as clean_up:
        coordinator, receiver = laboratory(lab, clean_up)
        coordinator.cli(
            "log-stream", "set", "configuration", "s3", "--url", receiver.url, "--bucket", "logs", "--region", REGION,
            "--prefix", "net/a+b c/", "--access-key", ACCESS_KEY, "--secret-file",
            secret_file(coordinator, SECRET_KEY), "--compression", "gzip")
        wait_until("an object is there", lambda: receiver.requests, 10)
        method, path, headers, body = receiver.requests[0]
        day = datetime.datetime.now(datetime.timezone.utc).strftime("%Y/%m/%d")
        assert method == "PUT"
        name = urllib.parse.unquote(path)
        assert name.startswith(f"/logs/net/a+b c/{day}/configuration-default-"), name
        assert name.endswith(".json.gz"), name
        assert headers["Authorization"].startswith(f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/"), headers
        assert headers["Authorization"].endswith("Signature=" + signature(method, path, headers, body)), headers
        # The names of S3 itself: everything but these is escaped.
        assert "%2B" in path and "%20" in path and "+" not in path, path
        assert [told(event) for event in receiver.events()] == logged(coordinator)
        coordinator.cli("log-stream", "rm", "configuration")


def test_no_way_into_the_servers_own_network():
    with Lab() as lab:
        coordinator = Coordinator(lab)
        coordinator.cli("log-stream", "set", "configuration", "cribl", "--url", "http://127.0.0.1:10080")
        wait_until("it is refused", lambda: status(coordinator)["lastError"], 5)
        assert "local network" in status(coordinator)["lastError"]
