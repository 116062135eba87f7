"""Two networks on one server, of stock and own nodes, as their people use them: from the first login
in a browser to the key that ran out. What a step did is read from the clients' own mouths."""

import time

from browser import browse, need_browser
from callers import seen_as, serve_callers
from lab import FAR, INTERNET, Lab, Nat, wait_until
from mesh import Coordinator, Node, StockNode
from test_exit_node import WEB, Load
from test_login_pages import Waiting, add_device, sign_in_first
from test_stock_client import need_stock

BEHIND_BOX = "10.77.0.0/24"
ON_BOX = "10.77.0.1"


class Networks:
    """Alice's network with a laptop, a tower (both stock) and a box (ours); Dora's with a guest (ours)."""

    def __init__(self, lab):
        self.coordinator = Coordinator(lab, f"{FAR}.1")  # beyond the exit nodes' own network
        serve_callers(lab.far_host("web", 80))
        self.desk = lab.public_host("desk", f"{INTERNET}.9")
        self.home = lab.router("home", Nat.PORT_PRESERVING)
        self.laptop = StockNode(lab.host_behind("laptop", self.home), self.coordinator)
        self.tower = StockNode(lab.public_host("tower", f"{INTERNET}.5"), self.coordinator)
        self.box = Node(lab.public_host("box", f"{INTERNET}.6"), self.coordinator)
        away = lab.router("away", Nat.PORT_PRESERVING)
        self.guest = Node(lab.host_behind("guest", away), self.coordinator)
        self.alices = (self.laptop, self.tower, self.box)
        for name in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
            self.tower.host.sysctl(name, 1)  # stock leaves that to the administrator
        self.box.host.run("ip", "addr", "add", f"{ON_BOX}/24", "dev", "lo")

    def ask(self, *words):
        return self.coordinator.cli(*words)

    def ask_lab(self, *words):
        return self.coordinator.cli("--account", "lab", *words)


def state(node):
    return node.status()["BackendState"]


def reaches(node, target):
    """The client's own ping, through the tunnel."""
    return "pong from" in node.cli("ping", "-c", "1", "--timeout", "1s", target, check=False).stdout


def wait_reach(node, target, timeout=15):
    wait_until(f"{node.name} reaches {target}", lambda: reaches(node, target) and node.ping(target, timeout=1),
               timeout)


def people_let_their_devices_in(net):
    net.ask("settings", "set", "devicesApprovalOn", "true")
    net.ask("user", "add", "alice")
    net.ask("account", "add", "lab", "--owner", "dora")
    links = [ask("user", "link", who).split()[0] for ask, who in ((net.ask, "alice"), (net.ask_lab, "dora"))]
    waiting = {node: Waiting(node, *options) for node, options in (
        (net.laptop, ["--accept-routes"]), (net.tower, ["--advertise-exit-node"]),
        (net.box, ["--advertise-exit-node", f"--advertise-routes={BEHIND_BOX}"]), (net.guest, []))}
    urls = {node: one.url for node, one in waiting.items()}

    def visit(browser):
        sign_in_first(browser, links[0])
        said = [add_device(browser, urls[node], node.name)[1] for node in net.alices]
        browser.open(net.coordinator.url + "/account")
        browser.fill("/logout")
        sign_in_first(browser, links[1])
        return said, add_device(browser, urls[net.guest], "guest", "dora")

    said, (title, text) = browse(net.desk, visit)
    assert all("still has to approve" in one for one in said), said
    assert title == "The device is in" and "approve" not in text, text
    waiting[net.guest].finish()

    for node in net.alices:
        wait_until(f"{node.name} knows that it waits", lambda: state(node) == "NeedsMachineAuth", 10)
        assert waiting[node].process.poll() is None, "and so does its `up`"
        net.ask("node", "approve", node.name)
    for node in net.alices:
        waiting[node].finish()
        assert state(node) == "Running"
    for node, other in ((net.laptop, net.box), (net.box, net.laptop), (net.laptop, net.tower)):
        wait_reach(node, other.name)
        assert "alice" in node.cli("whois", other.ip).stdout
    assert all(node.peer("guest") is None for node in net.alices) and not net.guest.status()["Peer"]


def addresses_are_edited_swapped_and_restored(net):
    laptop, box, guest = net.laptop, net.box, net.guest

    def at(of_laptop, of_box):
        wait_until("both have them", lambda: (laptop.ip, box.ip) == (of_laptop, of_box), 5)
        for node, other, address in ((laptop, box, of_box), (box, laptop, of_laptop)):
            wait_reach(node, address, 5)
            assert node.peer(other.name)["TailscaleIPs"][0] == address
            assert other.name in node.cli("whois", address).stdout

    net.ask("node", "ip", "laptop", "100.80.0.1")
    net.ask("node", "ip", "box", "100.80.0.2")
    net.ask_lab("node", "ip", "guest", "100.80.0.2")  # another network: taken there by nobody
    wait_until("so has the guest", lambda: guest.ip == "100.80.0.2", 5)
    at("100.80.0.1", "100.80.0.2")
    net.ask("node", "ip", "laptop", "--swap", "box")
    at("100.80.0.2", "100.80.0.1")
    net.ask("node", "ip", "box", "--undo")
    at("100.80.0.1", "100.80.0.2")


def a_machine_is_shared_and_taken_back(net):
    guest, tower = net.guest, net.tower
    link = net.ask("share", "add", "tower", "-q")
    net.ask_lab("share", "accept", link)
    seen = wait_until("the guest sees it", lambda: guest.peer("tower"), 5)
    wait_until("it sees the guest", lambda: tower.peer("guest"), 5)
    address = seen["TailscaleIPs"][0]
    wait_reach(guest, address)
    assert "alice" in guest.cli("whois", address).stdout
    assert "dora" in tower.cli("whois", tower.peer("guest")["TailscaleIPs"][0]).stdout
    assert tower.ping(tower.peer("guest")["TailscaleIPs"][0], timeout=1) == 0, "only one way"
    assert guest.peer("box") is None and net.box.peer("guest") is None
    net.ask("share", "rm", net.coordinator.json("share", "ls")["out"][0]["id"])
    wait_until("strangers again", lambda: guest.peer("tower") is None and tower.peer("guest") is None, 5)
    assert guest.ping(address, timeout=1) == 0


def a_route_is_approved(net):
    laptop = net.laptop
    assert laptop.ping(ON_BOX, timeout=1) == 0
    net.ask("route", "approve", "box")
    wait_until("it has the route", lambda: laptop.peer("box").get("PrimaryRoutes") == [BEHIND_BOX], 5)
    laptop.wait_ping(ON_BOX)
    net.ask("route", "revoke", "box", BEHIND_BOX)
    wait_until("and no more", lambda: not laptop.peer("box").get("PrimaryRoutes"), 5)
    assert laptop.ping(ON_BOX, timeout=1) == 0


def exit_nodes_are_switched_and_one_dies(net):
    laptop, home = net.laptop, net.home.address
    exits = {node.host.address: node for node in (net.box, net.tower)}
    assert seen_as(laptop.host, WEB) == home
    for address, node in exits.items():
        net.ask("route", "approve", node.name, "--exit-node")
        wait_until("it may be chosen", lambda: laptop.peer(node.name)["ExitNodeOption"], 5)
        laptop.cli("set", f"--exit-node={node.name}")
        wait_until(f"the web sees {node.name}", lambda: seen_as(laptop.host, WEB) == address, 10)
        assert laptop.status()["ExitNodeStatus"]["Online"]

    laptop.cli("set", "--exit-node=auto:any")
    active = wait_until("it chose one", lambda: exits.get(seen_as(laptop.host, WEB)), 10)
    load = Load(laptop.host)
    active.kill()
    killed = time.monotonic()
    try:
        answered = wait_until("the other carries new connections", lambda: load.first_answer_by_another(
            {active.host.address}, killed), 25)
    finally:
        load.stop()
    print(f"            new connections {answered - killed:.1f} s after the end of {active.name}")
    assert answered - killed <= 15
    other = next(node for node in exits.values() if node is not active)
    assert laptop.status()["ExitNodeStatus"]["ID"] == laptop.peer(other.name)["ID"]
    active.start()
    laptop.cli("set", "--exit-node=")
    wait_until("the web sees home again", lambda: seen_as(laptop.host, WEB) == home, 10)
    wait_until("it is back", lambda: state(active) == "Running" and laptop.peer(active.name)["Online"], 20)


def the_policy_changes(net):
    laptop, box, tower = net.laptop, net.box, net.tower
    token = net.coordinator.token()

    def policy(*acls):
        status, answer = net.coordinator.rest(net.desk, "POST", "/api/v2/tailnet/-/acl", {"acls": [
            {"action": "accept", "src": [source], "dst": [target]} for source, target in acls]}, token)
        assert status == 200, answer

    policy((laptop.ip, f"{box.ip}:*"))
    wait_until("the tower is out of sight", lambda: laptop.peer("tower") is None, 5)
    wait_until("and alone", lambda: not tower.status()["Peer"], 5)
    wait_reach(laptop, box.ip, 5)
    wait_until("the box may not begin", lambda: box.ping(laptop.ip, timeout=1) == 0, 5)
    policy(("*", "*:*"))
    wait_until("all is open again", lambda: laptop.peer("tower") and tower.peer("box"), 5)
    wait_reach(box, laptop.ip, 5)
    wait_reach(laptop, tower.ip, 5)


def a_key_runs_out(net):
    laptop, box = net.laptop, net.box
    before = laptop.ip
    net.ask("node", "expire", "laptop")
    wait_until("it wants a login", lambda: state(laptop) == "NeedsLogin", 10)
    wait_until("the others know", lambda: box.ping(before, timeout=1) == 0, 10)
    again = Waiting(laptop, "--accept-routes")
    title, text = browse(net.desk, add_device, again.url, "laptop")
    assert title == "The device is in" and "approve" not in text, text
    again.finish()
    assert state(laptop) == "Running" and laptop.ip == before
    wait_reach(laptop, box.ip)
    wait_reach(box, before)


def a_file_is_sent(net):
    wait_until("it may be sent to", lambda: "tower" in net.laptop.cli("file", "cp", "--targets").stdout, 15)
    letter = net.laptop.host.dir / "letter.bin"
    letter.write_bytes(bytes(range(256)) * 1024)
    net.laptop.cli("file", "cp", letter, "tower:")
    inbox = net.tower.host.dir / "inbox"
    inbox.mkdir()
    net.tower.cli("file", "get", "--wait", inbox)
    assert (inbox / "letter.bin").read_bytes() == letter.read_bytes()


def test_a_day_in_two_networks():
    need_browser()
    need_stock()
    with Lab() as lab:
        net = Networks(lab)
        for step in (people_let_their_devices_in, addresses_are_edited_swapped_and_restored,
                     a_machine_is_shared_and_taken_back, a_route_is_approved,
                     exit_nodes_are_switched_and_one_dies, the_policy_changes, a_key_runs_out, a_file_is_sent):
            began = time.monotonic()
            step(net)
            print(f"            {step.__name__}: {time.monotonic() - began:.1f} s", flush=True)
