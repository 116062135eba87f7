"""The Debian package on a machine with a real systemd: installed, upgraded through the very connection that
its service carries (os-integration pitfall 21), removed and purged."""

import pathlib
import signal
import subprocess

from lab import INTERNET, Lab, Nat, programs, wait_until
from mesh import Coordinator, Node, certificate_pin
from verdict import Skip

# This machine's files, of which nothing that is changed is kept, and a systemd that begins with them.
BOOT = """
    set -e
    layers=$1 root=$2 packages=$3 resolver=$4
    mount -t tmpfs layers $layers
    mkdir $layers/upper $layers/work
    mount -t overlay overlay -o lowerdir=/,upperdir=$layers/upper,workdir=$layers/work $root
    cd $root
    rm -f etc/systemd/system/*.wants/* usr/sbin/policy-rc.d etc/resolv.conf
    : > etc/machine-id
    cp $resolver etc/resolv.conf
    mkdir -p packages
    mount --bind $packages packages
    mount -t proc proc proc
    mount --rbind /sys sys
    mount --rbind /dev dev
    mount -t tmpfs run run
    mount -t tmpfs tmp tmp
    exec env container=laboratory chroot . /lib/systemd/systemd --unit=multi-user.target
"""
# A sanitizer wants to look at its own process at the end, which the service may not.
UNDER_SANITIZERS = "[Service]\nEnvironment=ASAN_OPTIONS=detect_leaks=0\nSystemCallFilter=\nMemoryDenyWriteExecute=no\n"


class Machine:
    def __init__(self, host, packages):
        for folder in ("layers", "root"):
            (host.dir / folder).mkdir()
        self.host = host
        self.process = host.start(
            "unshare", "--mount", "--pid", "--uts", "--ipc", "--cgroup", "--fork", "--kill-child", "sh", "-c",
            BOOT, "boot", host.dir / "layers", host.dir / "root", packages, host.etc / "resolv.conf",
            log="systemd.log")
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        try:
            self.init = wait_until("a first process", lambda: children.read_text().split())[0]
            wait_until("systemd runs", lambda: self.run(
                "systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded"), 20)
        except AssertionError as why:
            self.stop()
            raise Skip(f"no systemd can begin here ({why})") from why

    def run(self, *words, check=True, timeout=60):
        done = subprocess.run(
            ["nsenter", "-t", self.init, "-m", "-p", "-n", "-u", "-i", "-C", f"--root=/proc/{self.init}/root",
             "--wd=/", *map(str, words)], capture_output=True, text=True, timeout=timeout,
            stdin=subprocess.DEVNULL)
        assert not check or done.returncode == 0, (words, done.stdout, done.stderr)
        return done

    def adapt(self, unit):
        folder = f"/etc/systemd/system/{unit}.service.d"
        self.run("sh", "-c", f"mkdir -p {folder}; printf '{UNDER_SANITIZERS}' > {folder}/lab.conf")

    def state(self, unit):
        return self.run("systemctl", "is-active", unit, check=False).stdout.strip()

    def service(self):
        return self.run("systemctl", "show", "-P", "MainPID", "ayatorid").stdout.strip()

    def stop(self):
        self.host.stop(self.process, signal.SIGKILL)


def build(folder, version):
    subprocess.run(
        ["cpack", "--config", programs().parent / "CPackConfig.cmake", "-B", folder, "-D",
         f"CPACK_PACKAGE_VERSION={version}", "-D", "CPACK_STRIP_FILES=OFF"],
        check=True, capture_output=True, cwd=programs().parent)


def test_a_server_starts_once_it_has_something_to_serve():
    with Lab() as lab:
        packages = lab.dir / "packages"
        packages.mkdir()
        build(packages, "0.1.0")
        host = lab.public_host("coord", f"{INTERNET}.1")
        machine = Machine(host, packages)
        try:
            machine.adapt("ayatori-coord")
            machine.run("dpkg", "-i", "/packages/ayatori-coord_0.1.0_amd64.deb")
            assert machine.state("ayatori-coord") == "inactive"
            said = machine.run("ayatori-coord", "init", "--server-url", f"https://{host.address}:8443",
                               "--derp-ip", host.address).stdout
            assert "--dir" not in said, said
            machine.run("systemctl", "start", "ayatori-coord")
            assert machine.state("ayatori-coord") == "active", "it says when it is ready"
            assert "ok" in host.run("curl", "-sSk", f"https://{host.address}:8443/healthz").stdout
            assert machine.run("ayatori-coord", "user", "ls").stdout
            for kept in ("/etc/ayatori/coord.conf", "/var/lib/ayatori/coord/coord.db", "/run/ayatori/coord.sock"):
                assert machine.run("ls", kept).stdout
            # Who has a node on the same machine and purges it keeps the server.
            machine.adapt("ayatorid")
            machine.run("dpkg", "-i", "/packages/ayatori_0.1.0_amd64.deb")
            machine.run("dpkg", "-P", "ayatori")
            assert machine.run("ayatori-coord", "user", "ls").stdout
            machine.run("dpkg", "-P", "ayatori-coord")
            assert machine.state("ayatori-coord") == "inactive"
            assert machine.run("ls", "-d", "/var/lib/ayatori", "/etc/ayatori", check=False).stdout == ""
        finally:
            machine.stop()


def test_an_upgrade_through_the_connection_it_upgrades():
    with Lab() as lab:
        coordinator = Coordinator(lab)
        key = coordinator.add_key("--reusable")
        packages = lab.dir / "packages"
        packages.mkdir()
        for version in ("0.1.0", "0.1.1"):
            build(packages, version)
        before, after = (f"/packages/ayatori_{version}_amd64.deb" for version in ("0.1.0", "0.1.1"))
        admin = Node(lab.host_behind("admin", lab.router("ra", Nat.PORT_PRESERVING)), coordinator)
        admin.up(key)
        host = lab.host_behind("nas", lab.router("rn", Nat.PORT_PRESERVING))
        machine = Machine(host, packages)
        try:
            check(machine, admin, coordinator, key, before, after)
        finally:
            machine.stop()


def check(machine, admin, coordinator, key, before, after):
    machine.adapt("ayatorid")
    untouched = machine.run("cat", "/etc/resolv.conf").stdout
    machine.run("dpkg", "-i", before)
    assert machine.run("systemctl", "is-enabled", "ayatorid").stdout.strip() == "enabled"
    wait_until("the service runs", lambda: machine.state("ayatorid") == "active")
    machine.run("ayatori", "up", "--login-server", coordinator.url, "--auth-key", key, "--hostname", "nas",
                "--server-cert", certificate_pin(coordinator))
    address = machine.run("ayatori", "ip", "-4").stdout.strip()
    admin.wait_ping(address)
    wait_until("it writes the resolver", lambda: "100.100.100.100" in machine.run(
        "cat", "/etc/resolv.conf").stdout)

    # Unpacked, the old one still carries everything; it is the last step that restarts.
    old = machine.service()
    machine.run("dpkg", "--unpack", after)
    assert machine.service() == old and admin.ping(address)
    # The last step is taken by a shell at the other end of the mesh, whose connection outlives it.
    machine.run("systemd-run", "--unit=shell", "sh", "-c",
                "python3 -c 'import socket,subprocess\n"
                "s = socket.create_server((\"0.0.0.0\", 7000)); c, _ = s.accept(); f = c.makefile(\"rw\")\n"
                "f.readline(); f.write(subprocess.getoutput(\"dpkg --configure ayatori\") + \"\\ndone\\n\"); f.flush()'")
    wait_until("the shell waits", lambda: ":7000" in machine.run("ss", "-tln").stdout)
    said = admin.host.run("python3", "-c", f"""
import socket
c = socket.create_connection(("{address}", 7000), 10)
c.settimeout(30)
f = c.makefile("rw")
f.write("go\\n"); f.flush()
print(f.read())
""", timeout=60).stdout
    assert "Setting up ayatori (0.1.1)" in said and "done" in said, said
    assert machine.service() not in (old, "0")
    admin.wait_ping(address)

    machine.run("dpkg", "-r", "ayatori")
    assert machine.run("cat", "/etc/resolv.conf").stdout == untouched
    assert "ayatori0" not in machine.run("ip", "link").stdout
    assert "5230" not in machine.run("ip", "rule").stdout, "rules of ours"
    assert "ayatori" not in machine.run("nft", "list", "tables").stdout
    assert machine.run("ls", "/var/lib/ayatori").stdout, "the login is kept for another time"
    machine.run("dpkg", "-P", "ayatori")
    assert machine.run("ls", "-d", "/var/lib/ayatori", "/etc/default/ayatorid", check=False).stdout == ""
