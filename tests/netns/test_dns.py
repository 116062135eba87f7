"""Names: what the node answers itself, whom it asks for others, and what it answers for its peers."""

import pathlib
import re
import socket
import struct
import sys

from lab import INTERNET, Lab, stock, wait_until
from mesh import Coordinator, Node, StockNode
from verdict import Skip

SERVICE = ("100.100.100.100", "fd7a:115c:a1e0::53")
BOX = "リビング"  # a name that DNS carries as xn--qck9c2csb


def dig(host, *words, server=SERVICE[0]):
    """One question. Returns the status, the answers' data and the flags."""
    done = host.run("dig", "+noall", "+answer", "+comments", "+timeout=6", "+tries=1", f"@{server}", *words,
                    check=False)
    status = re.search(r"status: (\w+)", done.stdout)
    flags = re.search(r"flags: ([\w ]*);", done.stdout)
    data = [line.split(None, 4)[4] for line in done.stdout.splitlines()
            if line and not line.startswith(";")]
    return (status.group(1) if status else "NONE"), data, (flags.group(1).split() if flags else [])


def wait_for(host, name, wanted, *words, timeout=15):
    """A first answer: servers and maps need a moment."""
    wait_until(f"{host.name} resolves {name} to {wanted}",
               lambda: wanted in dig(host, name, *words)[1], timeout)


class DnsServer:
    """A small server on a machine of its own."""

    def __init__(self, host, *options):
        self.host = host
        self.address = host.address
        self.log = host.dir / "queries.log"
        self.process = host.start(
            "/usr/sbin/dnsmasq", "--no-daemon", "--no-resolv", "--no-hosts", "--conf-file=/dev/null",
            "--user=root", "--log-queries", f"--log-facility={self.log}", "--edns-packet-max=1232",
            f"--pid-file={host.dir}/dnsmasq.pid", *options)
        wait_until("the server answers", lambda: dig(
            host, "up.test", server=host.address)[0] != "NONE", 15)

    def asked_for(self, name):
        return self.log.exists() and f" {name} from " in self.log.read_text()


def drop(host, what):
    host.nft(f"table ip cut {{ chain in {{ type filter hook input priority 0; {what} drop; }}; }}\n")


def labelled(node):
    return node.status()["Self"]["DNSName"].rstrip(".")


def question(name, number, kind=1):
    labels = b"".join(bytes([len(part)]) + part for part in
                      (label.encode() for label in name.rstrip(".").split(".")))
    return struct.pack(">HHHHHH", number, 0x100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", kind, 1)


def ask_ahead(name, count):
    """Sends many questions in one connection before it reads; returns the numbers of the answers."""
    with socket.create_connection((SERVICE[0], 53), timeout=10) as connection:
        for number in range(count):
            message = question(name, number)
            connection.sendall(struct.pack(">H", len(message)) + message)
        stream, numbers = connection.makefile("rb"), set()
        while len(numbers) < count:
            (size,) = struct.unpack(">H", stream.read(2))
            answer = stream.read(size)
            if struct.unpack(">H", answer[6:8])[0] == 1:
                numbers.add(struct.unpack(">H", answer[:2])[0])
        return numbers


def ask_raw(name):
    """As a program asks that knows nothing of IDNA. Returns the code and the address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(5)
        query = question(name, 7)
        udp.sendto(query, (SERVICE[0], 53))
        answer = udp.recv(2000)
        assert answer[12:len(query)] == query[12:], "the question came back changed"
        return answer[3] & 15, socket.inet_ntoa(answer[-4:])


def need_stock():
    for name in ("tailscaled", "tailscale"):
        if stock(name) is None:
            raise Skip(f"stock {name} is not in the cache; packaging/setup test builds it where Go is")


def node_on(lab, coordinator, machine, last, nameservers=(), make=Node, **options):
    host = lab.public_host(machine, f"{INTERNET}.{last}")
    (host.etc / "resolv.conf").write_text("".join(f"nameserver {s}\n" for s in nameservers))
    return make(host, coordinator, **options)


def test_own_names_by_udp_and_tcp():
    with Lab() as lab:
        coordinator = Coordinator(lab)
        key = coordinator.add_key("--reusable")
        alpha = node_on(lab, coordinator, "alpha", 20)
        box = node_on(lab, coordinator, "box", 21, name=BOX)
        for node in (alpha, box):
            node.up(key)
        wait_until("alpha sees the box", lambda: alpha.peer("xn--qck9c2csb"))
        assert alpha.peer("xn--qck9c2csb")["HostName"] == BOX
        host, domain = alpha.host, labelled(alpha).split(".", 1)[1]
        name = f"xn--qck9c2csb.{domain}"
        address4, address6 = box.ip, box.cli("ip", "-6").stdout.strip()
        wait_for(host, name, address4)
        for server in SERVICE:
            for way in ("+notcp", "+tcp"):
                def ask(*words):
                    return dig(host, way, *words, server=server)

                assert ask(name)[:2] == ("NOERROR", [address4]), (server, way)
                assert ask(name, "AAAA")[:2] == ("NOERROR", [address6]), (server, way)
                assert ask("-x", address4)[:2] == ("NOERROR", [f"{name}."]), (server, way)
                assert ask("-x", address6)[:2] == ("NOERROR", [f"{name}."]), (server, way)
                assert ask(f"nobody.{domain}")[0] == "NXDOMAIN", (server, way)
                assert ask(f"sub.{name}")[0] == "NXDOMAIN", (server, way)
                site = ask(f"10-1-2-3-via-7.{domain}", "AAAA")[1]
                assert site == ["fd7a:115c:a1e0:b1a:0:7:a01:203"], (server, way, site)
        assert host.thread(ask_raw, f"{BOX}.{domain}").result(10) == (0, address4)
        assert host.thread(ask_raw, f"{BOX}。{domain.replace('.', '。')}").result(10) == (0, address4)
        assert host.thread(ask_raw, f"台所.{domain}").result(10)[0] == 3
        assert host.thread(ask_ahead, name, 200).result(20) == set(range(200))
        done = host.run("curl", "-sS", "-m", "5", f"http://{SERVICE[0]}/", check=False)
        assert done.returncode == 7, f"port 80 is not refused: {done.stderr}"

        # The listening socket is nobody's to use but the door's.
        text = host.run("ss", "-Hltn", "src", alpha.ip).stdout
        ports = [line.split()[3].rpartition(":")[2] for line in text.splitlines()]
        assert len(ports) == 2, text  # DNS and PeerAPI
        for port in ports:
            assert host.run("curl", "-s", "-m", "5", f"http://{alpha.ip}:{port}/", check=False).returncode != 0


def test_upstream_servers():
    with Lab() as lab:
        live = DnsServer(lab.public_host("dns", f"{INTERNET}.53"), "--address=/www.test/192.0.2.7",
                         *(f"--txt-record=big.test,{'x' * 200}{i}" for i in range(15)))
        coordinator = Coordinator(lab)
        silent = lab.public_host("silent", f"{INTERNET}.54")
        drop(silent, "meta l4proto { tcp, udp }")
        alpha = node_on(lab, coordinator, "alpha", 20, (silent.address, live.address))
        alpha.up(coordinator.add_key())
        host = alpha.host
        wait_for(host, "www.test", "192.0.2.7")
        assert dig(host, "www.test", "+tcp")[:2] == ("NOERROR", ["192.0.2.7"])

        # More than fits: by UDP the mark that there is more, by TCP everything.
        status, data, flags = dig(host, "big.test", "TXT", "+ignore", "+bufsize=512")
        assert status == "NOERROR" and "tc" in flags, (status, data, flags)
        assert len(dig(host, "big.test", "TXT", "+tcp")[1]) == 15
        assert len(dig(host, "big.test", "TXT")[1]) == 15, "dig turns to TCP by itself"

        # A network that lets DNS through by TCP only.
        drop(live.host, "udp dport 53")
        assert dig(host, "www.test")[:2] == ("NOERROR", ["192.0.2.7"])


def exit_pair(lab, make_exit, make_client):
    """Two nodes whose networks know one name by different addresses."""
    near = DnsServer(lab.public_host("near", f"{INTERNET}.53"), "--address=/www.test/192.0.2.1")
    far = DnsServer(lab.public_host("far", f"{INTERNET}.54"), "--address=/www.test/192.0.2.2")
    coordinator = Coordinator(lab)
    key = coordinator.add_key("--reusable")
    gate = node_on(lab, coordinator, "gate", 20, [far.address], make=make_exit)
    gate.up(key, "--advertise-exit-node")
    client = node_on(lab, coordinator, "client", 21, [near.address], make=make_client)
    client.up(key)
    wait_until("they see each other", lambda: client.peer("gate") and gate.peer("client"))
    coordinator.cli("route", "approve", "gate", "--exit-node")
    wait_until("the client may use the exit", lambda: client.peer("gate")["ExitNodeOption"])
    wait_for(client.host, "www.test", "192.0.2.1")
    return coordinator, gate, client, near, far


def check_names_go_through(client, gate, near, far):
    client.cli("set", f"--exit-node={gate.ip}")
    wait_for(client.host, "www.test", "192.0.2.2")
    assert dig(client.host, "www.test", "+tcp")[:2] == ("NOERROR", ["192.0.2.2"])
    dig(client.host, "private.test")
    assert far.asked_for("private.test") and not near.asked_for("private.test")
    assert dig(client.host, labelled(gate))[1] == [gate.ip], "own names stay"
    client.cli("set", "--exit-node=")
    wait_for(client.host, "www.test", "192.0.2.1")


def test_exit_node_answers_names():
    with Lab() as lab:
        _, gate, client, near, far = exit_pair(lab, Node, Node)
        check_names_go_through(client, gate, near, far)
        (url,) = [url for url in client.peer("gate")["PeerAPIURL"] if gate.ip in url]
        page = client.host.run("curl", "-sS", "--fail", url).stdout
        assert "client" in page, page
        for path, extra, status in (
                ("/nothing", (), "404"), ("/dns-query", (), "400"), ("/", ("-H", "Host: evil.test"), "403"),
                ("/", ("-H", "Origin: http://evil.test"), "403")):
            done = client.host.run("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", *extra, url + path)
            assert done.stdout == status, (path, extra, done.stdout)
        done = gate.host.run("curl", "-sS", "-m", "5", url, check=False)
        assert done.returncode != 0, "who is no peer was served"
        # Nothing can be asked of an exit node that is gone: an error soon, and not silence.
        client.cli("set", f"--exit-node={gate.ip}")
        wait_for(client.host, "www.test", "192.0.2.2")
        gate.kill()
        assert dig(client.host, "other.test")[0] == "SERVFAIL"


def test_stock_exit_node_answers_names():
    need_stock()
    with Lab() as lab:
        _, gate, client, near, far = exit_pair(lab, StockNode, Node)
        check_names_go_through(client, gate, near, far)


def test_stock_client_asks_our_exit_node():
    need_stock()
    with Lab() as lab:
        _, gate, client, near, far = exit_pair(lab, Node, StockNode)
        check_names_go_through(client, gate, near, far)


class DohServer:
    """Answers over HTTPS, one address for every name."""

    def __init__(self, host, name, answer, alpn):
        self.host = host
        key, self.certificate = host.dir / "key.pem", host.dir / "cert.pem"
        host.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                 "-nodes", "-keyout", key, "-out", self.certificate, "-days", "2", "-subj", f"/CN={name}",
                 "-addext", f"subjectAltName=DNS:{name}")
        self.process = host.start(sys.executable, pathlib.Path(__file__).parent / "doh_server.py", "8053",
                                  answer, log="doh.log")
        host.start("/usr/sbin/nghttpx", "--conf=/dev/null", "--workers=1", f"--frontend={host.address},443",
                   "--backend=127.0.0.1,8053", f"--npn-list={alpn}", key,
                   self.certificate)
        wait_until(f"{name} listens", lambda: ":443" in host.run("ss", "-Hltn").stdout)

    def asked(self):
        return self.process.log_path.read_text()


def test_servers_of_the_network():
    """What the coordinator says about names: split DNS, DNS over HTTPS, records, subdomains."""
    with Lab() as lab:
        two = DohServer(lab.public_host("two", f"{INTERNET}.60"), "two.test", "192.0.2.60", "h2,http/1.1")
        one = DohServer(lab.public_host("one", f"{INTERNET}.61"), "one.test", "192.0.2.61", "http/1.1")
        near = DnsServer(
            lab.public_host("near", f"{INTERNET}.53"), "--address=/www.test/192.0.2.1",
            f"--address=/two.test/{two.host.address}", f"--address=/one.test/{one.host.address}")
        split = DnsServer(lab.public_host("split", f"{INTERNET}.54"), "--address=/corp.test/192.0.2.54")
        coordinator = Coordinator(lab)
        roots = lab.dir / "roots.pem"
        roots.write_text("".join(file.read_text() for file in
                                 (coordinator.certificate, one.certificate, two.certificate)))
        alpha = node_on(lab, coordinator, "alpha", 20, [near.address], trust=roots)
        alpha.up(coordinator.add_key())
        host, name = alpha.host, labelled(alpha)
        wait_for(host, "www.test", "192.0.2.1")

        coordinator.cli("dns", "split", "corp.test", split.address)
        wait_for(host, "early.corp.test", "192.0.2.54")  # asked elsewhere until the node has heard of it
        assert dig(host, "db.corp.test")[1] == ["192.0.2.54"]
        assert dig(host, "db.corp.test", "+tcp")[1] == ["192.0.2.54"]
        assert not near.asked_for("db.corp.test"), "a name of the split domain went elsewhere"
        coordinator.cli("dns", "record", "add", "台所", "192.0.2.9")
        wait_until("the record is known", lambda: host.thread(
            ask_raw, f"台所.{name.split('.', 1)[1]}").result(10) == (0, "192.0.2.9"))
        coordinator.cli("dns", "subdomains", "alpha", "on")
        wait_for(host, f"a.b.{name}", alpha.ip)

        # Over HTTP/2, then HTTP/1.1; the names of the servers themselves come from the host's own.
        coordinator.cli("dns", "set", "nameservers", "https://two.test/dns-query")
        wait_for(host, "www.test", "192.0.2.60")
        coordinator.cli("dns", "set", "nameservers", "https://one.test/dns-query")
        wait_for(host, "www.test", "192.0.2.61")
        assert "2 nghttpx www.test" in two.asked(), two.asked()
        assert "1.1 nghttpx www.test" in one.asked(), one.asked()
        assert dig(host, "db.corp.test")[1] == ["192.0.2.54"]
        for number in range(20):
            assert dig(host, f"n{number}.test")[1] == ["192.0.2.61"]
