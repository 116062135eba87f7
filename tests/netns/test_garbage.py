"""Garbage on every listening socket of a running mesh: dropped, and nobody who belongs here notices."""

from garbage import Heard, hold_streams, throw_datagrams, throw_streams
from lab import INTERNET, Lab, programs, wait_until
from mesh import Coordinator, Node

SECONDS = 10

LOCAL_API = [
    [b"GET /localapi/v0/status HTTP/1.1\r\nHost: local-tailscaled.sock\r\n\r\n"],
    [b"GET /localapi/v0/prefs HTTP/1.1\r\nHost: x\r\n\r\n",
     b"GET /localapi/v0/whois?addr=100.64.0.1:80 HTTP/1.1\r\nHost: x\r\n\r\n"],
    [b"GET /localapi/v0/watch-ipn-bus?mask=2 HTTP/1.1\r\nHost: x\r\n\r\n"],
    [b"POST /localapi/v0/ping?ip=100.64.0.1&type=disco HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"],
    [b"PATCH /localapi/v0/prefs HTTP/1.1\r\nHost: x\r\nContent-Length: 24\r\n\r\n"
     b'{"ShieldsUpSet": false}\n'],
    [b"POST /localapi/v0/start HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"],
]
# These strangers have root's rights on the sockets: nothing here, changed or not, may be an edit.
ADMIN_API = [
    [b"GET /api/v2/tailnet/-/devices HTTP/1.1\r\nHost: x\r\n\r\n"],
    [b"POST /api/v2/device/1/ip HTTP/1.1\r\nHost: x\r\nContent-Length: 22\r\n\r\n"
     b'{"ipv4":"203.0.113.9"}'],
]
DNS = [b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + name + b"\0" + kind + b"\0\1"
       for name in (b"\4beta\7default\7ayatori\x08internal", b"\7example\3com")
       for kind in (b"\0\1", b"\0\x1c", b"\0\xff")]
UAPI = [
    [b"get=1\n\n"],
    [b"set=1\nlisten_port=0\nreplace_peers=true\npublic_key=" + b"ab" * 32 +
     b"\npreshared_key=" + b"cd" * 32 + b"\nendpoint=192.0.2.1:51820\n"
     b"persistent_keepalive_interval=0\nreplace_allowed_ips=true\nallowed_ip=10.9.9.0/24\n\n",
     b"get=1\n\n"],
    [b"set=1\nprivate_key=" + b"5a" * 32 + b"\n\n"],
]


def lines_of(node):
    return len(node.process.log_path.read_text().splitlines())


def test_garbage_everywhere_while_the_mesh_pings():
    with Lab() as lab:
        # Plain HTTP: whoever hears the wire can say the whole conversation again, but for its secrets.
        coordinator = Coordinator(lab, scheme="http", port=8080)
        server = (coordinator.host.address, 8080)
        alpha, beta = (Node(lab.public_host(name, f"{INTERNET}.{last}"), coordinator)
                       for name, last in (("alpha", 7), ("beta", 8)))
        stranger = lab.public_host("stranger", f"{INTERNET}.9")
        interface = f"wg{lab.prefix[2:-1]}"[:15]
        plain = stranger.start(programs() / "ayatorid", "wg", interface, log="wg.log")
        uapi = f"/var/run/wireguard/{interface}.sock"
        wait_until("plain WireGuard runs", lambda: stranger.run("test", "-S", uapi))

        heard = Heard()
        listening = beta.host.thread(heard.listen, 4)
        key = coordinator.add_key("--reusable")
        for node in (alpha, beta):
            node.up(key)
        beta.wait_ping(alpha.ip)
        wait_until("direct", lambda: beta.direct_to("alpha"), 10)
        assert beta.ping(alpha.ip, count=5) == 5
        listening.result(20)

        target = (alpha.host.address, 41641)
        at_alpha = heard.to(target)
        at_stun = heard.to((coordinator.host.address, 3478))
        to_server = heard.said_to(server)
        for what, found in (("WireGuard", [b for b in at_alpha if b[:4] in (b"\1\0\0\0", b"\4\0\0\0")]),
                            ("DISCO", [b for b in at_alpha if b.startswith(b"TS\xf0\x9f\x92\xac")]),
                            ("STUN", at_stun), ("control", to_server)):
            assert found, f"no valid {what} was heard to begin with"

        held = stranger.thread(hold_streams, server, (b"", b"GET / HT", b"\x16\x03\1\2\0\1"), SECONDS + 3)
        before = [lines_of(node) for node in (alpha, beta)]
        pinging = beta.host.start("ping", "-n", "-i", "0.1", "-c", SECONDS * 10, alpha.ip, log="stream.log")
        stun = (coordinator.host.address, 3478)
        throwers = [
            stranger.thread(throw_datagrams, target, at_alpha + at_stun, SECONDS, 1),
            # From the very address that alpha has a direct path to.
            beta.host.thread(throw_datagrams, target, at_alpha, SECONDS, 2, (beta.host.address, 41641)),
            stranger.thread(throw_datagrams, stun, at_stun, SECONDS, 3, None, 500),
            alpha.host.thread(throw_datagrams, ("100.100.100.100", 53), DNS, SECONDS, 9, None, 300),
            stranger.thread(throw_streams, server, to_server, SECONDS, 4),
            stranger.thread(throw_streams, server, to_server, SECONDS, 5, True),
            stranger.thread(throw_streams, str(coordinator.dir / "coord.sock"), ADMIN_API, SECONDS, 6),
            stranger.thread(throw_streams, str(alpha.socket), LOCAL_API, SECONDS, 7),
            stranger.thread(throw_streams, uapi, UAPI, SECONDS, 8),
        ]
        thrown = [thrower.result(SECONDS + 30) for thrower in throwers]
        pinging.wait(30)
        assert held.result(SECONDS + 30) == 60, "half a request holds a place for good"
        print(f"            thrown: {thrown}; heard {len(at_alpha)} datagrams, "
              f"{len(to_server)} conversations")
        assert min(thrown) > 50, thrown

        text = pinging.log_path.read_text()
        assert f"{SECONDS * 10} received" in text, text[-200:]
        wait_until("still direct", lambda: beta.direct_to("alpha"), 5)
        assert alpha.ping("beta", count=3) == 3
        for process in (coordinator.process, alpha.process, beta.process, plain):
            assert process.poll() is None, f"{process.args} ended"
        assert stranger.run("wg", "show", interface).stdout.startswith("interface")
        for node, earlier in zip((alpha, beta), before):
            grown = lines_of(node) - earlier
            assert grown < 20, f"strangers drive the log of {node.name}: {grown} lines"
        # Nobody's place is taken: one more joins as ever.
        gamma = Node(lab.public_host("gamma", f"{INTERNET}.10"), coordinator)
        gamma.up(key)
        gamma.wait_ping(alpha.ip)
