"""What a node does to its host's packet filter and sysctls (os-integration 1.5 to 1.7, the kill switch of
1.9). Real nftables and real iptables throughout; test_foreign_firewalls.py has those of other programs."""

import re
import signal
import socket
import struct
import time

from lab import Host, INTERNET, Lab, Nat, _ip, stock, wait_until
from mesh import Coordinator, Node, StockNode
from routed_site import (
    PORT, Site, accept_connections, arrives, chain, neighbour_of, pings, reaches, rules_of, seen_as,
    sysctl, whoami)
from verdict import Skip

KINDS = ("nftables", "iptables")


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
