"""How a stock client takes what a server says: every surprise that the server has to allow for. The
client's own network map is looked at, and a server that says the frames word for word stands in for
ours."""

import contextlib
import re
import socket
import threading
import time

from double import Double, Watched, fake_peer
from lab import INTERNET, Lab, stock, wait_until
from mesh import StockNode
from test_dns import dig
from verdict import Skip

OLD, NEW = "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"


@contextlib.contextmanager
def doubled():
    for name in ("tailscaled", "tailscale"):
        if stock(name) is None:
            raise Skip(f"stock {name} is not in the cache; packaging/setup test builds it where Go is")
    with Lab() as lab:
        yield Double(lab)


def stock_client(double, number, name="stock", **options):
    host = double.host.lab.public_host(name, f"{INTERNET}.{number}")
    return Watched(double, StockNode(host, double, **options), number)


@contextlib.contextmanager
def watching(peers=(), **snapshot):
    """One stock client that has been told of these peers."""
    with doubled() as double:
        client = stock_client(double, 5)
        client.login(peers=[fake_peer(90), *peers], **snapshot)
        yield client


def members(node, *names):
    return tuple(node.get(name) for name in names)


def rebuild(client):
    """Something that makes it build its map anew."""
    client.say_all({"Node": client.own_node(CapMap={"randomize-client-port": None})},
                   {"Node": client.own_node()})


# --- a whole node that differs in little is taken for a patch

def test_absent_members_of_a_reducible_node_keep_their_old_values():
    was = fake_peer(2, Online=True, LastSeen=OLD, KeySignature="c2ln")
    with watching([was]) as client:
        client.say_all({"PeersChanged": [fake_peer(
            2, Endpoints=None, HomeDERP=None, Cap=None,
            CapMap={"suggest-exit-node": None})]})
        peer = client.peer(2)
        assert peer["CapMap"] == {"suggest-exit-node": None}, "the rest was taken"
        for name in ("Online", "LastSeen", "Endpoints", "HomeDERP", "Cap", "KeySignature"):
            assert peer.get(name) == was[name], (name, peer)


def test_online_that_a_node_lacked_is_not_taken_from_a_reducible_one():
    with watching([fake_peer(2)]) as client:
        client.say_all({"PeersChanged": [fake_peer(2, Online=True, LastSeen=NEW,
                                                   Endpoints=["192.0.2.77:7"])]})
        assert members(client.peer(2), "Online", "LastSeen") == (None, None)
        # Along with something that no patch can carry, all of it counts.
        client.say_all({"PeersChanged": [fake_peer(2, Online=True, Endpoints=None, Name="new.mesh.test.")]})
        assert members(client.peer(2), "Online", "Endpoints") == (True, None)
        # And an empty list in a patch clears.
        client.say_all({"PeersChanged": [fake_peer(2, Online=True, Name="new.mesh.test.")]},
                       {"PeersChangedPatch": [{"NodeID": 2, "Endpoints": []}]})
        assert not client.peer(2).get("Endpoints")


def test_removed_and_added_in_one_frame_is_removed():
    with watching([fake_peer(2, Online=True)]) as client:
        client.say_all({"PeersRemoved": [2], "PeersChanged": [fake_peer(2, Online=False)]})
        assert client.peer(2) is None
        client.say_all({"PeersRemoved": [90]}, {"PeersChanged": [fake_peer(90, Online=False)]})
        assert client.peer(90)["Online"] is False, "two frames do it"


# --- disco keys

NEW_DISCO = f"discokey:{77:064x}"


def test_a_patch_with_a_stale_disco_key_is_dropped_whole():
    was = fake_peer(2, Online=True, LastSeen=NEW)
    with watching([was, fake_peer(3, Online=True, LastSeen=NEW)]) as client:
        client.say_all({"PeersChangedPatch": [{
            "NodeID": 2, "DiscoKey": NEW_DISCO, "Online": False, "LastSeen": OLD, "DERPRegion": 901}]})
        assert members(client.peer(2), "DiscoKey", "Online", "HomeDERP") == (was["DiscoKey"], True, 900)
        # So is one that the client made of a whole node.
        client.say_all({"PeersChanged": [{**was, "DiscoKey": NEW_DISCO, "Online": False, "LastSeen": OLD}]})
        assert members(client.peer(2), "DiscoKey", "Online") == (was["DiscoKey"], True)
        # In patches of their own both arrive.
        client.say_all({"PeersChangedPatch": [
            {"NodeID": 3, "DiscoKey": NEW_DISCO},
            {"NodeID": 3, "Online": False, "LastSeen": NEW, "DERPRegion": 901}]})
        assert members(client.peer(3), "DiscoKey", "Online", "HomeDERP") == (NEW_DISCO, False, 901)


def test_a_later_full_list_keeps_disco_key_and_last_seen_of_peers_offline():
    was = fake_peer(2, Online=False, LastSeen=NEW)
    with watching([was]) as client:
        client.say_all({"Peers": [{**was, "DiscoKey": NEW_DISCO, "LastSeen": OLD}, fake_peer(90)]})
        assert members(client.peer(2), "DiscoKey", "LastSeen") == (was["DiscoKey"], NEW)
        client.say_all({"Peers": [{**was, "DiscoKey": NEW_DISCO, "LastSeen": "2026-01-04T00:00:00Z"}]})
        assert client.peer(2)["DiscoKey"] == NEW_DISCO


def test_short_text_of_a_disco_key_is_its_first_sixteen_digits():
    with watching() as client:
        assert f" d:{client.disco.removeprefix('discokey:')[:16]}" in client.node.process.log_path.read_text()


# --- presence

def test_seen_false_clears_last_seen_at_the_next_rebuild():
    with watching([fake_peer(2, Online=False, LastSeen=OLD)]) as client:
        client.say_all({"PeerSeenChange": {"2": False}})
        assert client.peer(2)["LastSeen"] == OLD, "not yet"
        rebuild(client)
        assert client.peer(2).get("LastSeen") is None


def test_online_leaves_the_old_last_seen_standing():
    with watching([fake_peer(2, Online=False, LastSeen=OLD)]) as client:
        client.say_all({"OnlineChange": {"2": True}})
        assert members(client.peer(2), "Online", "LastSeen") == (True, OLD)
        client.say_all({"PeersChangedPatch": [{"NodeID": 2, "Online": False}]},
                       {"PeersChangedPatch": [{"NodeID": 2, "Online": True}]})
        assert members(client.peer(2), "Online", "LastSeen") == (True, OLD)


def test_an_explicit_zero_in_a_patch_makes_a_key_last_for_ever():
    with watching([fake_peer(2, Online=True, KeyExpiry="2030-01-01T00:00:00Z")]) as client:
        client.say_all({"PeersChangedPatch": [{"NodeID": 2, "KeyExpiry": "0001-01-01T00:00:00Z"}]})
        assert client.peer(2).get("KeyExpiry") is None


# --- what is said once for all

def test_regions_left_out_keep_the_flag_beside_them():
    with watching() as client:
        client.say_all({"DERPMap": {"Regions": None, "omitDefaultRegions": False}})
        assert client.netmap()["DERPMap"]["omitDefaultRegions"] is True
        client.say_all({"DERPMap": {**client.double.derp_map(), "omitDefaultRegions": False}})
        assert not client.netmap()["DERPMap"].get("omitDefaultRegions")


def test_a_page_opens_again_when_another_came_between():
    with watching() as client:
        client.settle()
        log = client.node.host.dir / "watch.log"
        watch = client.node.host.start(
            stock("tailscale"), "--socket", client.node.socket, "debug", "watch-ipn", log=log.name)
        wait_until("it watches", lambda: "Connected" in log.read_text())
        pages = [f"https://mesh.test/{name}" for name in "AABA"]
        for page in pages:
            client.say_all({"PopBrowserURL": page})
        client.node.host.stop(watch)
        opened = re.findall(r'"BrowseToURL": "([^"]+)"', log.read_text())
        assert opened == [pages[0], pages[2], pages[3]], opened


def test_display_messages_hide_health_until_they_are_cleared():
    def warnings():
        return "\n".join(client.node.status()["Health"] or [])

    message = {"Title": "Moved", "Text": "The desk is upstairs.", "Severity": "low"}
    with watching() as client:
        client.say_all({"Health": ["the lift is broken"]})
        wait_until("it warns", lambda: "the lift is broken" in warnings())
        client.say_all({"DisplayMessages": {"desk": message}})
        wait_until("the message", lambda: "upstairs" in warnings() and "lift" not in warnings())
        client.say_all({"DisplayMessages": {"desk": None}})
        wait_until("the old warning", lambda: "the lift is broken" in warnings() and "upstairs" not in warnings())


# --- packets

def ping(host, address):
    return host.run("ping", "-n", "-c1", "-W1", address, check=False).returncode == 0


def answer_late(address, stop):
    """Takes questions until told to stop, then answers the first one and the last."""
    service = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    service.bind((address, 9))
    service.settimeout(0.1)
    asked = []
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            asked.append(service.recvfrom(100)[1])
    for sender in (asked[0], asked[-1]):
        service.sendto(b"late", sender)
    return len(asked)


@contextlib.contextmanager
def pair():
    """Two stock clients that know each other; returns them when packets flow."""
    with doubled() as double:
        both = [stock_client(double, 5, "left"), stock_client(double, 6, "right")]
        for client in both:
            client.login(peers=[fake_peer(90)])
        for client in both:
            client.settle()
        for client, other in (both, both[::-1]):
            client.say_all({"PeersChanged": [{
                **other.own_node(CapMap={"mesh.test/cap/guest": None}),
                "Endpoints": [f"{INTERNET}.{other.number}:{port_of(other)}"]}]})
        wait_until("packets flow", lambda: ping(both[0].node.host, both[1].address), 20)
        yield both


def port_of(client):
    """Of its own UDP socket."""
    known = [said["body"].get("Endpoints") or [] for said in client.double.requests(
        "/machine/map", machine=client.machine)]
    return max(known, key=len)[0].rsplit(":", 1)[1]


def test_icmp_passes_rules_for_other_protocols_and_for_capabilities():
    with pair() as (left, right):
        everything = {"IP": "*", "Ports": {"First": 0, "Last": 65535}}
        right.say_all({"PacketFilters": {"base": [{"SrcIPs": ["*"], "DstPorts": [everything], "IPProto": [6]}]}})
        assert ping(left.node.host, right.address)
        right.say_all({"PacketFilters": {"base": []}})
        assert not ping(left.node.host, right.address)
        right.say_all({"PacketFilters": {"base": [{
            "SrcIPs": ["cap:mesh.test/cap/guest"],
            "DstPorts": [{"IP": "100.64.0.200", "Ports": {"First": 80, "Last": 80}}]}]}})
        assert ping(left.node.host, right.address), "though the rule speaks of another address"


def answer_to_bare_ack(source, target):
    """Sends a TCP segment that belongs to nothing; was it reset, that is, did it arrive?"""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
    raw.bind((source, 0))
    raw.settimeout(1)
    segment = bytes([0x30, 0x39, 0, 7]) + bytes([0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x10, 4, 0, 0, 0, 0, 0])
    pseudo = socket.inet_aton(source) + socket.inet_aton(target) + bytes([0, 6, 0, len(segment)])
    total = sum(int.from_bytes((pseudo + segment)[i:i + 2], "big") for i in range(0, 32, 2))
    total = (total & 0xffff) + (total >> 16)
    checksum = ~((total & 0xffff) + (total >> 16)) & 0xffff
    raw.sendto(segment[:16] + checksum.to_bytes(2, "big") + segment[18:], (target, 0))
    with contextlib.suppress(TimeoutError):
        while True:
            packet = raw.recv(200)
            header = (packet[0] & 15) * 4
            if packet[header:header + 4] == bytes([0, 7, 0x30, 0x39]):
                return bool(packet[header + 13] & 4)
    return False


def can_connect(address):
    with contextlib.suppress(OSError):
        socket.create_connection((address, 7), timeout=1).close()
        return True
    return False


def ask_many(target, source):
    """513 questions, from a port each."""
    ports = []
    for _ in range(513):
        port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        port.bind((source, 0))
        port.sendto(b"now?", (target, 9))
        ports.append(port)
        time.sleep(0.001)
    return ports


def came(port):
    port.settimeout(2)
    with contextlib.suppress(TimeoutError):
        return port.recv(100) == b"late"
    return False


def test_only_udp_needs_a_remembered_flow():
    with pair() as (left, right):
        right.say_all({"PacketFilters": {"base": []}})
        assert not left.node.host.thread(can_connect, right.address).result(5), "an initial SYN"
        wait_until("it is answered", lambda: left.node.host.thread(
            answer_to_bare_ack, left.address, right.address).result(5))
        assert ping(right.node.host, left.address), "the reply needs no rule"
        stop = threading.Event()
        echo = left.node.host.thread(answer_late, left.address, stop)
        time.sleep(0.2)
        ports = right.node.host.thread(ask_many, left.address, right.address).result(10)
        time.sleep(0.5)
        stop.set()
        assert echo.result(5) == 513, "all questions arrived"
        assert came(ports[-1]), "the last flow is remembered"
        assert not came(ports[0]), "512 later ones have pushed the first one out"


# --- logging in and out

def test_the_client_speaks_version_142():
    with watching() as client:
        assert {said["body"]["Version"] for said in client.double.requests("/machine/map")} == {142}


def registrations(double):
    return [said["body"] for said in double.requests("/machine/register")]


def log_out(client):
    client.double.answer("/machine/register", refusal(expired=True))
    client.node.cli("logout")
    return registrations(client.double)[-1]


def refusal(expired):
    return {"User": {"ID": 1}, "Login": {"ID": 1, "LoginName": "alice@mesh.test"},
            "NodeKeyExpired": expired, "MachineAuthorized": False, "AuthURL": "", "Error": ""}


def test_log_out_tells_a_past_expiry_in_local_time():
    with doubled() as double:
        client = stock_client(double, 5, env={"TZ": "Asia/Tokyo"})
        client.login(peers=[fake_peer(90)])
        expiry = log_out(client)["Expiry"]
        assert expiry == "1970-01-01T09:02:03+09:00", expiry


def test_the_poll_ends_before_the_log_out_is_asked_for():
    with watching() as client:
        log_out(client)
        wait_until("it has left", lambda: {"closed": client.poll} in client.double.heard)
        farewell = client.double.requests("/machine/register")[-1]
        assert client.double.heard.index({"closed": client.poll}) < client.double.heard.index(farewell)


def test_after_expiry_the_old_key_comes_first():
    with watching() as client:
        double, old = client.double, client.key
        double.answer("/machine/register", refusal(expired=True))
        client.say({"Node": client.own_node(KeyExpiry=OLD)})
        wait_until("it needs a login", lambda: client.node.status()["BackendState"] == "NeedsLogin")
        before = len(registrations(double))
        client.node.host.start(
            stock("tailscale"), "--socket", client.node.socket, "up", "--login-server", double.url,
            "--auth-key", "tskey-any", "--hostname", "stock", "--timeout", "5s", log="up.log")
        wait_until("both keys have come", lambda: len(registrations(double)) >= before + 2)
        first, second = registrations(double)[before:before + 2]
        assert first["NodeKey"] == old
        assert second["NodeKey"] != old and second["OldNodeKey"] == old


# --- names

def test_unknown_names_without_accept_dns():
    for accept, unknown in (("true", "NXDOMAIN"), ("false", "SERVFAIL")):
        with doubled() as double:
            client = stock_client(double, 5)
            client.login(f"--accept-dns={accept}", peers=[fake_peer(2, Online=True)])
            host = client.node.host
            wait_until("names are known", lambda: dig(host, "peer2.mesh.test")[1] == ["100.64.0.2"])
            assert dig(host, "nobody.mesh.test")[0] == unknown, accept
            assert dig(host, "peer2")[1] == ["100.64.0.2"], "bare"
