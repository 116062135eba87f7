"""A service on the Internet that tells everyone who is calling, and machines that call it."""

import contextlib
import socket

from lab import wait_until

PORT = 8000


def serve_callers(host):
    """By IPv4 and IPv6. Somebody who has given up before he was answered is no reason to end."""
    ready = []

    def serve():
        with socket.create_server(
                ("::", PORT), family=socket.AF_INET6, dualstack_ipv6=True, backlog=200) as server:
            ready.append(True)
            while True:
                caller, address = server.accept()
                with caller, contextlib.suppress(OSError):
                    caller.sendall(address[0].removeprefix("::ffff:").encode())

    host.thread(serve)
    wait_until("the service listens", lambda: ready)


def call(address, timeout):
    """Who the service takes us for. To be run in a thread of the calling machine."""
    with socket.create_connection((address, PORT), timeout=timeout) as connection:
        seen = connection.recv(100).decode()
    if not seen:
        raise ConnectionError(f"{address} hung up without a word")
    return seen


def seen_as(host, address):
    """Who the service takes this host for; None: it cannot be reached."""
    with contextlib.suppress(OSError):
        return host.thread(call, address, 2).result(timeout=5)
    return None
