"""A node behind a router that gives every destination another port, and opens one on request: Debian's
miniupnpd on the router, spoken to by NAT-PMP, PCP and UPnP each."""

import json
import re
import shutil

from lab import INTERNET, Lab, Nat, wait_until
from mesh import Coordinator, Node
from verdict import Skip

# miniupnpd maps on no address that is reserved, as those of the laboratory's internet are.
PUBLIC = "5.45.96"

CHAINS = """
    insert rule ip filter forward ct status dnat accept
    table inet filter {
      chain miniupnpd {}
      chain prerouting_miniupnpd {}
      chain postrouting_miniupnpd {}
      chain prerouting { type nat hook prerouting priority -100; jump prerouting_miniupnpd; }
      chain forward { type filter hook forward priority 1; jump miniupnpd; }
    }
"""
# The version is the first byte of a request: 0 is NAT-PMP, 2 is PCP.
WITHOUT_NAT_PMP = """
    insert rule ip filter in iifname "lan" udp dport 5351 @th,64,8 0 drop
"""


class VerboseNode(Node):
    def start(self, *options, wait=True):
        super().start("--verbose", "1", *options, wait=wait)

    def mapping(self):
        """How the last port mapping was got, and where it is: ("PCP", "192.0.2.1:4000") or None."""
        text = self.process.log_path.read_text(errors="replace")
        found = re.findall(r"port mapping by=(\S+) external=(\S+)", text)
        return found[-1] if found else None

    def netcheck(self):
        return json.loads(self.cli("netcheck", "--format", "json").stdout)


def public_address(router, number):
    router.run("ip", "addr", "add", f"{PUBLIC}.{number}/24", "dev", "wan")
    return f"{PUBLIC}.{number}"


def open_on_request(router, address, upnp, natpmp, rules=""):
    daemon = shutil.which("miniupnpd", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if daemon is None:
        raise Skip("miniupnpd is not installed (packaging/setup test)")
    router.nft(CHAINS + rules)
    say = {True: "yes", False: "no"}
    config = router.dir / "miniupnpd.conf"
    config.write_text(f"""
ext_ifname=wan
ext_ip={address}
listening_ip=lan
http_port=5000
ipv6_disable=yes
enable_upnp={say[upnp]}
enable_natpmp={say[natpmp]}
secure_mode=yes
uuid=00000000-0000-4000-8000-000000000000
allow 1024-65535 0.0.0.0/0 1024-65535
""")
    router.start(daemon, "-d", "-f", config, "-P", router.dir / "miniupnpd.pid", log="miniupnpd.txt")


def open_ports(router):
    return router.run("nft", "list", "chain", "inet", "filter", "prerouting_miniupnpd").stdout.count("dnat")


def reached_by_mapping(how, **router_speaks):
    with Lab() as lab:
        coordinator = Coordinator(lab)
        key = coordinator.add_key("--reusable")
        near, far = lab.router("ra", Nat.PER_DESTINATION), lab.router("rb", Nat.PER_DESTINATION)
        address = public_address(near, 10)
        public_address(far, 11)
        open_on_request(near, address, **router_speaks)
        alpha = VerboseNode(lab.host_behind("alpha", near), coordinator)
        beta = VerboseNode(lab.host_behind("beta", far), coordinator)
        for node in (alpha, beta):
            node.up(key)
        wait_until("the router opens a port", alpha.mapping, 5)
        by, external = alpha.mapping()
        assert by == how and external.startswith(address + ":"), (by, external)
        assert open_ports(near) == 1
        assert not beta.mapping()

        wait_until("they see each other", lambda: alpha.peer("beta") and beta.peer("alpha"))
        assert beta.ping("alpha", count=3) == 3
        wait_until("beta goes by the mapping", lambda: beta.direct_to("alpha") == external, 10)
        assert external in alpha.status()["Self"]["Addrs"]
        assert alpha.ping("beta", count=3) == 3
        report = alpha.netcheck()
        assert report[{"NAT-PMP": "PMP", "PCP": "PCP", "UPnP": "UPnP"}[how]] is True, report
        report = beta.netcheck()
        assert (report["UPnP"], report["PMP"], report["PCP"]) == (False, False, False), report

        assert alpha.stop() == 0
        wait_until("the port is closed again", lambda: open_ports(near) == 0, 3)


def test_nat_pmp_opens_a_port():
    reached_by_mapping("NAT-PMP", upnp=False, natpmp=True)


def test_pcp_opens_a_port():
    reached_by_mapping("PCP", upnp=False, natpmp=True, rules=WITHOUT_NAT_PMP)


def test_upnp_opens_a_port():
    reached_by_mapping("UPnP", upnp=True, natpmp=False)


def test_upnp_opens_a_port_for_a_strict_user_of_an_exit_node():
    """The router is a neighbour, and all that goes to neighbours is to go by the exit node instead: but for
    what the daemon itself asks the router."""
    with Lab() as lab:
        coordinator = Coordinator(lab)
        key = coordinator.add_key("--reusable")
        router = lab.router("ra", Nat.PER_DESTINATION)
        address = public_address(router, 10)
        exit_node = Node(lab.public_host("exit", f"{INTERNET}.40"), coordinator)
        exit_node.up(key, "--advertise-exit-node")
        coordinator.cli("route", "approve", "exit", "--exit-node")
        alpha = VerboseNode(lab.host_behind("alpha", router), coordinator)
        alpha.up(key)
        wait_until("there is an exit node", lambda: (alpha.peer("exit") or {}).get("ExitNodeOption"))
        alpha.cli("set", "--exit-node=exit", "--exit-node-fail-closed")
        wait_until("the router is not reached", lambda: not alpha.ping(f"{router.lan}.1", timeout=1))
        open_on_request(router, address, upnp=True, natpmp=False)
        alpha.cli("debug", "rebind")
        wait_until("the router opens a port", lambda: alpha.netcheck() and alpha.mapping(), 20)
        by, external = alpha.mapping()
        assert by == "UPnP" and external.startswith(address + ":"), (by, external)


def test_no_port_is_opened_where_that_is_switched_off():
    with Lab() as lab:
        coordinator = Coordinator(lab)
        router = lab.router("ra", Nat.PER_DESTINATION)
        open_on_request(router, public_address(router, 10), upnp=True, natpmp=True)
        alpha = VerboseNode(lab.host_behind("alpha", router), coordinator)
        alpha.stop()
        alpha.start("--no-portmap")
        alpha.up(coordinator.add_key())
        report = alpha.netcheck()
        assert (report["UPnP"], report["PMP"], report["PCP"]) == (None, None, None), report
        assert not alpha.mapping() and open_ports(router) == 0
