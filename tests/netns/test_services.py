"""Services: a name with addresses of its own, which unmodified Tailscale 1.102.5 answers for and
everybody reaches."""

from lab import INTERNET, Lab, Nat, wait_until
from mesh import Coordinator, Node, StockNode
from test_stock_client import need_stock
from web_site import Site, visit


def hosts_of(coordinator):
    """By name: what `service show` says of each."""
    shown = coordinator.json("service", "show", "web")
    return {host["ayatori"]["name"].split(".")[0]: host for host in shown["hosts"]}


def serve(node):
    """It has a web page, and offers it as the service."""
    site = Site(node.host, node.name)
    node.cli("serve", "--service=svc:web", "--tcp=80", "tcp://127.0.0.1:80")
    return site


def reads(client, where, host):
    wait_until(f"{client.name} reads {host} at {where}",
               lambda: f"{host} greets" in visit(client.host, where, timeout=2), 20)


def test_a_service_moves_between_stock_hosts():
    need_stock()
    with Lab() as lab:
        coordinator = Coordinator(lab)
        key = coordinator.add_key("--reusable")
        tagged = coordinator.add_key("--reusable", "--tag", "web")
        one, two = [StockNode(lab.public_host(name, f"{INTERNET}.{last}"), coordinator)
                    for name, last in (("one", 21), ("two", 22))]
        stock = StockNode(lab.host_behind("stock", lab.router("ra", Nat.PORT_PRESERVING)), coordinator)
        ours = Node(lab.host_behind("ours", lab.router("rb", Nat.PORT_PRESERVING)), coordinator)
        for node in (one, two):
            node.up(tagged)
        for node in (stock, ours):
            node.up(key)
        v4, v6 = coordinator.json("service", "add", "web", "--port", "80")["addrs"]

        sites = [serve(one)]
        wait_until("the server knows of it", lambda: "one" in hosts_of(coordinator), 15)
        assert visit(stock.host, v4, timeout=2) == "", "nobody has approved it"
        coordinator.cli("service", "approve", "web", "one")
        for client in (stock, ours):
            for where in (v4, f"[{v6}]", "web"):
                reads(client, where, "one")
        assert v4 in stock.cli("service", "list").stdout

        sites.append(serve(two))
        wait_until("the server knows of both", lambda: "two" in hosts_of(coordinator), 15)
        coordinator.cli("service", "approve", "web", "two")
        assert "one greets" in visit(stock.host, v4), "nothing moves without need"
        one.kill()
        wait_until("the other one takes over",
                   lambda: hosts_of(coordinator)["two"]["ayatori"]["inUse"], 60)
        for client in (stock, ours):
            reads(client, "web", "two")

        coordinator.cli("service", "set", "web", "--address", "100.90.0.9")
        for client in (stock, ours):
            reads(client, "100.90.0.9", "two")
            reads(client, "web", "two")
            assert visit(client.host, v4, timeout=2) == "", "it has moved away"

        coordinator.cli("service", "rm", "web")
        for client in (stock, ours):
            wait_until("it is gone", lambda: visit(client.host, "100.90.0.9", timeout=1) == "", 15)
            wait_until("and its name", lambda: visit(client.host, "web", timeout=1) == "", 15)
        for site in sites:
            site.close()


def test_a_service_is_for_those_whom_the_policy_lets_in():
    need_stock()
    with Lab() as lab:
        coordinator = Coordinator(lab)
        policy = lab.dir / "policy.json"
        policy.write_text("""{
            "tagOwners": {"tag:web": [], "tag:staff": []},
            "autoApprovers": {"services": {"svc:web": ["tag:web"]}},
            "grants": [{"src": ["tag:staff"], "dst": ["svc:web"], "ip": ["tcp:80"]}],
            "tests": [{"src": "tag:staff", "accept": ["svc:web:80"], "deny": ["tag:web:80"]}],
        }""")
        coordinator.cli("policy", "set", policy)
        v4 = coordinator.json("service", "add", "web", "--port", "80")["addrs"][0]
        host = StockNode(lab.public_host("host", f"{INTERNET}.21"), coordinator)
        staff = Node(lab.public_host("staff", f"{INTERNET}.22"), coordinator)
        guest = Node(lab.public_host("guest", f"{INTERNET}.23"), coordinator)
        host.up(coordinator.add_key("--tag", "web"))
        staff.up(coordinator.add_key("--tag", "staff"))
        guest.up(coordinator.add_key())
        site = serve(host)
        reads(staff, v4, "host")
        reads(staff, "web", "host")
        assert visit(staff.host, host.ip, timeout=2) == "", "the machine itself is closed"
        assert visit(guest.host, v4, timeout=2) == ""
        assert visit(guest.host, "web", timeout=2) == ""
        assert guest.peer("host") is None

        coordinator.kill()
        assert "host greets" in visit(staff.host, v4), "it is not needed for that"
        coordinator.start()
        wait_until("all are back", lambda: hosts_of(coordinator)["host"]["ayatori"]["online"], 30)
        reads(staff, "web", "host")
        assert hosts_of(coordinator)["host"]["approvalLevel"] == "approved:auto"
        site.close()
