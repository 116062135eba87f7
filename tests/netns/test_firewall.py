"""What a node does to its host's packet filter and sysctls, and what other programs' rules do to it
(os-integration 1.5 to 1.7, the kill switch of 1.9). Real nftables and real iptables throughout."""

import re
import signal
import socket
import struct
import time

from lab import Host, INTERNET, Lab, Nat, _ip, stock, wait_until
from mesh import Coordinator, Node, StockNode
from services import FIREWALLD, enter, require, start_bus, start_firewalld
from verdict import Skip

KINDS = ("nftables", "iptables")
PORT = 7000


# ---- who arrives where, and as whom

def whoami(host, family=socket.AF_INET):
    """Answers every datagram with its sender's address, as this machine sees it."""
    def serve():
        with socket.socket(family, socket.SOCK_DGRAM) as server:
            if family == socket.AF_INET6:
                server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            server.bind(("", PORT))
            while True:
                _, sender = server.recvfrom(100)
                server.sendto(sender[0].encode(), sender)
    host.thread(serve)


def seen_as(host, target, source=None, timeout=1.0):
    """The address under which `target` sees this machine; None without an answer."""
    def ask():
        family = socket.AF_INET6 if ":" in target else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as client:
            if source:
                client.bind((source, 0))
            client.settimeout(timeout)
            try:
                client.sendto(b"?", (target, PORT))
                return client.recvfrom(100)[0].decode()
            except OSError:
                return None
    return host.thread(ask).result()


def arrives(sender, receiver, target, source):
    """Whether a datagram from `source` reaches the receiver, answered or not."""
    def wait_for_it(ready):
        with socket.socket(socket.AF_INET6 if ":" in target else socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((target, 7001))
            s.settimeout(0.7)
            ready.append(True)
            try:
                return s.recvfrom(100)[1][0] == source
            except OSError:
                return False

    def send():
        with socket.socket(socket.AF_INET6 if ":" in target else socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((source, 0))
            s.sendto(b"!", (target, 7001))

    ready = []
    heard = receiver.thread(wait_for_it, ready)
    wait_until("the receiver listens", lambda: ready or heard.done())
    sender.thread(send).result()
    return heard.result()


def pings(host, target, source=None):
    words = ["-I", source] if source else []
    return host.run("ping", "-n", "-c1", "-W1", *words, target, check=False).returncode == 0


def reaches(host, target):
    wait_until(f"{host.name} reaches {target}", lambda: pings(host, target), 15)


# ---- the state of a host

def rules_of(host):
    """Everybody's rules, without counters and handles."""
    lines = host.run("nft", "-s", "list", "ruleset").stdout
    return re.sub(r"counter packets \d+ bytes \d+", "counter", lines)


def legacy_rules_of(host):
    out = ""
    for family in ("iptables", "ip6tables"):
        out += host.run(f"{family}-legacy-save").stdout
    return re.sub(r"\[\d+:\d+\]|# .*\n", "", out)


def sysctl(host, name):
    return host.run("cat", f"/proc/sys/{name.replace('.', '/')}").stdout.strip()


def health(node):
    return " ".join(node.status()["Health"] or [])


def chain(host, name, table="ayatori"):
    return host.run("nft", "list", "chain", "inet", table, name, check=False).stdout


def neighbour_of(lab, host, name, own, theirs):
    """One more link of a host, and a machine at its other end."""
    out = Host(lab, f"{host.name}-{name}", theirs.split("/")[0])
    _ip("link", "add", name, "netns", host.netns, "type", "veth", "peer", "name", "eth0", "netns", out.netns)
    _ip("-n", host.netns, "addr", "add", own, "dev", name)
    _ip("-n", out.netns, "addr", "add", theirs, "dev", "eth0")
    _ip("-n", host.netns, "link", "set", name, "up")
    _ip("-n", out.netns, "link", "set", "eth0", "up")
    return out


class Site:
    """A roamer `alpha` who accepts routes, and a router `beta` in a network with a machine `nas`."""

    def __init__(self, lab, *options, kind="nftables"):
        self.lab = lab
        self.coordinator = Coordinator(lab)
        self.key = self.coordinator.add_key("--reusable")
        self.home = lab.router("rb", Nat.PORT_PRESERVING)
        self.nas = lab.host_behind("nas", self.home)
        beta = lab.host_behind("beta", self.home)
        for host, last in ((self.nas, 2), (beta, 3)):
            _ip("-n", host.netns, "addr", "add", f"fd00:b::{last}/64", "dev", "eth0", "nodad")
        self.alpha = Node(lab.host_behind("alpha", lab.router("ra", Nat.PORT_PRESERVING)), self.coordinator)
        self.beta = Node(beta, self.coordinator, env={"TS_DEBUG_FIREWALL_MODE": kind})
        self.lan = f"{self.home.lan}.0/24"
        self.alpha.up(self.key, "--accept-routes")
        self.beta.up(self.key, *options)
        wait_until("they see each other", lambda: self.alpha.peer("beta") and self.beta.peer("alpha"))
        whoami(self.nas)
        whoami(self.nas, socket.AF_INET6)

    def offer(self, *routes):
        self.beta.cli("set", f"--advertise-routes={','.join(routes)}")
        self.approve(*routes)

    def offer_exit(self):
        self.beta.cli("set", "--advertise-exit-node")
        self.approve("0.0.0.0/0", "::/0")
        wait_until("it may be chosen", lambda: (self.alpha.peer("beta") or {}).get("ExitNodeOption"))

    def approve(self, *routes):
        def in_use():
            self.coordinator.cli("route", "approve", "beta", check=False)
            if "0.0.0.0/0" in routes:
                self.coordinator.cli("route", "approve", "beta", "--exit-node", check=False)
            listed = self.coordinator.cli("route", "ls")
            return all(re.search(rf"{re.escape(route)} +in use", listed) for route in routes)

        wait_until("the routes are in use", in_use, every=0.2)

    def restart_beta(self, kind):
        self.beta.stop()
        self.beta.env["TS_DEBUG_FIREWALL_MODE"] = kind
        self.beta.start()


# ---- 1.5

def test_only_what_looks_like_the_mesh_is_kept_out():
    """The table of 1.5, and the address of a peer as a stranger's source; both ways to write rules."""
    with Lab() as lab:
        coordinator = Coordinator(lab)
        key = coordinator.add_key("--reusable")
        host = lab.host_behind("alpha", lab.router("ra", Nat.PORT_PRESERVING))
        alpha = Node(host, coordinator, env={"TS_DEBUG_FIREWALL_MODE": KINDS[0]})
        beta = Node(lab.host_behind("beta", lab.router("rb", Nat.PORT_PRESERVING)), coordinator)
        alpha.up(key)
        beta.up(key)
        wait_until("they see each other", lambda: alpha.peer("beta") and beta.peer("alpha"))
        lan = neighbour_of(lab, host, "cloud", "100.100.0.1/20", "100.100.0.2/20")
        own, peer = alpha.ip, beta.ip
        own6 = alpha.cli("ip", "-6").stdout.strip()
        _ip("-n", lan.netns, "route", "add", own, "via", "100.100.0.1")
        _ip("-n", host.netns, "addr", "add", "fd00:c::1/64", "dev", "cloud", "nodad")
        _ip("-n", lan.netns, "addr", "add", "fd00:c::2/64", "dev", "eth0", "nodad")
        _ip("-n", lan.netns, "route", "add", own6, "via", "fd00:c::1")
        _ip("-n", lan.netns, "addr", "add", f"{peer}/32", "dev", "lo")

        for kind in KINDS:
            if kind != alpha.env["TS_DEBUG_FIREWALL_MODE"]:
                alpha.stop()
                alpha.env["TS_DEBUG_FIREWALL_MODE"] = kind
                alpha.start()
            beta.wait_ping(own)
            wait_until(f"{kind}: the overlay address is not probed", lambda: not pings(lan, own))
            assert pings(host, "100.100.0.2"), f"{kind}: the host lost its own network"
            assert pings(lan, "100.100.0.1"), f"{kind}: the network lost the host"
            assert not pings(lan, own6), f"{kind}: the overlay address is probed by IPv6"
            assert arrives(lan, host, "100.100.0.1", "100.100.0.2")
            assert not arrives(lan, host, "100.100.0.1", peer), f"{kind}: a stranger sends as a peer"
            assert beta.ping(own) == 1
            text = rules_of(host)
            assert "100.64.0.0/10" not in text.replace("jump ayatori-peers", "") or kind == "iptables"

        # Not the laboratory keeps them out: without rules both get in.
        alpha.cli("set", "--netfilter-mode=off")
        wait_until("without rules the overlay address answers", lambda: pings(lan, own))
        assert arrives(lan, host, "100.100.0.1", peer)
        wait_until("nothing of ours is left", lambda: "ayatori" not in rules_of(host))


def test_a_host_on_a_carriers_network_keeps_it():
    """Its uplink, gateway and name server live in 100.64.0.0/10: from the first second to the last."""
    with Lab() as lab:
        coordinator = Coordinator(lab)
        key = coordinator.add_key("--reusable")
        carrier = lab.router("carrier", Nat.PORT_PRESERVING)
        host = Host(lab, "alpha", "100.72.0.7")
        host.link_to_bridge(carrier, "lan", "eth0", "100.72.0.7/16")
        _ip("-n", carrier.netns, "addr", "add", "100.72.0.1/16", "dev", "lan")
        _ip("-n", host.netns, "route", "add", "default", "via", "100.72.0.1")
        (host.etc / "resolv.conf").write_text("nameserver 100.72.0.1\n")
        watch = host.start("ping", "-n", "-i", "0.05", "100.72.0.1", log="uplink.log")
        alpha = Node(host, coordinator)
        alpha.up(key)
        beta = Node(lab.host_behind("beta", lab.router("rb", Nat.PORT_PRESERVING)), coordinator)
        beta.up(key)
        wait_until("they see each other", lambda: alpha.peer("beta"))
        alpha.wait_ping(beta.ip)
        wait_until("the guard stands", lambda: "peers4" in chain(host, "guard"))
        alpha.kill()
        alpha.start()
        alpha.wait_ping(beta.ip)

        # Three quarters of the range are said to be used here: whoever joins now gets none of it.
        neighbour_of(lab, host, "wan2", "100.64.0.1/11", "100.64.0.2/11")
        neighbour_of(lab, host, "wan3", "100.96.0.1/12", "100.96.0.2/12")
        time.sleep(1)
        for number in range(3):
            name = f"new{number}"
            node = Node(lab.public_host(name, f"{INTERNET}.{90 + number}"), coordinator)
            node.up(key)
            assert int(node.ip.split(".")[1]) >= 112, node.ip
        assert "100.64.0.0" not in alpha.cli("debug", "netmap").stdout, "it is nobody's business"
        alpha.cli("down")
        alpha.stop()
        assert "ayatori" not in rules_of(host)
        host.stop(watch, signal.SIGINT)
        sent, received = re.search(r"(\d+) packets transmitted, (\d+) received",
                                   watch.log_path.read_text()).groups()
        assert int(sent) - int(received) <= 1, f"{sent} sent, {received} came back"


# ---- 1.6

def test_a_strict_rp_filter_does_not_drop_answers_to_the_daemon():
    """The table of 1.6: a default route into the tunnel, and answers that arrive by the uplink."""
    with Lab() as lab:
        site = Site(lab)
        alpha, host = site.alpha, site.alpha.host
        target = site.beta.ip
        alpha.wait_ping(target)
        assert sysctl(host, "net.ipv4.conf.all.src_valid_mark") == "1"
        site.offer_exit()
        alpha.cli("set", f"--exit-node={target}")
        wait_until("a default route into the tunnel", lambda: "ayatori0" in host.run(
            "ip", "route", "get", f"{INTERNET}.80", check=False).stdout)
        host.sysctl("net.ipv4.conf.eth0.rp_filter", 1)
        assert alpha.ping(target, count=3) == 3, "UDP by port"
        host.run("conntrack", "-F")
        assert alpha.ping(target, count=3) == 3, "without what connection tracking remembers"
        host.nft("""
            table inet untracked {
              chain in { type filter hook prerouting priority raw; meta l4proto udp notrack; }
              chain out { type filter hook output priority raw; meta l4proto udp notrack; }
            }
        """)
        assert alpha.ping(target, count=3) == 3, "without connection tracking"
        host.nft("delete table inet untracked\n")

        host.sysctl("net.ipv4.conf.all.src_valid_mark", 0)
        wait_until("marks do not count: dropped", lambda: not alpha.ping(target, timeout=1))
        host.sysctl("net.ipv4.conf.all.src_valid_mark", 1)
        alpha.wait_ping(target)
        alpha.cli("set", "--netfilter-mode=off")
        wait_until("no marks: dropped", lambda: not alpha.ping(target, timeout=1))
        host.sysctl("net.ipv4.conf.eth0.rp_filter", 2)
        alpha.wait_ping(target)

        # Relays are reached by TCP, whose answers are known by connection.
        host.sysctl("net.ipv4.conf.eth0.rp_filter", 1)
        alpha.cli("set", "--netfilter-mode=on")
        lab.host("ra").set_nat(Nat.UDP_BLOCKED)
        wait_until("by the relay", lambda: alpha.ping(target, timeout=1), 30)


def router_advertisement(host, lifetime):
    """What a router says every few minutes, once."""
    def send():
        with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as s:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
            index = socket.if_nametoindex("eth0")
            prefix = struct.pack("!BBBBIII16s", 3, 4, 64, 0xC0, 3600, 3600, 0,
                                 socket.inet_pton(socket.AF_INET6, "fd00:d::"))
            s.sendto(struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, lifetime, 0, 0) + prefix,
                     ("ff02::1", 0, 0, index))
    host.thread(send).result()


def test_forwarding_goes_on_with_the_first_route_and_leaves_the_host_as_it_was():
    with Lab() as lab:
        site = Site(lab)
        beta, host = site.beta, site.beta.host
        gateway = neighbour_of(lab, host, "wan6", "10.6.0.1/24", "10.6.0.2/24")
        gateway.sysctl("net.ipv6.conf.all.forwarding", 1)

        def default_route():
            return host.run("ip", "-6", "route", "show", "default").stdout

        def advertised(lifetime):
            router_advertisement(gateway, lifetime)
            expires = re.search(r"expires (\d+)sec", default_route())
            return expires and lifetime - 60 < int(expires.group(1)) <= lifetime

        wait_until("a default route by advertisement", lambda: advertised(600), 10, every=0.3)
        assert sysctl(host, "net.ipv4.ip_forward") == "0"
        before = {name: sysctl(host, f"net.ipv6.conf.{name}") for name in
                  ("all.forwarding", "wan6.accept_ra", "eth0.accept_ra", "default.accept_ra")}
        site.offer(site.lan, "fd00:b::/64")
        wait_until("both families are forwarded", lambda: sysctl(host, "net.ipv4.ip_forward") == "1" and
                   sysctl(host, "net.ipv6.conf.all.forwarding") == "1")
        assert "default" in default_route(), "the host's own way out by IPv6 is gone"
        wait_until("advertisements are still heard", lambda: advertised(1200), 10, every=0.3)

        # A killed daemon remembers what was before; what somebody else set since stays.
        beta.kill()
        host.sysctl("net.ipv6.conf.eth0.accept_ra", 0)
        beta.start()
        reaches(site.alpha.host, site.nas.address)
        beta.cli("set", "--advertise-routes=")
        wait_until("forwarding is given back", lambda: sysctl(host, "net.ipv4.ip_forward") == "0" and
                   sysctl(host, "net.ipv6.conf.all.forwarding") == "0")
        before["eth0.accept_ra"] = "0"
        wait_until("as it was", lambda: before == {
            name: sysctl(host, f"net.ipv6.conf.{name}") for name in before})
        assert not (beta.state / "sysctl.before").exists()


# ---- 1.7

def syn_ack_mss(host, connect_to):
    """The largest segment that the other side is told it may be sent, as the tunnel delivers it."""
    def listen(ready):
        with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0003)) as s:
            s.bind(("ayatori0", 0))
            s.settimeout(5)
            ready.append(True)
            while True:
                packet = s.recv(2000)
                if packet[0] >> 4 != 4 or packet[9] != 6:
                    continue
                tcp = packet[(packet[0] & 15) * 4:]
                if tcp[13] & 0x12 == 0x12:
                    options = tcp[20:(tcp[12] >> 4) * 4]
                    while options:
                        if options[0] == 2:
                            return struct.unpack("!H", options[2:4])[0]
                        options = options[1:] if options[0] == 1 else options[options[1]:]

    def connect():
        with socket.create_connection((connect_to, PORT), timeout=5):
            pass

    ready = []
    heard = host.thread(listen, ready)
    wait_until("the tunnel is watched", lambda: ready or heard.done())
    host.thread(connect).result()
    return heard.result()


def connects(host, target):
    def work():
        with socket.create_connection((target, PORT), timeout=1):
            return True
    try:
        return host.thread(work).result()
    except OSError:
        return False


def accept_connections(host):
    def serve():
        with socket.create_server(("", PORT)) as server:
            while True:
                server.accept()[0].close()
    host.thread(serve)


def test_subnet_router_translates_filters_and_clamps():
    with Lab() as lab:
        site = Site(lab)
        alpha, beta, nas = site.alpha, site.beta, site.nas
        accept_connections(nas)
        _ip("-n", nas.netns, "route", "add", "100.64.0.0/10", "via", beta.host.address)
        site.offer(site.lan, "fd00:b::/64")
        whoami(alpha.host)
        own = alpha.ip
        for kind in KINDS:
            if kind != KINDS[0]:
                site.restart_beta(kind)
            reaches(alpha.host, nas.address)
            wait_until(f"{kind}: translated", lambda: seen_as(alpha.host, nas.address) == beta.host.address)
            wait_until(f"{kind}: IPv6 translated", lambda: seen_as(alpha.host, "fd00:b::2") == "fd00:b::3")
            assert syn_ack_mss(alpha.host, nas.address) <= 1240, f"{kind}: segments larger than the tunnel"

            # Site to site: no translation, and new flows in the other direction unless filtered.
            beta.cli("set", "--snat-subnet-routes=false")
            wait_until(f"{kind}: not translated", lambda: seen_as(alpha.host, nas.address) == own)
            wait_until(f"{kind}: from behind the router", lambda: seen_as(nas, own) == nas.address)
            beta.cli("set", "--stateful-filtering")
            wait_until(f"{kind}: only answers", lambda: seen_as(nas, own, timeout=0.3) is None)
            assert seen_as(alpha.host, nas.address) == own
            beta.host.run("conntrack", "-F")
            assert seen_as(alpha.host, nas.address) == own
            beta.cli("set", "--stateful-filtering=false", "--snat-subnet-routes")


def test_nodivert_leaves_the_hooks_to_the_administrator():
    with Lab() as lab:
        site = Site(lab)
        beta = site.beta
        site.offer(site.lan)
        reaches(site.alpha.host, site.nas.address)
        beta.cli("set", "--netfilter-mode=nodivert")
        wait_until("no hooks", lambda: "accept" in chain(beta.host, "transit") and
                   "hook" not in rules_of(beta.host))
        wait_until("not translated", lambda: not pings(site.alpha.host, site.nas.address))
        beta.host.nft("""
            table inet ayatori {
              chain mine { type nat hook postrouting priority srcnat; jump masq; }
            }
        """)
        reaches(site.alpha.host, site.nas.address)
        beta.cli("set", "--netfilter-mode=on")
        wait_until("hooks again", lambda: "hook postrouting" in chain(beta.host, "masq"))
        reaches(site.alpha.host, site.nas.address)


DOCKER = """*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER-USER - [0:0]
:DOCKER-FORWARD - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-FORWARD
-A DOCKER-USER -j RETURN
-A DOCKER-FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
COMMIT
"""
UFW = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:ufw-before-input - [0:0]
-A INPUT -j ufw-before-input
-A ufw-before-input -i lo -j ACCEPT
-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-input -p icmp -m icmp --icmp-type 8 -i eth0 -j ACCEPT
COMMIT
"""


def iptables(host, rules, *options):
    host.run("iptables-nft-restore", *options, input=rules)


def test_other_programs_rules_let_the_mesh_pass_and_are_given_back():
    with Lab() as lab:
        site = Site(lab)
        beta, host, alpha = site.beta, site.beta.host, site.alpha
        iptables(host, DOCKER)

        def foreign():
            return rules_of(host).split("table ip filter", 1)[1].split("\n}", 1)[0]

        untouched = foreign()
        site.offer(site.lan)
        reaches(alpha.host, site.nas.address)
        assert "ayatori" in host.run("iptables-nft", "-S", "DOCKER-USER").stdout

        # Docker starts anew and writes its chains again; an administrator flushes everything.
        iptables(host, DOCKER)
        reaches(alpha.host, site.nas.address)
        host.nft("flush ruleset\n")
        wait_until("our table comes back", lambda: "masquerade" in chain(host, "masq"))
        reaches(alpha.host, site.nas.address)
        iptables(host, DOCKER)
        reaches(alpha.host, site.nas.address)

        # ufw drops what comes in, too.
        iptables(host, UFW)
        wait_until("ufw lets peers in", lambda: alpha.ping(beta.ip, timeout=1), 15)
        reaches(alpha.host, site.nas.address)
        iptables(host, DOCKER)
        reaches(alpha.host, site.nas.address)

        # A killed daemon's rules go with the next one's end.
        beta.kill()
        assert "ayatori" in rules_of(host)
        beta.start()
        reaches(alpha.host, site.nas.address)
        beta.stop()
        assert foreign() == untouched
        assert "ayatori" not in rules_of(host)


def test_an_administrators_own_drop_is_told_with_the_command():
    with Lab() as lab:
        site = Site(lab)
        beta, host = site.beta, site.beta.host
        site.offer(site.lan)
        reaches(site.alpha.host, site.nas.address)
        host.nft("""
            table inet mine {
              chain through { type filter hook forward priority filter; policy drop; }
            }
        """)
        wait_until("it is told", lambda: "nft insert rule inet mine through" in health(beta))
        wait_until("nothing passes", lambda: not pings(site.alpha.host, site.nas.address))
        for command in re.findall(r"`(nft insert rule [^`]*)`", health(beta)):
            host.run(*command.split())
        reaches(site.alpha.host, site.nas.address)
        wait_until("nothing more to tell", lambda: "inet mine" not in health(beta))

        # firewalld refuses rules in its chains: it is told of the interface, or a person is.
        host.nft("add table inet firewalld\nadd chain inet firewalld filter_INPUT\n")
        wait_until("firewalld is told of", lambda: "`firewall-cmd --zone=trusted --add-interface=ayatori0`"
                   in health(beta))
        host.nft("delete table inet firewalld\n")
        wait_until("and is gone", lambda: "firewalld" not in health(beta))


# As OpenWrt's fw4 writes it whole at every reload, and as Docker writes it that speaks nftables itself.
FW4 = """
table inet fw4 {
  chain forward {
    type filter hook forward priority filter; policy drop;
    %s
    ct state vmap { established : accept, related : accept }
    jump handle_reject
  }
  chain handle_reject { reject with icmpx type port-unreachable; }
}
"""
DOCKER_BRIDGES = """
table ip docker-bridges {
  chain filter-FORWARD {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    oifname "docker0" accept
  }
}
"""


def test_a_router_whose_firewall_is_written_anew():
    """A foreign table is not ours to change: a person is told of the way in, which then outlives reloads."""
    with Lab() as lab:
        site = Site(lab)
        beta, host = site.beta, site.beta.host
        site.offer(site.lan)
        reaches(site.alpha.host, site.nas.address)

        def reload_fw4(included):
            host.nft("add table inet fw4\ndelete table inet fw4\n" + FW4 % included)

        reload_fw4("")
        wait_until("it is told", lambda: "`nft insert rule inet fw4 forward" in health(beta))
        wait_until("nothing passes", lambda: not pings(site.alpha.host, site.nas.address))
        # What a file below chain-pre/forward brings into every later version of the table.
        for _ in range(2):
            reload_fw4('iifname "ayatori0" accept\n oifname "ayatori0" accept\n')
            reaches(site.alpha.host, site.nas.address)
        wait_until("nothing more to tell", lambda: "fw4" not in health(beta))

        host.nft(DOCKER_BRIDGES)
        wait_until("it is told", lambda: "nft insert rule ip docker-bridges filter-FORWARD" in health(beta))
        for command in re.findall(r"`(nft insert rule [^`]*)`", health(beta)):
            host.run(*command.split())
        reaches(site.alpha.host, site.nas.address)
        wait_until("nothing more to tell", lambda: "docker-bridges" not in health(beta))


def test_firewalld_is_told_of_the_interface():
    """The real one: it refuses everybody's rules in its chains, and forgets at every reload what it was told
    for this run only."""
    require(FIREWALLD)
    with Lab() as lab:
        site = Site(lab)
        beta, host = site.beta, site.beta.host
        site.offer(site.lan)
        reaches(site.alpha.host, site.nas.address)
        beta.stop()
        enter(host, FIREWALLD)
        start_bus(host)
        start_firewalld(host)

        def zone():
            return host.run("firewall-cmd", "--get-zone-of-interface=ayatori0", check=False).stdout.strip()

        assert zone() == ""
        accept_connections(host)
        beta.start()
        wait_until("it is trusted", lambda: zone() == "trusted", 30)
        reaches(site.alpha.host, site.nas.address)
        wait_until("connections from peers", lambda: connects(site.alpha.host, beta.ip))
        assert "firewalld" not in health(beta)
        host.run("firewall-cmd", "--reload")
        wait_until("told again", lambda: zone() == "trusted", 30)
        reaches(site.alpha.host, site.nas.address)
        beta.stop()
        wait_until("taken back", lambda: zone() == "", 10)


def test_rules_of_iptables_legacy_are_joined():
    with Lab() as lab:
        site = Site(lab, kind="auto")
        beta, host = site.beta, site.beta.host
        beta.stop()
        host.run("iptables-legacy-restore", input=DOCKER)
        before = legacy_rules_of(host)
        beta.start()
        site.offer(site.lan)
        reaches(site.alpha.host, site.nas.address)
        assert "ayatori-transit" in legacy_rules_of(host)
        assert "ayatori" not in rules_of(host)
        beta.stop()
        after = legacy_rules_of(host)
        assert "ayatori" not in after
        assert before[before.index("*filter"):before.index("COMMIT", before.index("*filter"))] in after


def test_an_exit_node_serves_the_internet_and_not_its_own_network():
    if not stock("tailscaled"):
        raise Skip("no stock client")
    with Lab() as lab:
        site = Site(lab)
        web = lab.public_host("web", f"{INTERNET}.80")
        whoami(web)
        roamer = StockNode(lab.host_behind("roamer", lab.host("ra")), site.coordinator, trust="ca")
        roamer.up(site.key)
        site.offer_exit()
        wait_until("it is an option", lambda: (roamer.peer("beta") or {}).get("ExitNodeOption"))
        roamer.cli("set", "--exit-node=beta")
        wait_until("out by the exit", lambda: seen_as(roamer.host, web.address) == site.home.address, 15)
        assert not pings(roamer.host, site.nas.address), "the exit's own network is not on offer"
        site.offer(site.lan, "0.0.0.0/0", "::/0")
        roamer.cli("set", "--accept-routes")
        reaches(roamer.host, site.nas.address)


# ---- 1.9

def test_the_kill_switch_holds_without_the_daemon():
    with Lab() as lab:
        site = Site(lab)
        alpha, host = site.alpha, site.alpha.host
        web = lab.public_host("web", f"{INTERNET}.80")
        whoami(web)
        lan = neighbour_of(lab, host, "cafe", "10.7.0.1/24", "10.7.0.2/24")
        site.offer_exit()
        strict = ("set", f"--exit-node={site.beta.ip}", "--exit-node-fail-closed")
        for kind in KINDS:
            if kind != alpha.env.get("TS_DEBUG_FIREWALL_MODE"):
                alpha.stop()
                alpha.env["TS_DEBUG_FIREWALL_MODE"] = kind
                alpha.start()
            alpha.wait_ping(site.beta.ip)
            alpha.cli(*strict)
            wait_until(f"{kind}: by the exit", lambda: seen_as(host, web.address) == site.home.address, 15)
            wait_until(f"{kind}: armed", lambda: "ayatori_ks" in rules_of(host))
            assert not pings(host, lan.address), "no access to the local network"

            # Neither the daemon nor its routes are there any more: nothing leaves all the same.
            for end in (alpha.kill, alpha.stop):
                end()
                host.run("ip", "rule", "del", "pref", "5450", check=False)
                for _ in range(3):
                    assert seen_as(host, web.address, timeout=0.3) is None, f"{kind}: leaked without a daemon"
                assert not pings(host, lan.address)
                assert "ayatorid --cleanup --disarm" in alpha.cli("status", check=False).stderr
                alpha.start()
                wait_until(f"{kind}: connected again", lambda: seen_as(host, web.address), 20)

            alpha.cli("set", "--exit-node-allow-lan-access")
            wait_until(f"{kind}: the local network is open", lambda: pings(host, lan.address))
            alpha.cli("set", "--exit-node-allow-lan-access=false")
            wait_until(f"{kind}: and closed", lambda: not pings(host, lan.address))
            alpha.cli("set", "--exit-node-fail-closed=false", "--exit-node=")
            wait_until(f"{kind}: disarmed", lambda: "ayatori_ks" not in rules_of(host))
            wait_until(f"{kind}: on its own way", lambda: seen_as(host, web.address) == lab.host("ra").address)

        alpha.cli(*strict)
        wait_until("armed", lambda: "ayatori_ks" in rules_of(host))
        alpha.cli("down")
        wait_until("down is a decision", lambda: "ayatori_ks" not in rules_of(host))

        # What the README says, for a host without a daemon.
        alpha.stop()
        alpha.env["TS_DEBUG_FIREWALL_MODE"] = "nftables"
        alpha.start()
        alpha.cli("up")
        wait_until("armed", lambda: "ayatori_ks" in rules_of(host))
        alpha.kill()
        host.run("ip", "rule", "del", "pref", "5450", check=False)
        assert seen_as(host, web.address, timeout=0.3) is None
        host.run("nft", "delete", "table", "inet", "ayatori_ks")
        assert seen_as(host, web.address) == lab.host("ra").address
