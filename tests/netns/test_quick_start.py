"""The README's quick start, command by command as it is printed there, on two machines that have
nothing but the programs: default folders, default ports, nothing edited."""

import os
import pathlib
import re
import subprocess

from lab import Lab, Nat, programs, stock, wait_until
from mesh import OWN_ETC
from verdict import Skip

README = pathlib.Path(__file__).parents[2] / "README.md"
SERVER_IN_README = "192.0.2.1"


class Machine:
    """A host with folders of its own under /etc, /var/lib and /run, and a shell to type into."""

    def __init__(self, host, server_address):
        self.host = host
        self.server_address = server_address
        fresh = "mount -t tmpfs var /var/lib && mount -t tmpfs run /run && echo ready && exec sleep 3600"
        self.keeper = host.start(
            "unshare", "-m", "sh", "-c", OWN_ETC, "own-etc", host.dir, "sh", "-c", fresh, log="machine.log")
        wait_until(f"{host.name} is there", lambda: "ready" in self.keeper.log_path.read_text())
        self.background = []

    def wait_for(self, path):
        """As long as a person takes to type the next command."""
        wait_until(f"{self.host.name} has {path}",
                   lambda: os.path.exists(f"/proc/{self.keeper.pid}/root{path}"))

    def words(self, line):
        line = line.replace(SERVER_IN_README, self.server_address)
        return ["nsenter", f"--target={self.keeper.pid}", "--mount", "--net", "sh", "-c", f"exec {line}"]

    def reaches(self, whom):
        return "1 received" in self.type(f"ping -c 1 -w 2 {whom}", check=False)

    def type(self, line, check=True):
        environment = {**os.environ, "PATH": f"{programs()}:{os.environ['PATH']}"}
        if line.endswith("&"):
            with open(self.host.dir / "typed.log", "ab") as log:
                process = subprocess.Popen(
                    self.words(line.removesuffix("&")), env=environment, stdin=subprocess.DEVNULL,
                    stdout=log, stderr=log)
            self.host.processes.append(process)
            process.log_path = self.host.dir / "typed.log"
            return ""
        done = subprocess.run(
            self.words(line), env=environment, capture_output=True, text=True, timeout=30)
        assert not check or done.returncode == 0, f"{line}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout


def quick_start():
    """The indented command lines of the section, in order."""
    section = README.read_text().split("## Five minutes on two real machines")[1].split("\n## ")[0]
    return [line.strip() for line in section.splitlines() if line.startswith("    ")]


def joining_line(answer):
    return next(line.strip() for line in answer.splitlines() if line.strip().startswith("ayatori up"))


def served(lab):
    """The server's three commands, then the line that its last one printed."""
    server = Machine(lab.public_host("server", "198.51.100.1"), "198.51.100.1")
    init, serve, key_add, _, up = quick_start()
    assert [words.split()[0] for words in (init, serve, key_add, up)] == [
        "ayatori-coord", "ayatori-coord", "ayatori-coord", "ayatori"]
    server.type(init)
    server.type(serve)
    server.wait_for("/run/ayatori/coord.sock")
    printed = joining_line(server.type(key_add))
    shape = re.sub(r"aykey-auth-\S+", "aykey-auth-…", printed)
    shape = re.sub(r"sha256-raw:\S+", "sha256-raw:…", shape)
    assert shape == up.replace(SERVER_IN_README, "198.51.100.1"), printed
    return server, printed


def test_five_commands_join_two_machines():
    with Lab() as lab:
        server, up = served(lab)
        laptop = Machine(lab.host_behind("laptop", lab.router("home", Nat.PORT_PRESERVING)), "198.51.100.1")
        daemon = quick_start()[3]
        for machine in (server, laptop):
            machine.type(daemon)
            machine.wait_for("/run/ayatori/ayatorid.sock")
            machine.type(up + f" --hostname {machine.host.name}")
        wait_until("both are in the list", lambda: "laptop" in server.type("ayatori status"))
        wait_until("the server answers by name", lambda: laptop.reaches("server"))
        edit = "ayatori-coord node ip laptop 100.80.0.1"
        assert edit.replace("laptop", "NAME") in " ".join(README.read_text().split())
        server.type(edit)
        wait_until("it moved", lambda: server.reaches("100.80.0.1"))


def test_a_stock_client_is_the_second_machine():
    if stock("tailscaled") is None:
        raise Skip("stock tailscaled is not in the cache; packaging/setup test builds it where Go is")
    with Lab() as lab:
        server, up = served(lab)
        server.type("ayatorid &")
        server.wait_for("/run/ayatori/ayatorid.sock")
        server.type(up + " --hostname server")
        laptop = Machine(lab.host_behind("laptop", lab.router("home", Nat.PORT_PRESERVING)), "198.51.100.1")
        copy = laptop.host.dir / "cert.pem"
        copy.write_text(server.type("cat /var/lib/ayatori/coord/cert.pem"))
        laptop.type(f"env SSL_CERT_FILE={copy} {stock('tailscaled')} &")
        key = re.search(r"aykey-auth-\S+", up).group()
        login = f"{stock('tailscale')} up --login-server https://{SERVER_IN_README} --auth-key {key}"
        laptop.wait_for("/run/tailscale/tailscaled.sock")
        laptop.type(login)
        wait_until("the server answers by name", lambda: laptop.reaches("server"))
