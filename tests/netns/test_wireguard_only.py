"""Plain WireGuard devices as peers: a router of one's own that speaks nothing else, and the server of a
company that sells exits. Both are Debian's wireguard-go, steered by the stock `wg` and `wg-quick`."""

import json
import shutil

from lab import FAR, INTERNET, Lab, Nat, wait_until
from mesh import Coordinator, Node, StockNode
from test_dns import DnsServer, dig
from test_stock_client import need_stock
from verdict import Skip
from web_site import Site, visit

PORT = 51820


def need_wireguard_go():
    for name in ("wireguard-go", "wg", "wg-quick"):
        if shutil.which(name) is None:
            raise Skip(f"{name} is not installed")


class Gate:
    """A machine on the internet with one WireGuard interface, that leads what comes in by it on."""

    def __init__(self, lab, name, address):
        self.host = lab.public_host(name, address)
        self.interface = f"wg{name}{lab.prefix[2:-1]}"[:15]
        self.private = self.host.run("wg", "genkey").stdout.strip()
        self.public = self.host.run("wg", "pubkey", input=self.private).stdout.strip()
        self.process = self.host.start("wireguard-go", "-f", self.interface, log="wg.log")
        wait_until("the UAPI socket", lambda: self.host.run("wg", "show", self.interface))
        self.host.sysctl("net.ipv4.ip_forward", 1)
        self.host.nft("""
            table ip nat {
              chain post { type nat hook postrouting priority 100; oifname "eth0" masquerade; }
            }
        """)

    def configure(self, text):
        """A wg-quick file, as a person would put it on the device."""
        path = self.host.dir / f"{self.interface}.conf"
        path.write_text(text)
        stripped = self.host.dir / "stripped"
        stripped.write_text(self.host.run("wg-quick", "strip", path).stdout)
        self.host.run("wg", "setconf", self.interface, stripped)
        self.host.run("ip", "link", "set", self.interface, "up")
        for line in text.splitlines():
            name, _, values = line.partition(" = ")
            if name == "Address":
                for address in filter(lambda one: "." in one, values.split(", ")):
                    self.host.run("ip", "addr", "replace", address, "dev", self.interface)
        for line in self.host.run("wg", "show", self.interface, "allowed-ips").stdout.splitlines():
            for prefix in filter(lambda one: "." in one, line.split("\t")[1].split()):
                self.host.run("ip", "route", "replace", prefix, "dev", self.interface)

    def latest_handshakes(self):
        lines = self.host.run("wg", "show", self.interface, "latest-handshakes").stdout.splitlines()
        return {line.split("\t")[0]: int(line.split("\t")[1]) for line in lines}


def two_roamers(lab, coordinator):
    """One of ours and one stock, each behind a NAT of its own."""
    key = coordinator.add_key("--reusable")
    cafe, hotel = lab.router("cafe", Nat.PORT_PRESERVING), lab.router("hotel", Nat.PER_DESTINATION)
    ours = Node(lab.host_behind("laptop", cafe), coordinator)
    theirs = StockNode(lab.host_behind("phone", hotel), coordinator)
    for node in (ours, theirs):
        node.up(key)
    theirs.settle()
    return {ours: cafe, theirs: hotel}


def uses_as_exit(node, name, web, seen):
    node.cli("set", f"--exit-node={name}")
    wait_until(f"the web sees {seen}", lambda: visit(node.host, web.address) == f"web greets {seen}", 20)


def test_a_router_of_ones_own():
    need_stock()
    need_wireguard_go()
    with Lab() as lab:
        coordinator = Coordinator(lab, f"{FAR}.1")
        roamers = two_roamers(lab, coordinator)
        web = lab.far_host("web", 80)
        gate = Gate(lab, "gate", f"{INTERNET}.40")
        sites = [Site(web, "web"), Site(gate.host, "gate")]
        made = coordinator.json("wg", "add", "gate", "--key", gate.public, "--endpoint",
                                f"{gate.host.address}:{PORT}", "--exit-node")
        address = made["addresses"][0]
        assert "plain WireGuard" in coordinator.cli("node", "ls")
        text = coordinator.cli("wg", "conf", "gate") + "\n"
        gate.configure(text.replace("[Interface]\n", f"[Interface]\nPrivateKey = {gate.private}\n"))

        for node, router in roamers.items():
            wait_until("it is there", lambda: node.peer("gate"), 10)
            assert node.peer("gate")["Online"] and address in node.peer("gate")["TailscaleIPs"]
            # By address, by name, and back again.
            wait_until("by address", lambda: visit(node.host, address) == f"gate greets {node.ip}", 20)
            status, answers, _ = dig(node.host, "gate.default.ayatori.internal")
            assert answers == [address], (status, answers)
            assert visit(node.host, "gate.default.ayatori.internal") == f"gate greets {node.ip}"
            assert gate.host.run("ping", "-n", "-c1", "-W2", node.ip, check=False).returncode == 0
            assert node.peer("gate")["CurAddr"] in (f"{gate.host.address}:{PORT}", "")
            # As exit node.
            assert visit(node.host, web.address) == f"web greets {router.address}"
            assert node.peer("gate")["ExitNodeOption"]
            uses_as_exit(node, "gate", web, gate.host.address)
        assert all(gate.latest_handshakes().values())
        ours = next(iter(roamers))
        assert ours.peer("gate")["CurAddr"] == f"{gate.host.address}:{PORT}"
        assert "gate" in ours.cli("status").stdout
        pong = ours.cli("ping", "-c", "1", "gate").stdout
        assert f"pong from gate ({address}) via {gate.host.address}:{PORT}" in pong, pong

        # Moved to another port: told live, and followed.
        gate.host.run("wg", "set", gate.interface, "listen-port", PORT + 1)
        coordinator.cli("wg", "set", "gate", "--endpoint", f"{gate.host.address}:{PORT + 1}")
        for node in roamers:
            wait_until("at the other port", lambda: visit(node.host, address).startswith("gate greets"), 20)

        # Taken away: at once, and the exit node with it.
        for node in roamers:
            node.cli("set", "--exit-node=")
        coordinator.cli("wg", "rm", "gate")
        for node in roamers:
            wait_until("it is gone", lambda: node.peer("gate") is None, 5)
            assert visit(node.host, address, timeout=2) == ""
        assert coordinator.json("wg", "ls") == []
        for site in sites:
            site.close()


def test_a_companys_exit():
    need_stock()
    need_wireguard_go()
    with Lab() as lab:
        coordinator = Coordinator(lab, f"{FAR}.1")
        roamers = two_roamers(lab, coordinator)
        tablet = Node(lab.public_host("tablet", f"{INTERNET}.30"), coordinator)
        tablet.up(coordinator.add_key())
        web = lab.far_host("web", 80)
        vpn = Gate(lab, "vpn", f"{INTERNET}.50")
        sites = [Site(web, "web"), Site(vpn.host, "vpn")]
        # What the company does when a customer enters a key: it gives it an address.
        keys = {node: coordinator.cli("wg", "key", node.name) for node in roamers}
        given = {node: f"10.66.3.{2 + number}" for number, node in enumerate(roamers)}
        vpn.configure("\n".join(
            [f"[Interface]\nPrivateKey = {vpn.private}\nListenPort = {PORT}\nAddress = 10.64.0.1/24"] +
            [f"[Peer]\nPublicKey = {keys[node]}\nAllowedIPs = {given[node]}/32" for node in roamers]) + "\n")
        names = DnsServer(vpn.host, "--address=/outside.test/192.0.2.77")
        ours, stock = roamers

        # Its file is for a key of its own: refused, until the user says that the node's was entered.
        file = coordinator.host.dir / "company.conf"
        file.write_text(f"[Interface]\nPrivateKey = {coordinator.host.run('wg', 'genkey').stdout.strip()}\n"
                        f"Address = {given[ours]}/32\nDNS = 10.64.0.1\n[Peer]\nPublicKey = {vpn.public}\n"
                        f"AllowedIPs = 0.0.0.0/0, ::/0\nEndpoint = {vpn.host.address}:{PORT}\n")
        refused = coordinator.host.run(coordinator.bin, "--dir", coordinator.dir, "wg", "import", "vpn", file,
                                       "--node", ours.name, check=False)
        assert refused.returncode == 1 and keys[ours] in refused.stderr, refused.stderr
        coordinator.cli("wg", "import", "vpn", file, "--node", ours.name, "--registered")
        wait_until("who was entered sees it", lambda: ours.peer("vpn"), 10)
        assert stock.peer("vpn") is None
        coordinator.cli("wg", "set", "vpn", "--node", f"{stock.name}={given[stock]}")
        wait_until("and the other", lambda: stock.peer("vpn"), 10)
        assert tablet.peer("vpn") is None

        for node, router in roamers.items():
            uses_as_exit(node, "vpn", web, vpn.host.address)
            # The server knows the node by the address it gave, and the node's own names still work.
            assert visit(node.host, "10.64.0.1") == f"vpn greets {given[node]}"
            wait_until("its name server", lambda: dig(node.host, "outside.test")[1] == ["192.0.2.77"], 20)
            assert f" outside.test from {given[node]}" in names.log.read_text(), names.log.read_text()
            assert dig(node.host, "tablet.default.ayatori.internal")[1] == [tablet.ip]
            assert node.peer("vpn")["ExitNode"] and node.peer("vpn")["Online"], node.status()
            node.cli("set", "--exit-node=")
            wait_until("and home again", lambda: visit(node.host, web.address) == f"web greets {router.address}", 15)

        # A company takes an address away, and one is logged in anew: live, and only who is concerned.
        coordinator.cli("wg", "set", "vpn", "--node", f"{stock.name}=none")
        wait_until("not that one any more", lambda: stock.peer("vpn") is None, 5)
        assert ours.peer("vpn")
        shown = json.loads(coordinator.cli("wg", "show", "vpn", "--json"))
        assert [one["name"].split(".")[0] for one in shown["clients"]] == [ours.name]
        coordinator.cli("wg", "rm", "vpn")
        wait_until("gone", lambda: ours.peer("vpn") is None, 5)
        for site in sites:
            site.close()


def test_the_nearest_of_several_endpoints_is_taken():
    need_wireguard_go()
    with Lab() as lab:
        coordinator = Coordinator(lab, f"{FAR}.1")
        laptop = Node(lab.public_host("laptop", f"{INTERNET}.30"), coordinator)
        laptop.up(coordinator.add_key())
        gate = Gate(lab, "gate", f"{INTERNET}.40")
        site = Site(gate.host, "gate")
        # The first two lead nowhere; only the third answers a ping, and it is the device.
        gate_address = coordinator.json(
            "wg", "add", "gate", "--key", gate.public, "--endpoint",
            f"{INTERNET}.98:{PORT},{INTERNET}.99:{PORT},{gate.host.address}:{PORT}")["addresses"][0]
        text = coordinator.cli("wg", "conf", "gate") + "\n"
        # It does not know where the laptop is, so the laptop has to find it.
        gate.configure("\n".join(
            line for line in text.replace("[Interface]\n", f"[Interface]\nPrivateKey = {gate.private}\n").splitlines()
            if not line.startswith("Endpoint")) + "\n")
        wait_until("it is there", lambda: laptop.peer("gate"), 10)
        wait_until("found", lambda: visit(laptop.host, gate_address, timeout=8).startswith("gate greets"), 20)
        assert laptop.direct_to("gate") == f"{gate.host.address}:{PORT}"
        site.close()
