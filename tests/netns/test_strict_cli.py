"""Scripts written for the stock command line, after `alias tailscale=ayatori`: every recorded call that a
daemon can be brought to is made again, by the name `tailscale`, against a real ayatorid on our coordinator, in
the state in which it was recorded. Exit status, streams and shapes are those of the recording (vectors/cli).

Figures, names and addresses differ from machine to machine and are made equal first; texts for people that no
script reads only have to be on the same stream.
"""

import concurrent.futures
import json
import os
import re

from lab import CommandFailed, INTERNET, Lab, programs, repository, wait_until
from mesh import Coordinator, Node

# In our words, or about another machine: the stream is compared, and nothing else.
OWN_WORDS = {
    "help", "no-verb", "nodaemon-ip", "nodaemon-status", "nodaemon-up", "ip-unknown-peer", "ping-unknown-name",
    "set-no-flags", "set-bad-bool", "set-bad-tags", "set-unknown-flag", "set-relay-port-bad", "status-help",
    "stopped-wait-timeout", "up-help", "up-repeated-flag", "up-unknown-flag", "unpriv-set", "version",
    "version-daemon", "bugreport", "bugreport-note", "unpriv-bugreport", "completion-complete-flags",
    "lock-status", "netcheck", "get", "get-set-flags", "up-authkey",
    # The network's own DNS settings and the host's resolver file are other ones here.
    "dns-status", "dns-status-all",
    # The server's words, and what it proposes.
    "up-bad-authkey", "exit-node-suggest",
    # What a peer says about itself.
    "whois", "whois-port", "stopped-whois",
}
# The recorded program also logs on its standard error.
# Who has had traffic counts as active for two minutes: these have a longer test of their own (`make soak`).
SILENT = {"status-after-force-reauth", "status-peer-offline"}
NOISY = {"netcheck", "netcheck-bad-format", "netcheck-json", "netcheck-json-line", "stopped-netcheck-json"}

# Warnings there of what our daemon does by itself (forwarding) or does not need (offloads of the uplink).
QUIETER = {"up-authkey"}

# What the recording says there, and what it would say of our node in the same place.
SAID_HERE = {
    # Ours stays in the network until somebody lets its new key in.
    "status-after-force-reauth": ("linux  offline", "linux  -"),
    # The server there did not say since when.
    "bravo-status": ("linux  offline", "linux  offline, last seen 1m ago"),
}

FIGURES = [
    (r"BUG-[0-9a-f]{64}-\d{14}Z-[0-9a-f]{16}", "MARKER"),
    (r"https?://[^\s\"']*/[^\s\"']+", "URL/PATH"),
    (r"https?://[^\s\"']+", "URL"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME"),
    (r"nodekey:[0-9a-f]{64}", "NODEKEY"),
    (r"\[?[0-9a-f]{1,4}(?::[0-9a-f]{0,4}){2,}\]?(?::\d+)?", "ADDR6"),
    (r"\d+\.\d+\.\d+\.\d+(?::\d+)?(?:/\d+)?", "ADDR"),
    (r"(?m)^[0-9a-f]{4}(?=  )", "ID"),
    (r"\b\d+(?:\.\d+)?(?:ms|s|m|h|d)\b", "DURATION"),
    (r"\b\d+\b", "N"),
    (r" +", " "),
]


def plain(text, names):
    text = text.split("\n# Health check:")[0]
    for name, stands_for in names:
        text = text.replace(name, stands_for)
    for pattern, stands_for in FIGURES:
        text = re.sub(pattern, stands_for, text)
    return [line.strip() for line in text.strip().split("\n")]


def kind(value):
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    return type(value).__name__


# Objects whose fields are names of things: one member is like the other.
MAPS = {"Peer", "User", "CapMap", "RegionLatency", "RegionV4Latency", "RegionV6Latency", "SplitDNSRoutes"}
# Tell about the moment or about a feature, and may be absent, null or empty.
MAY_DIFFER = {
    "Health", "Tags", "CertDomains", "ExtraRecords", "PrimaryRoutes", "CapMap", "Capabilities", "GlobalV4",
    "GlobalV6", "GlobalV4Counters", "GlobalV6Counters", "QR", "UPnP", "PMP", "PCP", "CaptivePortal", "Addrs",
    "ICMPv4", "MappingVariesByDestIP", "PeerAPIURL", "sshHostKeys", "isDev", "gitCommit", "gitCommitTime", "cap",
    "Expired", "RelayServerPort", "Config", "TaildropTarget", "KeyExpiry", "RegionV6Latency", "AdvertiseTags",
    "AdvertiseRoutes", "ProfileName", "PublicKey", "IPv4", "IPv6", "OperatorUser", "unstableBranch", "Apply",
    # Of the host's resolver file, which could not be read there.
    "SystemDNSError",
    # Of a node as the coordinator describes it.
    "Hostinfo", "Endpoints", "HomeDERP", "ComputedName", "ComputedNameWithHost", "Machine"}


NULL_OR_NOT = {".Peer", ".User"}  # null for none


def differences(recorded, ours, where=""):
    if where in NULL_OR_NOT and (recorded is None or ours is None):
        return
    if kind(recorded) != kind(ours):
        yield f"{where or 'value'}: {kind(ours)} in place of {kind(recorded)}"
    elif isinstance(recorded, dict):
        if where.rsplit(".", 1)[-1] in MAPS:
            if recorded and ours:
                yield from differences(next(iter(recorded.values())), next(iter(ours.values())), where + ".*")
            return
        for name, value in recorded.items():
            if name in MAY_DIFFER:
                continue
            if name not in ours:
                yield f"{where}.{name} is missing"
            else:
                yield from differences(value, ours[name], f"{where}.{name}")
    elif isinstance(recorded, list) and recorded and ours:
        yield from differences(recorded[0], ours[0], where + "[0]")


def blocks(text):
    """The JSON values at the beginning of a text, and what follows."""
    values, rest = [], text
    while rest.lstrip()[:1] in ("{", "["):
        try:
            value, end = json.JSONDecoder().raw_decode(rest.lstrip())
        except json.JSONDecodeError:
            break
        values.append(value)
        rest = rest.lstrip()[end:]
    return values, rest


class Replay:
    def __init__(self, lab):
        self.lab = lab
        vectors = os.environ.get("AYATORI_VECTORS", repository() / "tests/vectors")
        with open(f"{vectors}/cli/cli.json") as file:
            self.cases = {case["name"]: case for case in json.load(file)}
        self.ran, self.failed = set(), []
        self.program = lab.dir / "tailscale"
        os.symlink(programs() / "ayatori", self.program)
        os.chmod(lab.dir, 0o755)  # whoever has no rights here must reach the socket all the same

    def bring_up(self, coordinator, alpha, bravo=None):
        self.coordinator, self.alpha, self.bravo = coordinator, alpha, bravo

    def words(self, case, timeout):
        places = {
            "https://10.203.0.1:8443": self.coordinator.url,
            "100.64.0.77": "100.64.0.77",
        }
        if self.ips:
            places |= {"100.64.0.1": self.ips[0], "100.64.0.2": self.ips[1], "100.64.0.3": self.ips[1],
                       "lab.example": self.suffix, "AUTHKEY": self.key}
        out = []
        for word in case["argv"][1:]:
            for recorded, here in places.items():
                if recorded in word and "100.64.0.77" not in word:
                    word = word.replace(recorded, here)
                    break
            if word.startswith("--timeout=") and timeout:
                word = f"--timeout={timeout}"
            out.append(self.login if word == "f2d9" else word)
        return out

    ips, login, key, suffix = None, "f2d9", None, None

    def run(self, name, uid=0, timeout=None, words=None, socket=None):
        case = self.cases[name]
        caller = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if uid else []
        command = [*caller, self.program, "--socket", socket or self.alpha.socket,
                   *(words or self.words(case, timeout))]
        done = self.alpha.host.run(*command, check=False, timeout=40)
        self.ran.add(name)
        for problem in self.compare(case, done):
            self.failed.append(
                f"{name}: {problem}\n  {' '.join(case['argv'])}\n  stdout: {done.stdout[:300]!r}\n  "
                f"stderr: {done.stderr[:300]!r}\n  recorded: {case['stdout'][:300]!r} {case['stderr'][:300]!r}")

    def compare(self, case, done):
        name = case["name"]
        if done.returncode != case["exit"]:
            yield f"exit {done.returncode} in place of {case['exit']}"
        streams = [("stdout", done.stdout)]
        if name not in NOISY:
            streams.append(("stderr", done.stderr))
        for stream, text in streams:
            recorded = case[stream].replace(*SAID_HERE.get(name, ("", "")))
            if name in QUIETER:
                continue
            if bool(text) != bool(recorded):
                yield f"{stream} is {'empty' if not text else 'not empty'}"
                continue
            if name in OWN_WORDS or not text:
                continue
            theirs, their_rest = blocks(recorded)
            ours, our_rest = blocks(text)
            if len(theirs) != len(ours):
                yield f"{len(ours)} JSON values in place of {len(theirs)}"
            for mine, other in zip(ours, theirs):
                yield from differences(other, mine)
            if "metrics" in name:
                found = {line.rsplit(" ", 1)[0] for line in text.split("\n") if not line.startswith("#")}
                wanted = {line.rsplit(" ", 1)[0] for line in recorded.split("\n")
                          if line and not line.startswith("#")}
                if not wanted <= found:
                    yield f"no metrics {wanted - found}"
                continue
            if plain(their_rest, self.their_names) != plain(our_rest, self.our_names):
                yield f"{plain(our_rest, self.our_names)} in place of {plain(their_rest, self.their_names)}"

    their_names = [("--socket=SOCKET ", ""), ("alice@example.com", "OWNER"), ("alice@", "OWNER"),
                   ("tagged-devices", "OWNER"), ("lab.example", "SUFFIX"), ("\"lab\"", "RELAY"), ("DERP(lab)", "DERP"),
                   ("10.203.0.1  ", "NETWORK  "), ('"f2d9"', "LOGIN")]
    our_names = []

    def all_of(self, names, at_once=True, **how):
        """Calls that change nothing, beside each other."""
        if not at_once:
            for name in names:
                self.run(name, **how)
            return
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda name: self.run(name, **how), names))

    def named(self, prefix, but=()):
        return [name for name in self.cases if name.startswith(prefix) and name not in but]

    def finish(self, wanted):
        left = sorted(wanted - self.ran)
        print(f"            cli.json: {len(self.ran)} calls made again, {len(left)} not")
        for name in left:
            print(f"            left: {name}: needs a state that is not made here")
        assert not self.failed, f"{len(self.failed)} differ:\n" + "\n".join(self.failed)


def test_recorded_calls_against_a_real_daemon():
    with Lab() as lab:
        replay = Replay(lab)
        coordinator = Coordinator(lab)
        user = coordinator.json("user", "ls")[0]["loginName"]
        alpha = Node(lab.public_host("alpha", f"{INTERNET}.2"), coordinator, trust="ca")
        bravo = Node(lab.public_host("bravo", f"{INTERNET}.3"), coordinator, trust="ca")
        replay.bring_up(coordinator, alpha, bravo)

        replay.all_of(replay.named("nodaemon-"), socket=lab.dir / "nosuch.sock")

        # --- never logged in
        replay.all_of(replay.named("needslogin-", but=("needslogin-logout", "needslogin-status-authurl",
                                                       "needslogin-status-json-authurl")), timeout="300ms")
        replay.all_of(["version", "version-daemon", "version-json"])
        replay.run("needslogin-logout")
        by_a_person(replay, coordinator, alpha)

        # --- running
        alpha.cli("up", "--login-server", coordinator.url, "--auth-key", coordinator.add_key("--reusable"),
                  "--hostname", "alpha")
        wait_until("alpha is up", lambda: alpha.status()["BackendState"] == "Running")
        replay.our_names = [(user.split("@")[0] + "@", "OWNER"), (user.split("@")[0] + " ", "OWNER ")]
        replay.all_of(["status-single", "exit-node-list-none", "exit-node-suggest-none"])
        suffix = alpha.status()["MagicDNSSuffix"]
        names_and_servers(coordinator, suffix)
        replay.ips, replay.key, replay.suffix = [alpha.ip, alpha.ip], coordinator.add_key(), suffix
        replay.run("up-authkey", socket=bravo.socket)
        coordinator.cli("route", "approve", "bravo", "10.77.0.0/24", "0.0.0.0/0", "::/0")
        wait_until("alpha sees what bravo offers", lambda: (peer := alpha.peer("bravo"))
                   and peer["ExitNodeOption"] and peer["PrimaryRoutes"])
        replay.ips = [alpha.ip, bravo.ip]
        status = alpha.status()
        replay.our_names = [
            (f'bravo.{status["MagicDNSSuffix"]}', "bravo.SUFFIX"),
            (f"--socket={alpha.socket} ", ""), (status["CurrentTailnet"]["Name"] + "  ", "NETWORK  "),
            (user, "OWNER"), (user.split("@")[0] + "@", "OWNER"), (status["MagicDNSSuffix"], "SUFFIX"),
            (f'"{status["Self"]["Relay"]}"', "RELAY"),
            (f'DERP({status["Self"]["Relay"]})', "DERP")]
        replay.login = json.loads(alpha.cli("switch", "--list", "--json").stdout)[0]["id"]
        replay.our_names.append((f'"{replay.login}"', "LOGIN"))
        replay.all_of(["status", "status-self-false", "status-active"])
        running(replay, coordinator, alpha, bravo)
        exit_node(replay, alpha, bravo)
        as_bravo(replay, alpha, bravo)
        by_relay(replay, alpha, bravo)
        without_bravo(replay, alpha, bravo)
        down_and_out(replay, coordinator, alpha, bravo)
        replay.finish(set(replay.cases) - SILENT)


def names_and_servers(coordinator, suffix):
    server = coordinator.host.address
    coordinator.cli("dns", "set", "nameservers", server, "--fallback")
    coordinator.cli("dns", "set", "search", "corp.example")
    coordinator.cli("dns", "split", "corp.example", server)
    coordinator.cli("dns", "record", "add", f"printer.{suffix}", "100.64.0.99")


def by_a_person(replay, coordinator, alpha):
    replay.run("up-login-pending-timeout")
    replay.all_of(["needslogin-status-authurl", "needslogin-status-json-authurl"])
    replay.run("up-json-login-pending-timeout")
    asked = concurrent.futures.ThreadPoolExecutor(1).submit(replay.run, "up-json-login-completed")
    code = wait_until("it waits", lambda: coordinator.json("node", "pending"), 10)[0]["code"]
    wait_until("it is shown", lambda: alpha.status()["AuthURL"], 5)
    coordinator.cli("node", "approve", code)
    asked.result(30)
    alpha.cli("logout")
    coordinator.cli("node", "rm", "alpha")


READS = [
    "help", "no-verb", "unknown-verb", "ip", "ip-1", "ip-4", "ip-4-and-6", "ip-6", "ip-assert-bad", "ip-assert-ok",
    "ip-peer", "ip-peer-4", "ip-unknown-peer", "get-one", "get-unknown", "get", "get-json", "get-set-flags",
    "debug-prefs", "bugreport", "bugreport-note", "cert-no-arg", "completion-complete-flags", "file-cp-no-arg",
    "file-cp-targets", "funnel-status", "lock-status", "lock-status-json", "metrics", "metrics-print", "nc-no-arg",
    "netcheck-bad-format", "netcheck-json", "netcheck-json-line", "netcheck", "ping-no-arg", "ping-unknown-ip",
    "ping-unknown-name", "ping-self", "serve-status-json", "set-bad-bool", "set-bad-exit-node",
    "set-bad-netfilter", "set-bad-routes", "set-bad-tags", "set-exit-node-not-offering", "set-exit-node-self",
    "set-extra-args", "set-no-flags", "set-relay-port-bad", "set-unknown-flag", "status-header", "status-help",
    "status-json", "status-json-peers-false", "status-peers-false", "switch-json", "switch-list",
    "switch-list-json", "switch-remove-unknown", "switch-unknown", "up-already-running", "up-authkey-file-missing",
    "up-bad-exit-node", "up-bad-netfilter", "up-bad-routes", "up-bad-routes-text", "up-bad-tags",
    "up-change-login-server", "up-exit-node-self", "up-extra-args", "up-help", "up-missing-flag-all",
    "up-missing-flag-hostname", "up-missing-flag-login-server", "up-one-default-route", "up-repeated-flag",
    "up-unknown-flag", "wait", "whois", "whois-bad-arg", "whois-json", "whois-json-self", "whois-no-arg",
    "whois-port", "whois-unknown", "dns-query", "dns-query-aaaa-json", "dns-query-extra-record",
    "dns-query-nxdomain", "dns-status", "dns-status-all", "dns-status-json",
]


def running(replay, coordinator, alpha, bravo):
    replay.all_of(READS, timeout="3s")
    for name in ("ping-size", "ping-verbose", "ping-c3", "ping-c3-no-until-direct", "ping-icmp", "ping-tsmp",
                 "ping-peerapi"):
        wait_until("a direct path", lambda: alpha.ping(bravo.ip) and alpha.direct_to("bravo"), 15)
        replay.run(name)
    replay.run("status-after-ping")
    replay.all_of(["unpriv-bugreport", "unpriv-debug-prefs", "unpriv-dns-status-json", "unpriv-down", "unpriv-file-get", "unpriv-logout",
                   "unpriv-ping", "unpriv-set", "unpriv-status", "unpriv-switch", "unpriv-up"], uid=65534)
    for name in ("set-nickname", "set-bad-hostname"):
        replay.run(name)
    alpha.cli("set", "--hostname", "alpha", "--nickname", "")
    for name in ("up-all-flags-same", "up-json-already-running"):
        replay.run(name)
    alpha.cli("set", "--shields-up")
    replay.run("up-reset")
    replay.run("set-operator")
    replay.run("operator-set", uid=65534)
    replay.run("operator-down", uid=65534)
    alpha.cli("up")
    replay.run("set-operator-clear")
    replay.run("up-force-reauth-timeout")


def exit_node(replay, alpha, bravo):
    replay.all_of(["exit-node-list", "exit-node-list-filter-none", "exit-node-suggest"])
    replay.run("set-exit-node")
    wait_until("it is in use", lambda: alpha.peer("bravo")["ExitNode"])
    wait_until("a direct path", lambda: alpha.ping(bravo.ip) and alpha.direct_to("bravo"), 15)
    replay.all_of(["exit-node-list-selected", "status-with-exit-node", "status-json-with-exit-node",
                   "up-missing-flag-exit-node"])
    replay.run("set-exit-node-off")


def as_bravo(replay, alpha, bravo):
    replay.all_of(["bravo-up-missing-flags", "bravo-whois-json-alpha", "bugreport-real-marker",
                   "bugreport-real-marker-note"], socket=bravo.socket)


def by_relay(replay, alpha, bravo):
    alpha.host.nft("""
        table inet no_udp {
          chain in { type filter hook input priority -10; meta l4proto udp drop; }
          chain out { type filter hook output priority -10; oifname "eth0" meta l4proto udp drop; }
        }
    """)
    wait_until("by the relay", lambda: alpha.ping(bravo.ip, timeout=1) and not alpha.direct_to("bravo"), 30)
    replay.all_of(["ping-relayed-c1-no-until-direct", "ping-relayed-c3", "status-relayed", "status-json-relayed",
                   "status-active-relayed"])
    alpha.host.nft("delete table inet no_udp\n")


def without_bravo(replay, alpha, bravo):
    bravo.stop()
    wait_until("bravo is offline", lambda: not alpha.peer("bravo")["Online"], 30)
    replay.all_of(["ping-peer-offline", "ping-icmp-peer-offline", "status-json-peer-offline",
                   "exit-node-list-offline", "exit-node-suggest-offline"])
    replay.run("set-exit-node-offline")
    alpha.cli("set", "--exit-node=")
    bravo.start()
    wait_until("bravo is back", lambda: alpha.peer("bravo")["Online"], 30)


def of_three(replay, alpha, bravo):
    """The other login is a machine of its own, and away."""
    wait_until("there is a way", lambda: alpha.ping(bravo.ip), 30)
    bravo.stop()
    wait_until("bravo is offline", lambda: not alpha.peer("bravo")["Online"], 30)
    alpha.cli("set", "--exit-node", replay.ips[1])
    alpha.ping(replay.ips[1], timeout=1)
    wait_until("no direct path is known any more", lambda: not alpha.direct_to("bravo"), 30)
    alpha.ping(replay.ips[1], timeout=1)
    replay.run("status-exit-node-offline")
    alpha.cli("set", "--exit-node=")


def down_and_out(replay, coordinator, alpha, bravo):
    replay.run("down")
    replay.run("down-again")
    # Whoever has just started has had no traffic with anybody.
    bravo.stop()
    bravo.start()
    wait_until("bravo is back", lambda: bravo.status()["BackendState"] == "Running")
    wait_until("alpha is away", lambda: not bravo.peer("alpha")["Online"], 15)
    replay.run("bravo-status", socket=bravo.socket)
    alpha.cli("set", "--nickname", "lab")
    replay.all_of(replay.named("stopped-", but=("stopped-set-shields", "stopped-up-missing-flag")), timeout="500ms")
    replay.run("stopped-set-shields")
    alpha.cli("set", "--shields-up=false")
    replay.run("stopped-up-missing-flag")
    replay.run("up-json-from-stopped")
    alpha.cli("down")
    replay.run("up-from-stopped-no-flags")

    # --- two logins
    coordinator.cli("user", "add", "bob@example.com")
    replay.key = coordinator.add_key(user="bob@example.com")
    replay.run("login-authkey-second-profile")
    replay.all_of(["switch-list-two", "switch-list-two-json", "switch-same"])
    replay.run("switch-by-id")
    replay.run("switch-list-after")
    assert alpha.ip == replay.ips[0], "the first login has its address again"
    of_three(replay, alpha, bravo)
    replay.run("switch-by-nickname")
    alpha.cli("logout")
    wait_until("logged out", lambda: alpha.status()["BackendState"] == "NeedsLogin")
    replay.all_of(["status-after-logout-second", "switch-list-after-logout"])
    replay.run("switch-back")

    # --- logged out
    replay.run("logout")
    wait_until("logged out", lambda: alpha.status()["BackendState"] == "NeedsLogin")
    replay.all_of(replay.named("loggedout-"), timeout="300ms")
    replay.run("up-bad-authkey", timeout="6s")
    replay.run("status-after-bad-authkey")


def soak_recorded_calls_after_two_minutes_of_silence():
    with Lab() as lab:
        replay = Replay(lab)
        coordinator = Coordinator(lab)
        user = coordinator.json("user", "ls")[0]["loginName"]
        coordinator.cli("user", "add", "bob@example.com")
        alpha, bravo, bob = (
            Node(lab.public_host(name, f"{INTERNET}.{number}"), coordinator, trust="ca")
            for number, name in enumerate(("alpha", "bravo", "alpha-bob"), 2))
        replay.bring_up(coordinator, alpha)

        def join(node, key, *options):
            node.cli("up", "--login-server", coordinator.url, "--auth-key", key, "--hostname", node.name, *options)

        join(alpha, coordinator.add_key())
        join(bravo, coordinator.add_key(), "--advertise-exit-node")
        coordinator.cli("route", "approve", "bravo", "--exit-node")
        replay.our_names = [(user.split("@")[0] + " ", "OWNER ")]
        wait_until("a ping", lambda: alpha.ping(bravo.ip))
        wait_until("nothing has come from bravo for two minutes", lambda: not alpha.peer("bravo")["Active"], 140,
                   every=1)
        replay.run("up-force-reauth-timeout")
        replay.run("status-after-force-reauth")
        join(bob, coordinator.add_key(user="bob@example.com"))
        wait_until("bob is seen", lambda: alpha.peer("alpha-bob"))
        for node in (bob, bravo):
            node.stop()
            wait_until(f"{node.name} is offline", lambda: not alpha.peer(node.name)["Online"], 30)
        replay.run("status-peer-offline")
        replay.finish(SILENT)
