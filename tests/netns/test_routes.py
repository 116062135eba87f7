"""What a node does to its host's routing (os-integration 1.2, 1.3, 1.5, 1.8): `ip route get` for every
case, and traffic where it counts. Routers and exit nodes are real nodes with real machines behind."""

import contextlib
import json
import os
import signal
import subprocess

from callers import seen_as, serve_callers
from lab import FAR, Host, INTERNET, Lab, Nat, _ip, wait_until
from mesh import Coordinator, Node, StockNode
from test_stock_client import need_stock

TABLE, PROTOCOL = "16729", "121"
MARK = "0x80000"
WEB = f"{FAR}.80"
WEB6, EXIT6 = "2001:db8:f::80", "2001:db8:e::20"
UNREACHABLE = "unreachable"


def way_to(host, address, *words):
    """The interface by which a packet to this address would leave."""
    done = host.run("ip", "-j", "route", "get", address, *words, check=False)
    if done.returncode != 0:
        assert "unreachable" in done.stderr or "No route to host" in done.stderr, done.stderr
        return UNREACHABLE
    return json.loads(done.stdout)[0]["dev"]


def goes(host, address, *words, by):
    wait_until(f"{host.name}: {address} {' '.join(words)} goes by {by}",
               lambda: way_to(host, address, *words) == by, 10)


def rules(host, family):
    listed = json.loads(host.run("ip", family, "-j", "-N", "rule", "show").stdout)
    return {rule["priority"]: rule for rule in listed if str(rule.get("protocol")) == PROTOCOL}


def table(host, family="-4"):
    done = host.run("ip", family, "-j", "-N", "route", "show", "table", TABLE, check=False)
    return {route["dst"]: route for route in json.loads(done.stdout or "[]")}


def health(node):
    return " ".join(node.status()["Health"] or [])


def second_network(lab, host, name, address_with_length):
    """One more link of a host, and a machine at its other end."""
    neighbour = Host(lab, f"{host.name}-{name}", None)
    _ip("link", "add", name, "netns", host.netns, "type", "veth", "peer", "name", "eth0", "netns",
        neighbour.netns)
    _ip("-n", host.netns, "addr", "add", address_with_length, "dev", name)
    for netns, link in ((host.netns, name), (neighbour.netns, "eth0")):
        _ip("-n", netns, "link", "set", link, "up")
    return neighbour


def pair(lab):
    coordinator = Coordinator(lab)
    key = coordinator.add_key("--reusable")
    alpha = Node(lab.host_behind("alpha", lab.router("ra", Nat.PORT_PRESERVING)), coordinator)
    beta = Node(lab.host_behind("beta", lab.router("rb", Nat.PORT_PRESERVING)), coordinator)
    for node in (alpha, beta):
        node.up(key)
    wait_until("they see each other", lambda: alpha.peer("beta") and beta.peer("alpha"))
    return coordinator, alpha, beta


def test_rules_and_routes_stand_and_come_back():
    with Lab() as lab:
        _, alpha, beta = pair(lab)
        host, peer = alpha.host, beta.ip
        goes(host, peer, by="ayatori0")
        for family in ("-4", "-6"):
            ours = rules(host, family)
            assert list(ours) == [5410, 5420, 5430, 5450], ours
            assert all(ours[p]["fwmark"] == MARK and ours[p]["fwmask"] == "0xff0000"
                       for p in (5410, 5420, 5430)), ours
            assert str(ours[5450]["table"]) == TABLE and ours[5430]["action"] in ("7", "unreachable"), ours
            assert table(host, family), f"no routes: {family}"
        route = table(host)[peer]
        assert (route["dev"], route["prefsrc"], str(route["protocol"])) == ("ayatori0", alpha.ip, PROTOCOL)
        assert all("/" not in dst for dst in table(host)), "only single addresses of peers are routed"
        goes(host, "100.100.100.100", by="ayatori0")

        # The daemon's own packets keep to the uplink, or fail; they never fall into the tunnel.
        goes(host, WEB, by="eth0")
        goes(host, peer, "mark", MARK, by="eth0")
        host.run("ip", "route", "del", "default")
        goes(host, WEB, "mark", MARK, by=UNREACHABLE)
        host.run("ip", "route", "add", "default", "via", host.address.rsplit(".", 1)[0] + ".1")

        # What others take away comes back, in both families; the third time a person is told.
        for family, what in (("-4", ("rule", "del", "pref", "5450")), ("-6", ("rule", "del", "pref", "5410")),
                             ("-4", ("route", "flush", "table", TABLE))):
            standing = rules(host, family), table(host, family)
            host.run("ip", family, *what)
            wait_until(f"back after ip {family} {' '.join(what)}",
                       lambda: (rules(host, family), table(host, family)) == standing)
        wait_until("the fight is told", lambda: "Another program keeps deleting" in health(alpha))
        assert alpha.ping(peer) == 1

        # Routes go when the link goes down, without a word; they are back with it.
        host.run("ip", "link", "set", "ayatori0", "down")
        wait_until("no routes", lambda: peer not in table(host))
        host.run("ip", "link", "set", "ayatori0", "up")
        wait_until("routes again", lambda: table(host) == standing[1], 15)
        assert alpha.ping(peer) == 1

        # On a host with so much to tell that some of it is lost, a loss is found all the same.
        alpha.process.send_signal(signal.SIGSTOP)
        host.run("ip", "-batch", "-", input="\n".join(
            f"route add 10.{i // 250}.{i % 250}.0/24 dev eth0 table 99" for i in range(20000)))
        host.run("ip", "rule", "del", "pref", "5450")
        assert any(int(line.split()[8]) for line in host.run("cat", "/proc/net/netlink").stdout.splitlines()[1:])
        alpha.process.send_signal(signal.SIGCONT)
        wait_until("the rule is back", lambda: 5450 in rules(host, "-4"))
        host.run("ip", "route", "flush", "table", "99")
        assert alpha.ping(peer) == 1

        # A multi-WAN router's rules must not be asked before ours.
        host.run("ip", "rule", "add", "pref", "2001", "fwmark", "0x100/0x3f00", "lookup", "100")
        wait_until("our rules move", lambda: list(rules(host, "-4")) == [1310, 1320, 1330, 1350], 20)
        assert list(rules(host, "-6")) == [1310, 1320, 1330, 1350]

        # A killed daemon leaves its rules; the next one does not double them, and `down` ends them.
        alpha.kill()
        host.run("ip", "route", "add", "throw", "10.9.0.0/16", "table", TABLE, "proto", PROTOCOL)
        alpha.start("--fwmark=0x100/0x300")
        alpha.wait_ping(peer)
        assert list(rules(host, "-4")) == [1310, 1320, 1330, 1350]
        assert all((rules(host, family)[p]["fwmark"], rules(host, family)[p]["fwmask"]) == ("0x100", "0x300")
                   for family in ("-4", "-6") for p in (1310, 1320, 1330))
        goes(host, peer, "mark", "0x100", by="eth0")
        goes(host, peer, "mark", MARK, by="ayatori0")
        assert "10.9.0.0/16" not in table(host), "a leftover of the killed daemon"
        alpha.stop()
        assert not rules(host, "-4") and not rules(host, "-6") and not table(host)


def test_others_in_100_64_keep_their_addresses():
    with Lab() as lab:
        coordinator, alpha, beta = pair(lab)
        host = alpha.host
        coordinator.cli("node", "ip", "beta", "100.90.0.77")
        wait_until("beta has its address", lambda: alpha.peer("beta")["TailscaleIPs"][0] == "100.90.0.77")
        # A carrier's network, one of whose addresses a peer has.
        carrier = second_network(lab, host, "wan", "100.90.0.5/20")
        for address in ("100.90.0.1/20", "100.90.0.77/20"):
            _ip("-n", carrier.netns, "addr", "add", address, "dev", "eth0")
        goes(host, "100.90.0.1", by="wan")
        goes(host, "100.90.0.77", by="ayatori0")
        assert alpha.ping("100.90.0.1") == 1, "a neighbour in the carrier's network"
        assert alpha.ping("100.90.0.77") == 1, "the peer"

        def conflicts():
            return [c["Prefix"] for c in alpha.status()["HostRouting"]["Conflicts"]]
        wait_until("the overlap is told", lambda: conflicts() == ["100.90.0.77/32"])

        # The carrier's gateway is worth more than a peer: without it nothing works.
        host.run("ip", "route", "replace", "default", "via", "100.90.0.77", "dev", "wan")
        goes(host, "100.90.0.77", by="wan")
        assert alpha.ping("100.90.0.77") == 1, "the gateway"
        assert "IPv6" in health(alpha), health(alpha)
        v6 = alpha.peer("beta")["TailscaleIPs"][1]
        goes(host, v6, by="ayatori0")
        host.run("ip", "route", "replace", "default", "via", host.address.rsplit(".", 1)[0] + ".1")
        goes(host, "100.90.0.77", by="ayatori0")

        # Another overlay answers at the service address: it keeps it, and the host its resolver.
        resolver = host.etc / "resolv.conf"
        assert "100.100.100.100" in resolver.read_text()
        host.run("ip", "route", "add", "100.100.100.100", "dev", "wan", "table", "52")
        wait_until("ours is withdrawn", lambda: "100.100.100.100" not in table(host))
        wait_until("the resolver is given back", lambda: "100.100.100.100" not in resolver.read_text())
        assert "another program" in health(alpha)
        host.run("ip", "route", "flush", "table", "52")
        goes(host, "100.100.100.100", by="ayatori0")
        wait_until("the resolver is ours again", lambda: "100.100.100.100" in resolver.read_text())


def test_container_links_come_and_go_unnoticed():
    with Lab() as lab:
        _, alpha, beta = pair(lab)
        alpha.wait_ping(beta.ip)
        wait_until("direct", lambda: alpha.direct_to("beta"), 10)
        before = alpha.process.log_path.read_text().count("the network changed")
        stream = alpha.host.start("ping", "-i", "0.1", "-c", "30", beta.ip, log="stream.log")
        script = "\n".join(
            f"link add veth{i} type veth peer name cali{i}\n"
            f"addr add 10.{i}.0.1/24 dev veth{i}\nlink set veth{i} up\nlink set cali{i} up"
            for i in range(1, 40))
        alpha.host.run("ip", "-batch", "-", input=script)
        alpha.host.run("ip", "-batch", "-", input="\n".join(f"link del veth{i}" for i in range(1, 40)))
        stream.wait(30)
        assert "30 received" in stream.log_path.read_text(), stream.log_path.read_text()
        assert alpha.process.log_path.read_text().count("the network changed") == before


def internet_with_ipv6(lab, roamer, router):
    """Gives the internet and the roamer's network IPv6, so that there is something to leak."""
    for host, device, address in (
            (lab.internet, "inet", "2001:db8:e::fe"), (lab.internet, "far", "2001:db8:f::fe"),
            (lab.host("web"), "eth0", WEB6), (lab.host("exit"), "eth0", EXIT6),
            (router, "wan", "2001:db8:e::10"), (router, "lan", "2001:db8:a::1"),
            (roamer, "eth0", "2001:db8:a::5")):
        _ip("-n", host.netns, "addr", "add", f"{address}/64", "dev", device, "nodad")
    for host in (lab.internet, router):
        host.sysctl("net.ipv6.conf.all.forwarding", 1)
    for host, network, via in (
            (lab.internet, "2001:db8:a::/64", "2001:db8:e::10"), (lab.host("web"), "default", "2001:db8:f::fe"),
            (lab.host("exit"), "default", "2001:db8:e::fe"), (router, "default", "2001:db8:e::fe"),
            (roamer, "default", "2001:db8:a::1")):
        _ip("-n", host.netns, "-6", "route", "add", network, "via", via)


def test_exit_node_carries_all_and_nothing_leaks():
    with Lab() as lab:
        coordinator = Coordinator(lab)
        key = coordinator.add_key("--reusable")
        web, exit_host = lab.far_host("web", 80), lab.public_host("exit", f"{INTERNET}.20")
        router = lab.router("ra", Nat.PORT_PRESERVING)
        host = lab.host_behind("roamer", router)
        lan = router.lan
        internet_with_ipv6(lab, host, router)
        serve_callers(web)
        exit_node, roamer = Node(exit_host, coordinator), Node(host, coordinator)
        exit_node.up(key, "--advertise-exit-node")
        roamer.up(key)
        wait_until("they see each other", lambda: roamer.peer("exit"))
        assert not roamer.peer("exit")["ExitNodeOption"]
        coordinator.cli("route", "approve", "exit", "--exit-node")
        wait_until("it may be chosen", lambda: roamer.peer("exit")["ExitNodeOption"])
        ours, ours6 = router.address, "2001:db8:a::5"
        wait_until("the Internet, without a detour",
                   lambda: (seen_as(host, WEB), seen_as(host, WEB6)) == (ours, ours6))
        assert "ExitNodeStatus" not in roamer.status()

        # Everything that leaves the roamer for the Internet is counted, except the daemon's own.
        host.nft(f"""
            table inet leak {{
              chain out {{
                type filter hook output priority 0;
                oifname "eth0" meta mark and 0xff0000 != {MARK} ip daddr {WEB} counter
                oifname "eth0" meta mark and 0xff0000 != {MARK} ip6 daddr {WEB6} counter
              }}
            }}
        """)

        def leaked():
            return sum(int(line.split("packets ")[1].split()[0])
                       for line in host.run("nft", "list", "table", "inet", "leak").stdout.splitlines()
                       if "packets" in line)

        roamer.cli("set", "--exit-node=exit")
        goes(host, WEB, by="ayatori0")
        goes(host, WEB6, by="ayatori0")
        goes(host, WEB, "mark", MARK, by="eth0")
        goes(host, WEB6, "mark", MARK, by="eth0")
        wait_until("IPv4 comes out at the exit node", lambda: seen_as(host, WEB) == exit_host.address)
        assert seen_as(host, WEB6) == EXIT6
        assert roamer.status()["ExitNodeStatus"]["Online"] and roamer.peer("exit")["ExitNode"]
        assert roamer.status()["HostRouting"]["ExitNode"] == "in use"

        # It leads out, not into the networks it sits in itself.
        neighbour = lab.public_host("neighbour", f"{INTERNET}.30")
        serve_callers(neighbour)
        goes(host, neighbour.address, by="ayatori0")
        assert seen_as(host, neighbour.address) is None
        exit_node.cli("set", f"--advertise-routes={INTERNET}.0/24")
        wait_until("the offer is known",
                   lambda: [coordinator.cli("route", "approve", "exit", f"{INTERNET}.0/24")])
        wait_until("unless that is offered as well", lambda: seen_as(host, neighbour.address))
        exit_node.cli("set", "--advertise-routes=")
        wait_until("and no longer", lambda: seen_as(host, neighbour.address) is None)

        # Routes that a DHCP server pushes do not open a way around it.
        for family, route, via in (("-4", "0.0.0.0/1", f"{lan}.1"), ("-4", "128.0.0.0/1", f"{lan}.1"),
                                   ("-4", "192.0.0.0/2", f"{lan}.1"), ("-6", "2000::/3", "2001:db8:a::1")):
            host.run("ip", family, "route", "add", route, "via", via, "dev", "eth0")
        goes(host, WEB, by="ayatori0")
        goes(host, WEB6, by="ayatori0")
        wait_until("it comes out at the exit node", lambda: seen_as(host, WEB) == exit_host.address)

        # The network one sits in: through the tunnel, unless it is allowed.
        assert way_to(host, f"{lan}.1") == "ayatori0" and roamer.ping(f"{lan}.1", timeout=1) == 0
        roamer.cli("set", "--exit-node-allow-lan-access")
        goes(host, f"{lan}.1", by="eth0")
        goes(host, "2001:db8:a::1", by="eth0")
        for group in ("239.255.255.250", "255.255.255.255"):
            assert way_to(host, group) == "eth0", group
        assert roamer.ping(f"{lan}.1") == 1
        goes(host, WEB, by="ayatori0")
        kept = {entry["Prefix"]: entry["Interface"] for entry in roamer.status()["HostRouting"]["KeptLocal"]}
        assert kept[f"{lan}.0/24"] == "eth0", kept
        # A network that claims a part of the world as its own does not get it.
        second_network(lab, host, "evil", "192.5.5.5/4")
        wait_until("it is told", lambda: "too large" in str(roamer.status()["HostRouting"]["Conflicts"]))
        assert way_to(host, WEB) == "ayatori0"
        host.run("ip", "link", "del", "evil")
        roamer.cli("set", "--exit-node-allow-lan-access=false")
        goes(host, f"{lan}.1", by="ayatori0")

        # The interface loses its IPv6: what it does not carry goes nowhere.
        host.sysctl("net.ipv6.conf.ayatori0.disable_ipv6", 1)
        goes(host, WEB6, by=UNREACHABLE)
        host.sysctl("net.ipv6.conf.ayatori0.disable_ipv6", 0)
        goes(host, WEB6, by="ayatori0")

        # The exit node stops being one: nothing falls back to the uplink.
        coordinator.cli("route", "revoke", "exit", "--exit-node")
        goes(host, WEB, by=UNREACHABLE)
        goes(host, WEB6, by=UNREACHABLE)
        assert seen_as(host, WEB) is None and seen_as(host, WEB6) is None
        assert "exit node cannot be used" in health(roamer)
        assert roamer.ping(exit_node.ip) == 1, "peers are reached all the same"
        coordinator.cli("route", "approve", "exit", "--exit-node")
        goes(host, WEB, by="ayatori0")
        wait_until("it comes out at the exit node", lambda: seen_as(host, WEB) == exit_host.address)
        assert leaked() == 0

        # Killed, it fails open, and the next daemon closes again; without an exit node all is as before.
        roamer.kill()
        assert seen_as(host, WEB) == ours
        roamer.start()
        wait_until("through the exit node again", lambda: seen_as(host, WEB) == exit_host.address)
        roamer.cli("set", "--exit-node=")
        goes(host, WEB, by="eth0")
        assert seen_as(host, WEB) == ours


def test_accepted_subnets_and_the_network_one_sits_in():
    with Lab() as lab:
        coordinator = Coordinator(lab)
        key = coordinator.add_key("--reusable")
        office = lab.router("office", Nat.PORT_PRESERVING)
        nas, subnet = lab.host_behind("nas", office), f"{office.lan}.0/24"
        roamer_host = lab.host_behind("roamer", lab.router("ra", Nat.PORT_PRESERVING))
        # Two routers of one network: the office's own, and a spare machine in it.
        spare_host = lab.host_behind("spare", office)
        nodes = gateway, spare, roamer = [Node(one, coordinator) for one in (office, spare_host, roamer_host)]
        for node in (gateway, spare):
            node.up(key, f"--advertise-routes={subnet}")
        roamer.up(key)
        wait_until("all see each other", lambda: all(len(n.status()["Peer"] or {}) == 2 for n in nodes))
        coordinator.cli("route", "approve", "office", subnet)

        # Whoever does not accept routes has none, and the machine is not reached.
        wait_until("the offer is known", lambda: subnet in (roamer.peer("office")["PrimaryRoutes"] or []))
        assert way_to(roamer_host, nas.address) == "eth0"
        roamer.cli("set", "--accept-routes")
        goes(roamer_host, nas.address, by="ayatori0")
        assert roamer_host.run("ip", "-j", "route", "get", nas.address).stdout.find(roamer.ip) > 0, "prefsrc"
        wait_until("the machine is reached", lambda: roamer.ping(nas.address, timeout=1), 10)

        # A second router for the same network takes over when the first is gone.
        coordinator.cli("route", "approve", "spare", subnet)
        gateway.cli("down")
        wait_until("the spare one carries it", lambda: roamer.ping(nas.address, timeout=1), 20)
        gateway.cli("up")

        # A router of the network itself sits in it: what it offers stays local.
        spare.cli("set", "--accept-routes")
        assert way_to(spare_host, nas.address) == "eth0" and spare.ping(nas.address) == 1

        # The roamer comes into the office: the local way, at once, and back when it leaves.
        roamer_host.link_to_bridge(office, "lan", "eth1", f"{office.lan}.99/24")
        wait_until("it takes the local way", lambda: way_to(roamer_host, nas.address) == "eth1", 2)
        assert roamer.ping(nas.address) == 1
        routing = roamer.status()["HostRouting"]
        assert [entry["Prefix"] for entry in routing["KeptLocal"]] == [subnet], routing
        assert "in which this host sits" in routing["Conflicts"][0]["Text"], routing
        roamer_host.run("ip", "link", "del", "eth1")
        wait_until("it takes the tunnel again", lambda: way_to(roamer_host, nas.address) == "ayatori0", 2)
        wait_until("the machine is reached", lambda: roamer.ping(nas.address, timeout=1), 10)


# What a kernel without CONFIG_IP_MULTIPLE_TABLES says of rules, it says of every type it does not know.
NO_RULES = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
ssize_t send(int fd, const void* data, size_t size, int flags) {
  ssize_t (*real)(int, const void*, size_t, int) = dlsym(RTLD_NEXT, "send");
  int domain = 0;
  socklen_t length = sizeof domain;
  struct nlmsghdr* header = (struct nlmsghdr*)data;
  if (size >= sizeof *header && getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 &&
      domain == AF_NETLINK && header->nlmsg_type >= RTM_NEWRULE && header->nlmsg_type <= RTM_GETRULE)
    header->nlmsg_type = 0x7f0;
  return real(fd, data, size, flags);
}
"""


@contextlib.contextmanager
def kernel_without_policy_routing(folder):
    library = folder / "no_rules.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", library, "-ldl"], input=NO_RULES, text=True,
                   check=True)
    added = {"LD_PRELOAD": str(library), "ASAN_OPTIONS": "verify_asan_link_order=0"}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


def test_kernel_without_policy_routing_uses_the_main_table():
    with Lab() as lab:
        coordinator, alpha, beta = pair(lab)
        host = alpha.host
        lan = host.address.rsplit(".", 1)[0]
        beta.cli("set", f"--advertise-routes={lan}.0/24,10.77.0.0/24", "--advertise-exit-node")
        wait_until("the offers are known", lambda: "10.77.0.0/24" in coordinator.cli("node", "show", "beta"))
        coordinator.cli("route", "approve", "beta")
        coordinator.cli("route", "approve", "beta", "--exit-node")
        alpha.stop()
        with kernel_without_policy_routing(lab.dir):
            alpha.start()
        alpha.wait_ping(beta.ip)
        assert not rules(host, "-4") and not table(host)
        alpha.cli("set", "--accept-routes")
        goes(host, "10.77.0.1", by="ayatori0")
        goes(host, f"{lan}.1", by="eth0")
        wait_until("it may be chosen", lambda: alpha.peer("beta")["ExitNodeOption"])
        for words in (("set", "--exit-node=beta"), ("set-exit-node", "beta"), ("set-exit-node", "auto")):
            refused = alpha.cli(*words, check=False)
            assert refused.returncode == 1 and "no policy routing" in refused.stderr, refused
        assert alpha.cli("get", "exit-node").stdout.strip() == ""
        assert way_to(host, WEB) == "eth0"

        # Chosen when there was another kernel: it is told, and nothing is led into the tunnel.
        alpha.stop()
        alpha.start()
        alpha.wait_ping(beta.ip)
        alpha.cli("set", "--exit-node=beta")
        alpha.stop()
        with kernel_without_policy_routing(lab.dir):
            alpha.start()
        wait_until("it is told", lambda: "no policy routing" in health(alpha))
        assert way_to(host, WEB) == "eth0"
        alpha.wait_ping(beta.ip)
        alpha.cli("set", "--exit-node=")
        assert "no policy routing" not in health(alpha)
        alpha.stop()
        assert "ayatori0" not in host.run("ip", "route", "show").stdout


def test_stock_overlay_on_the_same_host():
    need_stock()
    with Lab() as lab:
        here, there = Coordinator(lab), Coordinator(lab, f"{INTERNET}.2", name="other")
        host = lab.host_behind("both", lab.router("ra", Nat.PORT_PRESERVING))
        far = lab.router("rb", Nat.PORT_PRESERVING)
        theirs = StockNode(host, there, name="theirs", folder="stock")
        # It drops what comes from 100.64.0.0/10 by another interface than its own, unless told not to.
        theirs.up(there.add_key(), "--netfilter-mode=off")
        ours = Node(host, here, name="ours")
        ours.up(here.add_key())
        beta, gamma = Node(lab.host_behind("beta", far), here), Node(lab.host_behind("gamma", far), there)
        beta.up(here.add_key())
        gamma.up(there.add_key())
        for node, peer in ((ours, beta), (theirs, gamma)):
            wait_until(f"{node.name} sees {peer.name}", lambda: node.peer(peer.name))
            wait_until(f"{node.name} pings {peer.name}", lambda: node.ping(peer.ip, timeout=1), 20)
            wait_until("direct", lambda: node.ping(peer.ip) and node.direct_to(peer.name), 20)
        assert way_to(host, "100.100.100.100") == "tailscale0"
        assert "100.100.100.100" not in table(host)
        assert "tailscale0" in health(ours), health(ours)
        # Neither wraps what the other sends.
        goes(host, WEB, "mark", MARK, by="eth0")
        ours.stop()
        assert theirs.ping(gamma.ip) == 1
