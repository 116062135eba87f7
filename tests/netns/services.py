"""Machines on which real services decide where names are asked: systemd-resolved, NetworkManager,
resolvconf of either kind. packaging/setup unpacks their packages into trees; a machine lays one over
its /usr, with an /etc, a /run and a bus of its own, in a mount namespace that nobody else sees.
"""

import os
import pathlib
import shutil
import textwrap

from lab import CommandFailed, wait_until
from verdict import Skip

CACHE = pathlib.Path(os.environ.get("AYATORI_CACHE", "/var/cache/ayatori"))
TREES = CACHE / "dns-trees-1"
FIREWALLD = CACHE / "firewalld-tree-1/firewalld"

# `ip netns exec` has mounted a resolver file of the laboratory's and a /sys that may be written;
# NetworkManager takes the latter for a machine with udev, and would wait for it.
ENTER = """
    set -e
    mount --make-rprivate /
    while umount /etc/resolv.conf 2>/dev/null; do :; done
    mount -o remount,bind,ro /sys
    mkdir -p {stage}
    mount -t tmpfs tmpfs {stage}
    tar -C /etc --exclude=./netns -cf - . | tar -C {stage} -xf -  # other laboratories come and go in netns
    rm -f {stage}/resolv.conf
    if [ -d {tree}/etc ]; then cp -a {tree}/etc/. {stage}; fi
    mount --move {stage} /etc
    for folder in /run /var/lib/NetworkManager; do
      if [ -d $folder ]; then mount -t tmpfs tmpfs $folder; fi
    done
    if [ -d {tree}/usr ]; then mount -t overlay overlay -o lowerdir={tree}/usr:/usr /usr; fi
    mkdir -p /run/dbus /run/systemd
    for user in messagebus systemd-resolve; do
      if ! grep -q ^$user: /etc/passwd; then
        n=$((64000 + $(wc -l < /etc/passwd)))
        echo "$user:x:$n:$n::/nonexistent:/usr/sbin/nologin" >> /etc/passwd
        echo "$user:x:$n:" >> /etc/group
      fi
    done
    if [ -d /var/lib ] && [ ! -d /var/lib/NetworkManager ]; then mount -t tmpfs tmpfs /var/lib; fi
    echo entered > {mark}
    exec sleep infinity
"""


def require(*trees):
    for tree in trees:
        if not (TREES / tree).is_dir():
            raise Skip(f"no tree of packages in {TREES / tree}; packaging/setup test makes it")


def enter(host, tree=None):
    """From now on all commands of `host` run on such a machine. Without a tree it has no services,
    but files of its own all the same."""
    if tree:
        require(tree)
    mark = host.dir / "entered"
    script = host.dir / "enter.sh"
    script.write_text(textwrap.dedent(ENTER).format(
        stage=host.dir / "etc", tree=TREES / (tree or "none"), mark=mark))
    holder = host.start("unshare", "-m", "sh", script, log="enter.log")
    wait_until("the machine's mounts", lambda: mark.exists() or holder.poll() is not None)
    if holder.poll() is not None:
        raise Skip(f"no machine of its own here: {holder.log_path.read_text().strip()}")
    # unshare and sh have become `sleep` by exec: its process is the machine.
    host.command = lambda *words: ["nsenter", "-t", str(holder.pid), "-m", "-n", *map(str, words)]
    host.holder = holder
    return host


def read(host, path):
    return host.run("cat", path).stdout


def write(host, path, text):
    host.run("sh", "-c", 'cat > "$1"', "sh", path, input=text)


def start_bus(host):
    process = host.start("dbus-daemon", "--system", "--nofork", "--nopidfile", log="bus.log")
    wait_until("the bus", lambda: host.run("test", "-S", "/run/dbus/system_bus_socket", check=False)
               .returncode == 0)
    return process


def has_name(host, name):
    return "true" in host.run(
        "busctl", "--system", "--timeout=5", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus",
        "org.freedesktop.DBus", "NameHasOwner", "s", name).stdout


RESOLVED_CONF = """
[Resolve]
DNS={server}
FallbackDNS=
LLMNR=no
MulticastDNS=no
DNSSEC=no
Cache=no
"""


def start_resolved(host, server):
    """The file that `resolv.conf` becomes is what installing it makes."""
    write(host, "/etc/systemd/resolved.conf", RESOLVED_CONF.format(server=server))
    host.run("install", "-d", "-o", "systemd-resolve", "-g", "systemd-resolve", "/run/systemd/resolve")
    process = host.start("/usr/lib/systemd/systemd-resolved", log="resolved.log")
    wait_until("systemd-resolved is on the bus", lambda: has_name(host, "org.freedesktop.resolve1"), 60)
    host.run("ln", "-sf", "../run/systemd/resolve/stub-resolv.conf", "/etc/resolv.conf")
    return process


NETWORK_MANAGER_CONF = """
[main]
plugins=keyfile
auth-polkit=false
dns=default
rc-manager=file
no-auto-default=*
[device]
match-device=interface-name:eth0
managed=1
[keyfile]
unmanaged-devices=interface-name:lo
[logging]
level=INFO
"""


def start_network_manager(host):
    write(host, "/etc/NetworkManager/NetworkManager.conf", NETWORK_MANAGER_CONF)
    process = host.start("NetworkManager", "--no-daemon", log="nm.log")
    wait_until("NetworkManager is on the bus",
               lambda: has_name(host, "org.freedesktop.NetworkManager"), 60)
    return process


def start_firewalld(host):
    """Its own configuration is the one that comes with the package."""
    process = host.start("/usr/bin/python3", "/usr/sbin/firewalld", "--nofork", "--nopid", log="firewalld.log")
    wait_until("firewalld runs", lambda: host.run("firewall-cmd", "--state", check=False).returncode == 0, 40)
    return process


class LanDns:
    """The DNS server of a LAN: dnsmasq on its router. It knows one name, and remembers who asked
    for what."""

    NAME, ADDRESS = "shop.lan.test", "192.0.2.80"

    def __init__(self, router):
        program = shutil.which("dnsmasq", path="/usr/sbin:/usr/bin")
        if program is None:
            raise Skip("no dnsmasq; packaging/setup test installs it")
        self.address = f"{router.lan}.1"
        self.process = router.start(
            program, "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
            "--bind-interfaces", f"--listen-address={self.address}", "--pid-file=", "--user=root",
            f"--address=/{self.NAME}/{self.ADDRESS}", "--local=/#/", "--log-queries",
            "--log-facility=-", log="dnsmasq.log")
        wait_until("dnsmasq answers", lambda: router.run(
            "dig", "+short", "+time=1", "+tries=1", f"@{self.address}", self.NAME).stdout.strip())

    def was_asked_for(self, name):
        text = self.process.log_path.read_text()
        return f"] {name} from" in text


def lookup(host, name):
    """What programs of the host find: the first IPv4 address, or None."""
    done = host.run("getent", "ahostsv4", name, check=False)
    return done.stdout.split()[0] if done.returncode == 0 and done.stdout else None


def nslookup(host, server, name):
    done = host.run("dig", "+short", "+time=1", "+tries=1", f"@{server}", name, check=False)
    if done.returncode != 0:
        raise CommandFailed(done.stdout + done.stderr)
    return done.stdout.strip()
