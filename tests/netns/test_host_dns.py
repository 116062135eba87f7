"""How a host is made to ask the mesh's resolver, and gets everything back: with the services that
decide about names on real hosts, each on a machine of its own (services.py)."""

import os
import signal
import time

from lab import Lab, Nat, wait_until
from mesh import Coordinator, Node
from services import (LanDns, enter, lookup, nslookup, read, require, start_bus,
                      start_network_manager, start_resolved, write)

OURS = "nameserver 100.100.100.100\n"


class Laptop:
    """A machine with `tree` behind a home router with a DNS server, and a node on it."""

    def __init__(self, lab, tree=None, coordinator=None, name="laptop"):
        self.router = lab.router(f"r-{name}", Nat.PORT_PRESERVING)
        self.lan_dns = LanDns(self.router)
        self.coordinator = coordinator or Coordinator(lab)
        self.host = enter(lab.host_behind(name, self.router), tree)
        self.node = None

    def join(self):
        self.node = Node(self.host, self.coordinator)
        self.node.up(self.coordinator.add_key())
        self.name = self.node.status()["Self"]["DNSName"].rstrip(".")

    def file(self):
        return read(self.host, "/etc/resolv.conf")

    def resolves_mesh(self):
        return lookup(self.host, self.name) == self.node.ip

    def resolves_lan(self):
        return lookup(self.host, LanDns.NAME) == LanDns.ADDRESS

    def wait_for_both(self, why):
        wait_until(f"names of the mesh, {why}", self.resolves_mesh, 20)
        wait_until(f"names of the LAN, {why}", self.resolves_lan, 20)

    def mode(self):
        text = self.node.process.log_path.read_text()
        lines = [line for line in text.splitlines() if "how the host resolves names" in line]
        return lines[-1].split("mode=")[1].split()[0] if lines else None

    def health(self):
        return "\n".join(self.node.status().get("Health") or [])

    def left_over(self):
        """What we keep on the host while we are up."""
        found = self.host.run("sh", "-c", "ls /etc | grep -i ayatori", check=False).stdout
        if (self.node.state / "host-dns.json").exists():
            found += "host-dns.json"
        return found


def test_plain_file_is_replaced_followed_and_given_back():
    with Lab() as lab:
        laptop = Laptop(lab)
        before = f"# by hand\nnameserver {laptop.lan_dns.address}\nsearch lan.test\n"
        write(laptop.host, "/etc/resolv.conf", before)
        laptop.host.run("chmod", "640", "/etc/resolv.conf")
        laptop.join()
        wait_until("our file", lambda: OURS in laptop.file())
        assert laptop.mode() == "direct"
        laptop.wait_for_both("by a file of ours")
        assert lookup(laptop.host, "shop") == LanDns.ADDRESS, "the host's own search list is lost"

        # Somebody's newer file is the host's configuration from now on.
        newer = before + "options timeout:1\n"
        write(laptop.host, "/etc/resolv.conf", newer)
        wait_until("ours on top of it", lambda: OURS in laptop.file() and "timeout:1" in laptop.file())
        laptop.wait_for_both("after somebody rewrote the file")

        laptop.node.cli("down")
        assert laptop.file() == newer and not laptop.left_over(), laptop.left_over()
        laptop.node.cli("up")
        wait_until("our file again", lambda: OURS in laptop.file())
        laptop.node.kill()
        assert OURS in laptop.file()
        laptop.node.cli("status", check=False)
        laptop.node.start()
        wait_until("up again", lambda: laptop.resolves_mesh() and laptop.resolves_lan(), 20)
        laptop.node.cli("set", "--accept-dns=false")
        wait_until("the file is back", lambda: laptop.file() == newer and not laptop.left_over())


def test_link_mount_missing_and_immutable_file():
    with Lab() as lab:
        laptop = Laptop(lab)
        host = laptop.host
        text = f"nameserver {laptop.lan_dns.address}\n"
        write(host, "/run/real.conf", text)
        host.run("ln", "-s", "../run/real.conf", "/etc/resolv.conf")
        laptop.join()
        wait_until("ours in the link's place", lambda: OURS in laptop.file())
        laptop.wait_for_both("in place of a link")
        assert read(host, "/run/real.conf") == text
        # Whoever manages what the link leads to moves to another network.
        write(host, "/run/real.conf", text + "search lan.test\n")
        wait_until("it is followed", lambda: "search" in laptop.file() and "lan.test" in laptop.file())
        laptop.node.stop()
        assert host.run("readlink", "/etc/resolv.conf").stdout == "../run/real.conf\n"
        assert not laptop.left_over(), laptop.left_over()

        # A mount, as containers have it: written in place, and the same inode afterwards.
        host.run("rm", "/etc/resolv.conf")
        host.run("touch", "/etc/resolv.conf")
        write(host, "/run/mounted.conf", text)
        host.run("mount", "--bind", "/run/mounted.conf", "/etc/resolv.conf")
        laptop.node.start()
        wait_until("ours in the mount", lambda: OURS in laptop.file(), 20)
        assert read(host, "/run/mounted.conf") == laptop.file()
        laptop.wait_for_both("in a mount")
        write(host, "/etc/resolv.conf", text)
        wait_until("a mount is watched, too", lambda: OURS in laptop.file())
        laptop.node.kill()
        laptop.node.start("--verbose", "1")
        wait_until("ours after the crash", laptop.resolves_mesh, 20)
        laptop.node.stop()
        assert laptop.file() == text and not laptop.left_over(), laptop.left_over()
        host.run("umount", "/etc/resolv.conf")

        # No file at all: ours is gone again.
        host.run("rm", "/etc/resolv.conf")
        laptop.node.start()
        wait_until("ours where there was none", lambda: OURS in laptop.file(), 20)
        laptop.node.stop()
        assert host.run("ls", "/etc/resolv.conf", check=False).returncode != 0

        # A file that cannot be changed: nothing is, and the status says what to do about it.
        write(host, "/etc/resolv.conf", text)
        if host.run("chattr", "+i", "/etc/resolv.conf", check=False).returncode == 0:
            try:
                laptop.node.start()
                wait_until("the status says so", lambda: "immutable" in laptop.health(), 20)
                assert laptop.file() == text and laptop.mode() == "none"
                assert nslookup(host, "100.100.100.100", laptop.name) == laptop.node.ip
                laptop.node.stop()
            finally:
                host.run("chattr", "-i", "/etc/resolv.conf")
        else:
            print("            no immutable files on this kernel's tmpfs: that part is left out")

        # The same where all of /etc is part of an image.
        host.run("mount", "-o", "remount,ro", "/etc")
        laptop.node.start()
        wait_until("the status says so", lambda: "read-only" in laptop.health(), 20)
        assert laptop.file() == text and laptop.mode() == "none"


def test_systemd_resolved_asks_us_for_the_mesh_alone():
    require("services")
    with Lab() as lab:
        laptop = Laptop(lab, "services")
        host = laptop.host
        start_bus(host)
        resolved = start_resolved(host, laptop.lan_dns.address)
        before = laptop.file()
        assert laptop.resolves_lan()
        laptop.join()
        wait_until("resolved knows our link",
                   lambda: "100.100.100.100" in host.run("resolvectl", "dns", "ayatori0").stdout, 20)
        assert laptop.mode() == "systemd-resolved"
        laptop.wait_for_both("by resolved")
        assert nslookup(host, "127.0.0.53", laptop.name) == laptop.node.ip
        assert nslookup(host, "127.0.0.53", LanDns.NAME) == LanDns.ADDRESS
        assert not laptop.lan_dns.was_asked_for(laptop.name), "the mesh's name went to the LAN"
        assert "no" in host.run("resolvectl", "default-route", "ayatori0").stdout
        assert host.run("readlink", "/etc/resolv.conf").stdout.strip().endswith("stub-resolv.conf")

        # It is restarted, and has forgotten everything.
        host.stop(resolved, signal.SIGKILL)
        host.run("rm", "-rf", "/run/systemd/resolve/netif")
        resolved = start_resolved(host, laptop.lan_dns.address)
        laptop.wait_for_both("after a restart of resolved")

        # We are killed: the link is gone, and with it what resolved knew.
        laptop.node.kill()
        wait_until("names of the LAN without us", laptop.resolves_lan)
        assert "ayatori0" not in host.run("resolvectl", "domain").stdout
        laptop.node.start()
        laptop.wait_for_both("after a crash of ours")

        # It hangs: neither do we, and what is owed to it is made good later.
        os.kill(resolved.pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            laptop.node.cli("set", "--accept-dns=false")
            assert laptop.node.ping(laptop.node.ip) == 1
            assert time.monotonic() - began < 5, "somebody waited for a service that hangs"
        finally:
            os.kill(resolved.pid, signal.SIGCONT)
        wait_until("it is reverted",
                   lambda: "100.100.100.100" not in host.run("resolvectl", "dns").stdout, 20)
        laptop.node.cli("set", "--accept-dns=true")
        laptop.wait_for_both("after it hung")
        laptop.node.cli("down")
        wait_until("it is reverted",
                   lambda: "100.100.100.100" not in host.run("resolvectl", "dns").stdout)
        assert laptop.resolves_lan() and lookup(host, laptop.name) is None
        assert laptop.file() == before and not laptop.left_over()


def test_network_manager_rewrites_the_file():
    require("services")
    with Lab() as lab:
        laptop = Laptop(lab, "services")
        host = laptop.host
        start_bus(host)
        start_network_manager(host)
        host.run("nmcli", "connection", "add", "type", "ethernet", "con-name", "home", "ifname", "eth0",
                 "ipv4.method", "manual", "ipv4.addresses", f"{host.address}/24",
                 "ipv4.gateway", laptop.lan_dns.address, "ipv4.dns", laptop.lan_dns.address,
                 "ipv6.method", "disabled")
        host.run("nmcli", "--wait", "30", "connection", "up", "home")
        wait_until("NetworkManager's file", lambda: "NetworkManager" in laptop.file())
        before = laptop.file()
        laptop.join()
        wait_until("ours", lambda: OURS in laptop.file(), 20)
        assert laptop.mode() == "direct"
        laptop.wait_for_both("over NetworkManager's file")

        host.run("nmcli", "connection", "modify", "home", "ipv4.dns-search", "lan.test")
        host.run("nmcli", "--wait", "30", "connection", "up", "home")
        wait_until("ours on top of the next",
                   lambda: OURS in laptop.file() and "lan.test" in laptop.file(), 20)
        laptop.wait_for_both("after NetworkManager rewrote it")
        laptop.node.cli("down")
        assert "NetworkManager" in laptop.file() and laptop.file() != before
        assert not laptop.left_over(), laptop.left_over()

        # Who rewrites it without end wins, and is named.
        laptop.node.cli("up")
        wait_until("ours", lambda: OURS in laptop.file(), 20)
        theirs = f"# Generated by NetworkManager\nnameserver {laptop.lan_dns.address}\n"

        def trampled():
            if OURS in laptop.file():
                write(host, "/etc/resolv.conf", theirs)
            return "NetworkManager keeps rewriting" in laptop.health()

        wait_until("the status names it", trampled, 30, every=0.02)
        assert laptop.file() == theirs
        laptop.node.stop()
        assert laptop.file() == theirs and not laptop.left_over()


def check_resolvconf(lab, tree, mode, first, coordinator):
    laptop = Laptop(lab, tree, coordinator, name=tree)
    host = laptop.host
    host.run("mkdir", "-p", "/run/resolvconf/interface")
    if tree == "resolvconf":
        host.run("ln", "-sf", "../run/resolvconf/resolv.conf", "/etc/resolv.conf")
        host.run("sh", "-c", "ln -sfn /run/resolvconf /etc/resolvconf/run")
        host.run("resolvconf", "--enable-updates")
    record = f"nameserver {laptop.lan_dns.address}\nsearch lan.test\n"
    host.run("resolvconf", "-a", "eth0.dhcp", input=record)
    before = laptop.file()
    assert laptop.lan_dns.address in before, before
    laptop.join()
    wait_until("our record", lambda: OURS in laptop.file(), 20)
    assert laptop.mode() == mode, laptop.mode()
    servers = [line for line in laptop.file().splitlines() if line.startswith("nameserver")]
    assert servers[0] + "\n" == OURS and len(servers) == first, servers
    laptop.wait_for_both(f"by {tree}")
    laptop.node.kill()
    assert OURS in laptop.file()
    laptop.node.start()
    wait_until("ours again", laptop.resolves_mesh, 20)
    laptop.node.stop()
    assert laptop.file() == before, laptop.file()
    assert not laptop.left_over(), laptop.left_over()


def test_resolvconf_of_either_kind():
    require("openresolv", "resolvconf")
    with Lab() as lab:
        coordinator = Coordinator(lab)
        check_resolvconf(lab, "openresolv", "openresolv", 1, coordinator)
        check_resolvconf(lab, "resolvconf", "debian-resolvconf", 2, coordinator)


SLOWLY = """#!/bin/sh
case "$*" in *-a*) sleep 1.5 ;; esac
exec /run/resolvconf.real "$@"
"""


def test_up_returns_when_names_can_be_asked():
    """What comes next calls others by their names: `ayatori up && ssh nas`."""
    require("openresolv")
    with Lab() as lab:
        laptop = Laptop(lab, "openresolv")
        host = laptop.host
        record = f"nameserver {laptop.lan_dns.address}\n"
        host.run("resolvconf", "-a", "eth0.dhcp", input=record)
        host.run("cp", "/usr/sbin/resolvconf", "/run/resolvconf.real")
        write(host, "/run/slowly", SLOWLY)
        host.run("chmod", "755", "/run/slowly")
        host.run("mount", "--bind", "/run/slowly", "/usr/sbin/resolvconf")
        laptop.join()
        assert OURS in laptop.file()
        assert laptop.resolves_mesh()


# What OpenWrt has in place of a service manager. Its start script, too, writes the configuration
# anew and leaves the folder of further files alone.
OPENWRT_DNSMASQ = """#!/bin/sh
pid=/run/dnsmasq.pid
case $1 in
  restart)
    if [ -f $pid ]; then
      kill "$(cat $pid)"
      while kill -0 "$(cat $pid)" 2>/dev/null; do sleep 0.05; done
    fi
    exec dnsmasq --conf-file=/var/etc/dnsmasq.conf.cfg01411c --pid-file=$pid --user=root ;;
esac
"""


def test_dnsmasq_on_openwrt_forwards_the_mesh_alone():
    with Lab() as lab:
        laptop = Laptop(lab, name="router")
        host = laptop.host
        host.run("mount", "-t", "tmpfs", "tmpfs", "/var")
        host.run("mkdir", "-p", "/var/etc", "/etc/init.d", "/run/dnsmasq.d")
        write(host, "/etc/openwrt_release", "DISTRIB_ID='OpenWrt'\n")
        write(host, "/etc/init.d/dnsmasq", OPENWRT_DNSMASQ)
        host.run("chmod", "+x", "/etc/init.d/dnsmasq")
        host.run("mkdir", "-p", "/run/sbin")
        write(host, "/run/sbin/uci", "#!/bin/sh\n")
        host.run("chmod", "+x", "/run/sbin/uci")
        host.run("mount", "-t", "overlay", "overlay", "-o", "lowerdir=/run/sbin:/usr/sbin", "/usr/sbin")
        write(host, "/var/etc/dnsmasq.conf.cfg01411c",
              f"no-resolv\nno-hosts\nserver={laptop.lan_dns.address}\nlisten-address=127.0.0.1\n"
              "bind-interfaces\nstop-dns-rebind\nrebind-domain-ok=/lan.test/\nconf-dir=/run/dnsmasq.d\n")
        before = "search lan\nnameserver 127.0.0.1\n"
        write(host, "/etc/resolv.conf", before)
        host.run("/etc/init.d/dnsmasq", "restart")
        try:
            assert laptop.resolves_lan()
            laptop.join()
            laptop.wait_for_both("by dnsmasq")
            assert laptop.mode() == "dnsmasq"
            assert not laptop.lan_dns.was_asked_for(laptop.name), "the mesh's name went to the LAN"
            assert laptop.file() == before
            laptop.node.kill()
            assert laptop.resolves_lan(), "the router's names depend on us"
            laptop.node.start()
            laptop.wait_for_both("after a crash of ours")
            laptop.node.cli("down")
            assert host.run("ls", "/run/dnsmasq.d").stdout == ""
            assert laptop.resolves_lan() and not laptop.left_over()
        finally:
            host.run("sh", "-c", "kill $(cat /run/dnsmasq.pid)", check=False)
