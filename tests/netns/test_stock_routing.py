"""Unmodified Tailscale 1.102.5 as subnet router and exit node of ours, and as the one who uses ours."""

from lab import Lab, Nat, wait_until
from mesh import Coordinator, Node, StockNode
from test_stock_client import need_stock
from web_site import Site, visit


def carries(lab, router_is_stock):
    """A router with a printer behind it, and a laptop elsewhere; one of the two is stock."""
    need_stock()
    coordinator = Coordinator(lab)
    key = coordinator.add_key("--reusable")
    home, cafe = lab.router("home", Nat.PORT_PRESERVING), lab.router("cafe", Nat.PORT_PRESERVING)
    printer, laptop_box = lab.host_behind("printer", home), lab.host_behind("laptop", cafe)
    web = lab.far_host("web", 80)
    sites = [Site(web, "web"), Site(printer, "printer")]
    router = (StockNode if router_is_stock else Node)(home, coordinator)
    laptop = (Node if router_is_stock else StockNode)(laptop_box, coordinator)
    router.up(key, f"--advertise-routes={home.lan}.0/24", "--advertise-exit-node")
    laptop.up(key, "--accept-routes")
    if router_is_stock:
        router.settle()  # it drops its paths once, and with them what is under way
        home.sysctl("net.ipv6.conf.all.forwarding", 1)  # it leaves both to the administrator
    else:
        laptop.settle()

    assert visit(laptop_box, printer.address, timeout=2) == "", "nothing is approved yet"
    coordinator.cli("route", "approve", "home")
    wait_until("the printer", lambda: "printer greets" in visit(laptop_box, printer.address), 15)
    assert visit(laptop_box, web.address) == f"web greets {cafe.address}"

    coordinator.cli("route", "approve", "home", "--exit-node")
    wait_until("it may be chosen", lambda: laptop.peer("home")["ExitNodeOption"], 10)
    laptop.cli("set", "--exit-node=home")
    wait_until("the web sees the home", lambda: visit(laptop_box, web.address) == f"web greets {home.address}", 15)
    assert laptop.status()["ExitNodeStatus"]["Online"]
    assert visit(laptop_box, cafe.address, timeout=2) == "", "the café's LAN is closed"

    # The way to the internet is none into the home's own network.
    assert "printer greets" in visit(laptop_box, printer.address)
    coordinator.cli("route", "revoke", "home", f"{home.lan}.0/24")
    wait_until("the printer is closed", lambda: visit(laptop_box, printer.address, timeout=1) == "", 10)
    assert visit(laptop_box, web.address) == f"web greets {home.address}"

    laptop.cli("set", "--exit-node=")
    wait_until("and no more", lambda: visit(laptop_box, web.address) == f"web greets {cafe.address}", 10)
    for site in sites:
        site.close()


def test_ours_uses_a_stock_router_and_exit_node():
    with Lab() as lab:
        carries(lab, router_is_stock=True)


def test_stock_uses_our_router_and_exit_node():
    with Lab() as lab:
        carries(lab, router_is_stock=False)
