"""Smaller promises to the host (os-integration 1.1 to 1.8 and its pitfalls), one after the other: what the
interface looks like, whose programs are run, whose marks stay, which addresses are left to the host."""

import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import time

from lab import FAR, INTERNET, Lab, Nat, _ip, wait_until
from mesh import Coordinator, Node
from routed_site import neighbour_of, pings
from test_bad_input import daemon, refusal

TUN = "ayatori0"
SANDBOX = pathlib.Path(__file__).with_name("sandbox.py")


def health(node):
    return " ".join(node.status()["Health"] or [])


def addresses_of(host, link=TUN):
    listed = json.loads(host.run("ip", "-j", "addr", "show", "dev", link).stdout)[0]
    return {f"{entry['local']}/{entry['prefixlen']}": entry for entry in listed["addr_info"]}


def sysctl(host, name):
    return host.run("cat", f"/proc/sys/{name.replace('.', '/')}").stdout.strip()


def changes_noticed(node):
    return node.process.log_path.read_text().count("the network changed")


def test_the_interface_and_what_the_host_keeps():
    with Lab() as lab:
        coordinator = Coordinator(lab)
        key = coordinator.add_key("--reusable")
        host = lab.host_behind("alpha", lab.router("ra", Nat.PORT_PRESERVING))
        # Somebody puts programs called like those we run where a shell would look first.
        trap = host.dir / "trap"
        trap.mkdir()
        for name in ("nft", "iptables-save", "iptables-nft-save", "resolvectl", "busctl", "resolvconf",
                     "modprobe", "firewall-cmd"):
            (trap / name).write_text(f"#!/bin/sh\necho $0 >> {trap}/sprung\nexit 1\n")
            (trap / name).chmod(0o755)
        route_localnet = sysctl(host, "net.ipv4.conf.all.route_localnet")
        alpha = Node(host, coordinator, env={"PATH": f"{trap}:{os.environ['PATH']}"})
        beta = Node(lab.host_behind("beta", lab.router("rb", Nat.PORT_PRESERVING)), coordinator)
        for node in (alpha, beta):
            node.up(key)
        wait_until("they see each other", lambda: alpha.peer("beta") and beta.peer("alpha"))
        alpha.wait_ping(beta.ip)
        wait_until("the firewall stands", lambda: "ayatori" in host.run("nft", "list", "tables").stdout)
        assert not (trap / "sprung").exists(), (trap / "sprung").read_text()

        # Single addresses, which bring no route; nothing is said on the link that nobody asked for.
        own, own6 = (alpha.cli("ip", family).stdout.strip() for family in ("-4", "-6"))
        found = addresses_of(host)
        assert set(found) == {f"{own}/32", f"{own6}/128"}, found
        assert all(entry.get("noprefixroute") for entry in found.values()), found
        assert found[f"{own6}/128"].get("nodad"), found
        assert "100.100.100.100" not in host.run("ip", "addr").stdout, "the service is routed, not assigned"
        link = json.loads(host.run("ip", "-d", "-j", "link", "show", TUN).stdout)[0]
        assert (link["mtu"], link["inet6_addr_gen_mode"], link["txqlen"]) == (1280, "none", 500), link
        assert link["linkinfo"]["info_data"].get("persist") is not True, link
        assert sysctl(host, f"net.ipv4.conf.{TUN}.rp_filter") == "0"
        assert sysctl(host, "net.ipv4.conf.all.route_localnet") == route_localnet

        # A live edit of the address: never without one, and the family that stays is not touched.
        seen = host.start("ip", "monitor", "address", "dev", TUN, log="addresses.log")
        time.sleep(0.2)
        coordinator.cli("node", "ip", "alpha", "100.80.0.9")
        wait_until("the new address alone", lambda: set(addresses_of(host)) == {"100.80.0.9/32", f"{own6}/128"})
        host.stop(seen)
        lines = [line for line in seen.log_path.read_text().splitlines() if " inet" in line]
        assert "100.80.0.9" in lines[0] and "Deleted" not in lines[0], lines
        assert "Deleted" in lines[-1] and own in lines[-1] and not any(own6 in line for line in lines), lines

        # Marks of others on packets for us keep their bits, under every other mask.
        port = re.search(r"udp dport (\d+) accept",
                         host.run("nft", "list", "chain", "inet", "ayatori", "input").stdout).group(1)
        host.nft(f"""
            table inet others {{
              chain before {{ type filter hook prerouting priority -160; udp dport {port} meta mark set 0x4201; }}
              chain after {{
                type filter hook prerouting priority -140;
                udp dport {port} meta mark 0x00084201 counter name kept
                udp dport {port} meta mark != 0x00084201 counter name changed
              }}
              counter kept {{ }}
              counter changed {{ }}
            }}
        """)
        assert alpha.ping(beta.ip, count=3) == 3
        counted = {entry["counter"]["name"]: entry["counter"]["packets"] for entry in json.loads(host.run(
            "nft", "-j", "list", "counters", "table", "inet", "others").stdout)["nftables"] if "counter" in entry}
        assert counted["kept"] > 0 == counted["changed"], counted

        # What tells nothing new is no news: a lifetime renewed, a route of a group, a neighbour.
        before = changes_noticed(alpha)
        for _ in range(3):
            host.run("ip", "addr", "change", f"{host.address}/24", "dev", "eth0", "valid_lft", "3000",
                     "preferred_lft", "3000")
            host.run("ip", "route", "replace", "multicast", "239.9.9.0/24", "dev", "eth0", "table", "77")
        host.run("ip", "addr", "change", f"{host.address}/24", "dev", "eth0", "valid_lft", "forever",
                 "preferred_lft", "forever")
        time.sleep(0.7)
        assert changes_noticed(alpha) == before

        # The address of the mesh is the one of the uplink: it is left to the uplink, and IPv6 does.
        coordinator.cli("node", "ip", "alpha", "100.72.0.9")
        wait_until("moved", lambda: "100.72.0.9/32" in addresses_of(host))
        host.run("ip", "addr", "add", "100.72.0.9/24", "dev", "eth0")
        wait_until("withdrawn from the tunnel", lambda: set(addresses_of(host)) == {f"{own6}/128"})
        assert "100.72.0.9" in health(alpha), health(alpha)
        assert alpha.ping(beta.cli("ip", "-6").stdout.strip()) == 1
        assert alpha.ping(f"{host.address.rsplit('.', 1)[0]}.1") == 1, "the uplink"
        host.run("ip", "addr", "del", "100.72.0.9/24", "dev", "eth0")
        wait_until("taken up again", lambda: "100.72.0.9/32" in addresses_of(host))
        alpha.wait_ping(beta.ip)


def test_hosts_that_lack_something():
    with Lab() as lab:
        coordinator = Coordinator(lab)
        key = coordinator.add_key("--reusable")
        beta = Node(lab.public_host("beta", f"{INTERNET}.30"), coordinator)
        beta.up(key)

        # No IPv6 on new interfaces: nothing is wrong with the rest.
        host = lab.public_host("four", f"{INTERNET}.31")
        host.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
        four = Node(host, coordinator)
        four.up(key)
        wait_until("they see each other", lambda: four.peer("beta") and beta.peer("four"))
        four.wait_ping(beta.ip)
        assert set(addresses_of(host)) == {f"{four.ip}/32"}
        assert "IPv6" not in health(four) and "incomplete" not in four.process.log_path.read_text()

        # No device for tunnels, as in a container that was not given one.
        bare = lab.public_host("bare", f"{INTERNET}.32")
        words = ("--tun", "t0", "--statedir", bare.dir / "state", "--socket", bare.dir / "s.sock")
        said = refusal(daemon(bare, *words, prefix=(
            "unshare", "-m", "sh", "-c", 'mount -t tmpfs none /dev/net && exec "$@"', "sh")))
        assert "/dev/net/tun" in said, said

        # No netlink: a word about what to do. No word of changes, as in gVisor: it looks for itself.
        said = refusal(daemon(bare, *words, prefix=(SANDBOX, "all")))
        assert "AF_NETLINK" in said, said
        host = lab.public_host("deaf", f"{INTERNET}.33")
        deaf = Node(host, coordinator, prefix=(SANDBOX, "events"))
        deaf.up(key)
        deaf.wait_ping(beta.ip)
        assert "looked at every 10 s" in deaf.process.log_path.read_text()
        before = changes_noticed(deaf)
        host.run("ip", "addr", "add", f"{INTERNET}.34/24", "dev", "eth0")
        host.run("ip", "route", "flush", "table", "16729")
        wait_until("it has seen the address", lambda: changes_noticed(deaf) > before, 12)
        wait_until("its routes are back", lambda: deaf.ping(beta.ip, timeout=1), 12)


def test_a_laptop_that_slept_looks_around():
    """Lid closed in one network, opened ten minutes later: the same interface, but nothing that the daemon
    knows of the way out holds (1.8, sleep)."""
    with Lab() as lab:
        coordinator = Coordinator(lab, f"{FAR}.1")
        key = coordinator.add_key("--reusable")
        beta = Node(lab.host_behind("beta", lab.router("rb", Nat.PORT_PRESERVING)), coordinator)
        router = lab.router("ra", Nat.PORT_PRESERVING)
        host = lab.host_behind("alpha", router)
        shim, asleep = host.dir / "asleep.so", host.dir / "asleep"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, pathlib.Path(__file__).with_name("asleep.c"),
                        "-ldl"], check=True)
        asleep.write_text("0")
        alpha = Node(host, coordinator, env={"LD_PRELOAD": str(shim), "ASLEEP": str(asleep)})
        alpha.up(key)
        beta.up(key)
        wait_until("they see each other", lambda: alpha.peer("beta") and beta.peer("alpha"))
        alpha.wait_ping(beta.ip)
        before = changes_noticed(alpha)
        time.sleep(1)
        assert changes_noticed(alpha) == before

        alpha.process.send_signal(signal.SIGSTOP)
        asleep.write_text("600")
        router.run("conntrack", "-F", check=False)
        time.sleep(1)
        alpha.process.send_signal(signal.SIGCONT)
        wait_until("it knows that it slept", lambda: re.search(
            r"the network changed.*slept=true", alpha.process.log_path.read_text()), 20)
        wait_until("all is well", lambda: alpha.ping(beta.ip, timeout=1) and alpha.direct_to("beta"), 10)
        assert "slept" not in beta.process.log_path.read_text()


LEASES = {  # what the usual clients write down of servers .5, .6 and .7
    "/var/lib/dhcp/dhclient.wan.leases":
        'lease {\n  interface "wan";\n  option dhcp-server-identifier 100.72.0.5;\n}\n',
    "/var/lib/NetworkManager/internal-1b3-wan.lease": "ADDRESS=100.72.0.1\nSERVER_ADDRESS=100.72.0.6\n",
    "/run/systemd/netif/leases/4": "# private\nADDRESS=100.72.0.1\nSERVER_ADDRESS=100.72.0.7\n",
}


def test_dhcp_servers_within_the_range_stay_reachable():
    """Whoever gave the host its address is asked again when the lease ends: neither an exit node nor a
    peer with the same address may come between (1.5). Other machines there are not so special."""
    with Lab() as lab:
        coordinator = Coordinator(lab, f"{FAR}.1")
        key = coordinator.add_key("--reusable")
        exit_node = Node(lab.public_host("exit", f"{INTERNET}.20"), coordinator)
        exit_node.up(key, "--advertise-exit-node")
        coordinator.cli("route", "approve", "exit", "--exit-node")
        host = lab.host_behind("alpha", lab.router("ra", Nat.PORT_PRESERVING))
        carrier = neighbour_of(lab, host, "wan", "100.72.0.1/16", "100.72.0.5/16")
        for last in (6, 7, 8):
            _ip("-n", carrier.netns, "addr", "add", f"100.72.0.{last}/16", "dev", "eth0")
        lines = ["mount -t tmpfs none /var/lib", "mount -t tmpfs none /run"]
        for path, text in LEASES.items():
            lines += [f"mkdir -p {os.path.dirname(path)}", f"printf %s {shlex.quote(text)} >{path}"]
        alpha = Node(host, coordinator, prefix=(
            "unshare", "-m", "sh", "-ec", "\n".join(lines) + '\nexec "$@"', "sh"))
        alpha.up(key)
        wait_until("it sees the exit node", lambda: (alpha.peer("exit") or {}).get("ExitNodeOption"))
        assert pings(host, "100.72.0.8"), "without an exit node it is a neighbour like others"
        alpha.cli("set", "--exit-node=exit", "--exit-node-allow-lan-access=false")
        wait_until("the carrier's network is closed", lambda: not pings(host, "100.72.0.8"), 15)
        for last in (5, 6, 7):
            assert pings(host, f"100.72.0.{last}"), f"the server at .{last}"

        coordinator.cli("node", "ip", "exit", "100.72.0.6")
        wait_until("the collision is told", lambda: "100.72.0.6" in health(alpha))
        assert pings(host, "100.72.0.6"), "the server"
        _ip("-n", carrier.netns, "addr", "del", "100.72.0.6/16", "dev", "eth0")
        assert not pings(host, "100.72.0.6"), "it was the exit node that answered"


def test_the_uplink_is_the_best_default_route_there_is():
    """Two uplinks, of which now this, now that is preferred: paths follow the host's own choice."""
    with Lab() as lab:
        coordinator = Coordinator(lab, f"{FAR}.1")
        key = coordinator.add_key("--reusable")
        one, two = (lab.router(name, Nat.PORT_PRESERVING) for name in ("ra", "rb"))
        host = lab.host_behind("alpha", one)
        two.hosts_behind += 1
        host.link_to_bridge(two, "lan", "eth1", f"{two.lan}.2/24")
        _ip("-n", host.netns, "route", "add", "default", "via", f"{two.lan}.1", "metric", "100")
        alpha, beta = Node(host, coordinator), Node(lab.public_host("beta", f"{INTERNET}.30"), coordinator)
        for node in (alpha, beta):
            node.up(key)
        wait_until("they see each other", lambda: alpha.peer("beta") and beta.peer("alpha"))

        def leaves_by(router):
            """What STUN says of us, the server's stream, and packets to a peer."""
            at = alpha.status()["Self"]["Addrs"] or []
            return any(one.startswith(f"{router.address}:") for one in at) and not health(alpha) and (
                alpha.ping(beta.ip, timeout=1) == 1)

        wait_until("by the first", lambda: leaves_by(one), 20)
        host.run("ip", "route", "replace", "default", "via", f"{two.lan}.1", "dev", "eth1")
        wait_until("by the second", lambda: leaves_by(two), 20)
        assert not leaves_by(one)
        host.run("ip", "link", "set", "eth1", "down")
        host.run("ip", "route", "add", "default", "via", f"{one.lan}.1")
        wait_until("by the first again", lambda: leaves_by(one), 20)
