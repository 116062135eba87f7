"""A home as people have it, seen by the person who lives there and is abroad with a laptop.

At home: a router that runs the node itself and offers its network and the way to the internet, a NAS
with a node of its own, and a printer that knows nothing of all this. Abroad: a café with another printer.
On the internet: a video site that is for viewers of the home's country only.
"""

from lab import Lab, Nat, wait_until
from mesh import Coordinator, Node
from web_site import Site, visit


def test_a_home_from_abroad():
    with Lab() as lab:
        coordinator = Coordinator(lab)
        key = coordinator.add_key("--reusable")
        home = lab.router("home", Nat.PORT_PRESERVING)
        cafe = lab.router("cafe", Nat.PER_DESTINATION)
        nas_box, printer = lab.host_behind("nas", home), lab.host_behind("printer", home)
        laptop_box, cafe_printer = lab.host_behind("laptop", cafe), lab.host_behind("inkjet", cafe)
        video = lab.far_host("video", 80)
        sites = [Site(video, "video"), Site(nas_box, "nas"), Site(printer, "printer"),
                 Site(cafe_printer, "inkjet")]

        # Set up once, at home.
        router = Node(home, coordinator)
        home.sysctl("net.ipv6.conf.all.forwarding", 0)
        said = router.up(key, f"--advertise-routes={home.lan}.0/24", "--advertise-exit-node").stderr
        assert "forwarding" not in said, f"it is switched on by itself: {said}"
        wait_until("it is", lambda: home.run(
            "sysctl", "-n", "net.ipv6.conf.all.forwarding").stdout.strip() == "1", 5)
        nas = Node(nas_box, coordinator)
        nas.up(key)
        coordinator.cli("route", "approve", "home")
        coordinator.cli("route", "approve", "home", "--exit-node")

        # Abroad.
        laptop = Node(laptop_box, coordinator)
        laptop.up(key, "--accept-routes")
        wait_until("the NAS by its name", lambda: "nas greets" in visit(laptop_box, "nas"), 15)
        wait_until("the printer at home", lambda: "printer greets" in visit(laptop_box, printer.address), 10)
        assert visit(laptop_box, video.address) == f"video greets {cafe.address}"
        assert "inkjet greets" in visit(laptop_box, cafe_printer.address)

        # The video site is for people at home.
        laptop.cli("set-exit-node", "home")
        wait_until(
            "the video site sees the home",
            lambda: visit(laptop_box, video.address) == f"video greets {home.address}", 10)
        assert visit(laptop_box, cafe_printer.address, timeout=2) == "", "the café's LAN is closed"
        assert "nas greets" in visit(laptop_box, "nas")

        # A ticket must be printed here.
        laptop.cli("set-exit-node", "home", "--allow-lan")
        wait_until("the café's printer", lambda: "inkjet greets" in visit(laptop_box, cafe_printer.address), 5)
        assert visit(laptop_box, video.address) == f"video greets {home.address}"

        laptop.cli("set-exit-node", "none")
        wait_until(
            "back to the café's own way",
            lambda: visit(laptop_box, video.address) == f"video greets {cafe.address}", 5)

        # Home again, with everything switched on as it was.
        lab.move(laptop_box, home)
        wait_until("the NAS at home", lambda: "nas greets" in visit(laptop_box, "nas"), 10)
        wait_until("the printer, without a detour",
                   lambda: visit(laptop_box, printer.address) == f"printer greets {laptop_box.address}", 5)
        for site in sites:
            site.close()
