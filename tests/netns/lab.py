"""A laboratory of network namespaces: an internet, routers of every kind, and machines behind them.

    with Lab() as lab:
        server = lab.public_host("coord", "198.51.100.1")
        laptop = lab.host_behind("laptop", lab.router("home", Nat.PORT_PRESERVING))
        laptop.run("ping", "-c1", server.address)

Everything carries a prefix of its own and is taken down by recorded name and process id, also when
the test fails. Packets never leave the namespaces. Needs root.
"""

import atexit
import concurrent.futures
import contextlib
import ctypes
import enum
import json
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
import time

INTERNET = "198.51.100"  # TEST-NET-2: what machines with public addresses have before them
FAR = "203.0.113"  # TEST-NET-3: behind one more router, in nobody's neighbourhood
CLONE_NEWNET, CLONE_NEWNS = 0x40000000, 0x20000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000


class Nat(enum.Enum):
    """What a router does with UDP (nat-traversal 7.8)."""

    PORT_PRESERVING = "keeps ports, filters by address and port"
    PER_DESTINATION = "gives every destination another random port"
    UDP_BLOCKED = "drops UDP, allows TCP"


class CommandFailed(Exception):
    pass


def _ip(*words):
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise CommandFailed(f"ip {' '.join(words)}: {done.stderr.strip()}")


def _system_call(function, *arguments):
    if getattr(ctypes.CDLL(None, use_errno=True), function)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), function)


def _make_root_a_mount_point():
    """In a plain chroot "/" is no mount point, and `ip netns exec` cannot work on it. This process
    gets a view of its own in which it is one: it steps out, mounts the old root onto itself where
    nobody else sees it, and steps in again."""
    mounts = pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
    if any(line.split()[4] == "/" for line in mounts):
        return
    here, inside = os.getcwd(), os.open("/", os.O_RDONLY)
    _system_call("unshare", CLONE_NEWNS)
    step = tempfile.mkdtemp(prefix="ayatori-")
    os.chroot(step)  # the working directory stays outside of it, so ".." leads all the way up
    while not os.path.samefile(".", ".."):
        os.chdir("..")
    os.chroot(".")
    os.rmdir(step.lstrip("/"), dir_fd=inside)
    os.fchdir(inside)
    root = os.getcwd().encode()
    os.close(inside)
    _system_call("mount", None, b"/", None, MS_PRIVATE | MS_REC, None)
    _system_call("mount", root, root, None, MS_BIND | MS_REC, None)
    os.chroot(root)
    os.chdir(here)


def _make_tun_device():
    """A root made by debootstrap has none."""
    if not os.path.exists("/dev/net/tun"):
        os.makedirs("/dev/net", exist_ok=True)
        os.mknod("/dev/net/tun", stat.S_IFCHR | 0o666, os.makedev(10, 200))


class Host:
    """One namespace with an address, and the processes started in it."""

    def __init__(self, lab, name, address):
        self.lab = lab
        self.name = name
        self.netns = f"{lab.prefix}{name}"
        self.address = address
        self.processes = []
        self.bridges = 0
        self.etc = pathlib.Path("/etc/netns") / self.netns
        _ip("netns", "add", self.netns)
        lab.hosts.append(self)
        _ip("-n", self.netns, "link", "set", "lo", "up")
        # `ip netns exec` mounts this over /etc/resolv.conf: each machine has a resolver file of its own.
        self.etc.mkdir(parents=True, exist_ok=True)
        (self.etc / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        self.dir = lab.dir / name
        self.dir.mkdir()

    def command(self, *words):
        return ["ip", "netns", "exec", self.netns, *map(str, words)]

    def run(self, *words, check=True, timeout=60, env=None, input=None):
        """Runs a command to its end and returns it; its output is text."""
        done = subprocess.run(
            self.command(*words), capture_output=True, text=True, timeout=timeout, input=input,
            env={**os.environ, **(env or {})})
        if check and done.returncode != 0:
            raise CommandFailed(
                f"{self.name}: {' '.join(map(str, words))}: exit {done.returncode}\n"
                f"{done.stdout}{done.stderr}")
        return done

    def start(self, *words, log=None, env=None):
        """Starts a process that lives until stopped; its output goes to a log file."""
        log_path = self.dir / (log or pathlib.Path(str(words[0])).name + ".log")
        out = open(log_path, "ab")
        process = subprocess.Popen(
            self.command(*words), stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            env={**os.environ, **(env or {})})
        out.close()
        process.log_path = log_path
        self.processes.append(process)
        return process

    def stop(self, process, how=signal.SIGTERM, timeout=10):
        if process.poll() is None:
            process.send_signal(how)
            try:
                process.wait(timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise CommandFailed(f"{self.name}: {process.args} ignored signal {how}")
        self.processes.remove(process)
        return process.returncode

    def thread(self, work, *arguments):
        """Runs a function in a thread whose sockets are this machine's; returns its future."""
        future = concurrent.futures.Future()

        def run():
            try:
                with open(f"/run/netns/{self.netns}") as namespace:
                    if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET) != 0:
                        raise OSError(ctypes.get_errno(), f"setns {self.netns}")
                future.set_result(work(*arguments))
            except BaseException as error:  # it is raised where the result is asked for
                future.set_exception(error)

        threading.Thread(target=run, daemon=True).start()
        return future

    @contextlib.contextmanager
    def small_disk(self, kilobytes):
        """A disk of its own that is soon full; see fill()."""
        folder = self.dir / "disk"
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k,mode=700", self.netns, folder],
                       check=True)
        try:
            yield folder
        finally:
            self.lab.stop_processes()
            subprocess.run(["umount", "-l", folder], check=True)

    def add_bridge(self, name, address_with_length):
        """Its hardware address is written down: left alone it is the lowest of its ports', changes
        when a port is plugged in, and whoever knows the old one is not heard for a while."""
        self.bridges += 1
        _ip("-n", self.netns, "link", "add", name, "address", f"02:00:00:00:00:{self.bridges:02x}",
            "type", "bridge")
        _ip("-n", self.netns, "addr", "add", address_with_length, "dev", name)
        _ip("-n", self.netns, "link", "set", name, "up")

    def link_to_bridge(self, bridge_host, bridge, name, address_with_length):
        """A veth from this namespace to a bridge in another."""
        far = f"v{self.lab.next_link()}"
        _ip("link", "add", name, "netns", self.netns, "type", "veth",
            "peer", "name", far, "netns", bridge_host.netns)
        _ip("-n", bridge_host.netns, "link", "set", far, "master", bridge, "up")
        _ip("-n", self.netns, "addr", "add", address_with_length, "dev", name)
        _ip("-n", self.netns, "link", "set", name, "up")

    def sysctl(self, name, value):
        self.run("sh", "-c", f"echo {value} > /proc/sys/{name.replace('.', '/')}")

    def nft(self, rules):
        self.run("nft", "-f", "-", input=rules)


class Router(Host):
    """A home router: `wan` towards the internet, a bridge `lan` for the machines behind it."""

    def __init__(self, lab, name, nat, index, lan):
        super().__init__(lab, name, f"{INTERNET}.{10 + index}")
        self.nat = nat
        self.lan = lan or f"192.168.{10 + index}"
        self.hosts_behind = 0
        self.link_to_bridge(lab.internet, "inet", "wan", f"{self.address}/24")
        lab.lead_far(self)
        self.add_bridge("lan", f"{self.lan}.1/24")
        self.sysctl("net.ipv4.ip_forward", 1)
        self.set_nat(nat)

    def set_nat(self, nat):
        self.nat = nat
        masquerade = "masquerade random" if nat is Nat.PER_DESTINATION else "masquerade"
        block = "meta l4proto udp drop" if nat is Nat.UDP_BLOCKED else ""
        self.nft(f"""
            flush ruleset
            table ip nat {{
              chain post {{ type nat hook postrouting priority 100; oifname "wan" {masquerade}; }}
            }}
            table ip filter {{
              chain in {{ type filter hook input priority 0; iifname "wan" ct state new drop; }}
              chain forward {{
                type filter hook forward priority 0;
                {block}
                iifname "wan" ct state new drop;
              }}
            }}
        """)

    def block_udp_to(self, address):
        """Cuts the direct path to one address, as a failing link would."""
        self.nft(f"""
            table ip cut {{
              chain forward {{
                type filter hook forward priority -10;
                meta l4proto udp ip daddr {address} drop;
                meta l4proto udp ip saddr {address} drop;
              }}
            }}
        """)

    def unblock_udp(self):
        self.nft("delete table ip cut\n")

    def forget_mappings(self):
        """What a router's reboot does to its translations."""
        self.run("conntrack", "-F")


class Lab:
    def __init__(self, keep_logs=False):
        self.prefix = f"ay{os.getpid()}-"
        self.hosts = []
        self.links = 0
        self.routers = 0
        self.keep_logs = keep_logs

    def __enter__(self):
        if os.geteuid() != 0:
            raise SystemExit("the laboratory makes network namespaces: run it as root")
        _make_root_a_mount_point()
        _make_tun_device()
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix=f"ayatori-{self.prefix}"))
        atexit.register(self.close)
        self.internet = Host(self, "inet", None)
        for bridge, network in (("inet", INTERNET), ("far", FAR)):
            self.internet.add_bridge(bridge, f"{network}.254/24")
        self.internet.sysctl("net.ipv4.ip_forward", 1)
        return self

    def __exit__(self, kind, value, trace):
        self.stop_processes()
        found = list(self.sanitizer_reports())
        if kind is not None or found:
            self.keep_logs = True
        self.close()
        if found and kind is None:
            raise AssertionError("\n".join(found))

    def sanitizer_reports(self):
        """What a sanitized program complained about; it may have gone on all the same."""
        for log in self.dir.rglob("*.log"):
            text = log.read_text(errors="replace")
            for mark in ("ERROR: AddressSanitizer", "WARNING: ThreadSanitizer", "runtime error:",
                         "ERROR: LeakSanitizer", "bug: "):
                if mark in text:
                    yield f"{log}:\n{text[text.index(mark):][:4000]}"

    def stop_processes(self):
        for host in self.hosts:
            for process in host.processes:
                if process.poll() is None:
                    process.terminate()
        deadline = time.monotonic() + 5
        for host in self.hosts:
            for process in host.processes:
                try:
                    process.wait(max(0.1, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def close(self):
        atexit.unregister(self.close)
        self.stop_processes()
        for host in self.hosts:
            subprocess.run(["ip", "netns", "del", host.netns], capture_output=True)
            shutil.rmtree(host.etc, ignore_errors=True)
        self.hosts = []
        if self.keep_logs:
            print(f"logs kept in {self.dir}")
        else:
            shutil.rmtree(self.dir, ignore_errors=True)

    def host(self, name):
        return next(host for host in self.hosts if host.name == name)

    def next_link(self):
        self.links += 1
        return self.links

    def public_host(self, name, address):
        host = Host(self, name, address)
        host.link_to_bridge(self.internet, "inet", "eth0", f"{address}/24")
        self.lead_far(host)
        return host

    def far_host(self, name, number):
        """A machine that is on nobody's own link, as nearly everything on the internet is."""
        host = Host(self, name, f"{FAR}.{number}")
        host.link_to_bridge(self.internet, "far", "eth0", f"{host.address}/24")
        _ip("-n", host.netns, "route", "add", "default", "via", f"{FAR}.254")
        return host

    def lead_far(self, host):
        _ip("-n", host.netns, "route", "add", f"{FAR}.0/24", "via", f"{INTERNET}.254")

    def router(self, name, nat, lan=None):
        """`lan`: the first three numbers of its network; several routers may have the same."""
        router = Router(self, name, nat, self.routers, lan)
        self.routers += 1
        return router

    def host_behind(self, name, router):
        host = Host(self, name, None)
        self._plug_in(host, router)
        return host

    def move(self, host, router):
        """Carries a machine to another network: its cable is pulled and put in there."""
        _ip("-n", host.netns, "link", "del", "eth0")
        self._plug_in(host, router)

    def _plug_in(self, host, router):
        router.hosts_behind += 1
        host.address = f"{router.lan}.{1 + router.hosts_behind}"
        host.link_to_bridge(router, "lan", "eth0", f"{host.address}/24")
        _ip("-n", host.netns, "route", "add", "default", "via", f"{router.lan}.1")


def wait_until(what, condition, timeout=10.0, every=0.05):
    """Waits for a condition to hold and returns its value; says what it waited for if it never does."""
    deadline = time.monotonic() + timeout
    last = None
    while True:
        try:
            value = condition()
            if value:
                return value
        except (CommandFailed, OSError, json.JSONDecodeError) as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:g} s: {what}" + (f" ({last})" if last else ""))
        time.sleep(every)


def fill(folder):
    """Leaves no room on the folder's disk, but for what deleting the returned file gives back."""
    filler = folder / "filler"
    with open(filler, "wb", buffering=0) as out, contextlib.suppress(OSError):
        while True:
            out.write(bytes(4096))
    return filler


def repository():
    return pathlib.Path(__file__).resolve().parents[2]


def programs():
    """The folder of the three programs: AYATORI_BIN, or the release build."""
    return pathlib.Path(os.environ.get("AYATORI_BIN", repository() / "build/release/bin"))


def stock(name):
    """A stock program (tailscaled, tailscale, derper) from the cache, or None where there is none."""
    cache = pathlib.Path(os.environ.get("AYATORI_CACHE", "/var/cache/ayatori"))
    found = cache / "bin" / name
    return found if found.exists() else None
