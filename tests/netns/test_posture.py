"""Machines get in, and lose access, by what other services say of their state."""

import contextlib
import json
import socket

from lab import INTERNET, Lab, wait_until
from mesh import Coordinator, Node
from posture_services import CLIENT, SECRET, Services, TENANT, TOKEN

# The daemon reads its serial number from the firmware: here every machine has one of its own.
OWN_FIRMWARE = """
    set -e
    own=$1/class serial=$2; shift 2
    mkdir -p $own/net $own/dmi/id
    echo $serial > $own/dmi/id/product_serial
    mount --rbind /sys/class/net $own/net
    mount --rbind $own /sys/class
    exec "$@"
"""
POLICY = {
    "postures": {"posture:good": ["intune:complianceState == 'compliant'"]},
    "grants": [{"src": ["*"], "dst": ["*"], "ip": ["tcp:7000"], "srcPosture": ["posture:good"]},
               {"src": ["*"], "dst": ["*"], "ip": ["icmp:*"]}],
}


def machine(lab, coordinator, name, last, serial):
    host = lab.public_host(name, f"{INTERNET}.{last}")
    node = Node(host, coordinator, prefix=("sh", "-c", OWN_FIRMWARE, "own-firmware", host.dir, serial))
    node.up(coordinator.add_key())
    node.cli("set", "--report-posture")
    return node


def reaches(node, target):
    def connect():
        with contextlib.suppress(OSError), socket.create_connection((target.ip, 7000), timeout=1) as there:
            return there.recv(5) == b"hello"
        return False

    return node.host.thread(connect).result(5)


def serve(node):
    """Greets whoever connects to port 7000 of the node."""
    server = node.host.thread(socket.create_server, ("", 7000)).result(5)

    def greet():
        while True:
            try:
                there, _ = server.accept()
            except OSError:
                return
            with there:
                there.sendall(b"hello")

    node.host.thread(greet)
    return server


class Posture:
    """`posture` on the command line."""

    def __init__(self, coordinator):
        self.coordinator = coordinator

    def add(self, provider, secret, *options):
        words = (self.coordinator.bin, "--dir", self.coordinator.dir, "posture", "add", provider, *options)
        return self.coordinator.host.run(*words, input=secret + "\n").stdout

    def status(self, provider):
        [one] = [each for each in self.coordinator.json("posture", "ls") if each["provider"] == provider]
        return one["status"]

    def sync(self, provider):
        before = self.status(provider).get("lastSync")
        self.coordinator.cli("posture", "sync", provider)
        wait_until(f"{provider} has been asked", lambda: self.status(provider).get("lastSync") != before, 20)
        return self.status(provider)


@contextlib.contextmanager
def network():
    with Lab() as lab:
        coordinator = Coordinator(lab)
        services = Services(lab.public_host("services", f"{INTERNET}.7"))
        services.found_by(coordinator.host)
        coordinator.kill()
        coordinator.env["SSL_CERT_FILE"] = str(services.certificate)
        coordinator.start()
        with contextlib.closing(services):
            yield lab, coordinator, services


def attributes(coordinator, name):
    path = f"/api/v2/device/{coordinator.json('node', 'show', name)['nodeId']}/attributes"
    status, answer = coordinator.rest(coordinator.host, "GET", path, token=coordinator.api_token)
    assert status == 200, answer
    return answer["attributes"]


def test_access_follows_the_state_of_the_machine():
    with network() as (lab, coordinator, services):
        coordinator.api_token = coordinator.token()
        posture = Posture(coordinator)
        laptop = machine(lab, coordinator, "laptop", 5, "SN-LAPTOP")
        server = machine(lab, coordinator, "server", 6, "SN-SERVER")
        coordinator.cli("settings", "set", "postureIdentityCollectionOn", "true")
        for name in ("laptop", "server"):
            told = wait_until(f"{name} says which machine it is",
                              lambda: coordinator.json("node", "show", name).get("postureIdentity"), 20)
            assert told["serialNumbers"] == [f"SN-{name.upper()}"], told
        policy = coordinator.host.dir / "policy"
        policy.write_text(json.dumps(POLICY))
        coordinator.cli("policy", "set", policy)
        listener = serve(server)
        laptop.wait_ping(server.ip)
        assert not reaches(laptop, server)

        # An OAuth provider: compliant lets in, at once and over several pages.
        services.compliance = {"SN-LAPTOP": "compliant", "SN-OTHER": "compliant"}
        posture.add("intune", SECRET, "--cloud", "global", "--tenant", TENANT, "--client", CLIENT)
        wait_until("the laptop is let in", lambda: reaches(laptop, server), 20)
        wait_until("it has been asked", lambda: posture.status("intune").get("lastSync"))
        status = posture.status("intune")
        assert (status["providerHostCount"], status["possibleMatchedCount"], status["matchedCount"]) == (2, 2, 1), status
        assert attributes(coordinator, "laptop")["intune:complianceState"] == "compliant"
        assert "intune:complianceState" not in attributes(coordinator, "server")

        # A machine that is compliant no longer is out with the next questions; nothing else happens.
        services.compliance["SN-LAPTOP"] = "noncompliant"
        posture.sync("intune")
        wait_until("the laptop is out", lambda: not reaches(laptop, server), 10)
        assert laptop.ping(server.ip) == 1, "another rule still holds"
        services.compliance["SN-LAPTOP"] = "compliant"
        posture.sync("intune")
        wait_until("it is in again", lambda: reaches(laptop, server), 10)
        changes = len(coordinator.json("audit", "--event", "NODE.UPDATE.POSTURE_ATTRIBUTES"))
        posture.sync("intune")
        assert len(coordinator.json("audit", "--event", "NODE.UPDATE.POSTURE_ATTRIBUTES")) == changes

        # While the service is away its last word holds, also over a restart.
        services.away = True
        assert "microsoftonline.com" in posture.sync("intune")["error"]
        assert reaches(laptop, server)
        coordinator.kill()
        coordinator.start()
        assert attributes(coordinator, "laptop")["intune:complianceState"] == "compliant"
        wait_until("it is still let in", lambda: reaches(laptop, server), 20)
        services.away = False
        assert "error" not in posture.sync("intune")

        # A token provider beside it; the policy asks for what it says.
        services.fleet = {"SN-LAPTOP": "fail"}
        posture.add("fleet", TOKEN, "--cloud", services.fleet_url)
        # Since the restart machines are asked anew which they are.
        wait_until("fleet knows the laptop", lambda: posture.sync("fleet")["matchedCount"] == 1, 20)
        POLICY["postures"]["posture:good"].append("fleetPolicy:disk == true")
        policy.write_text(json.dumps(POLICY))
        coordinator.cli("policy", "set", policy)
        wait_until("the laptop is out again", lambda: not reaches(laptop, server), 10)
        services.fleet["SN-LAPTOP"] = "pass"
        posture.sync("fleet")
        wait_until("the laptop passes", lambda: reaches(laptop, server), 10)

        coordinator.cli("posture", "rm", "fleet")
        wait_until("nobody says that any more", lambda: not reaches(laptop, server), 10)
        assert not [name for name in attributes(coordinator, "laptop") if name.startswith("fleet")]
        listener.close()

        # A wrong secret is said to be one. Nobody is shown any.
        wrong = coordinator.host.dir / "wrong"
        wrong.write_text("s3cret-wrong\n")
        coordinator.cli("posture", "set", "intune", "--secret-file", wrong)
        wait_until("it is refused", lambda: "invalid_client" in posture.status("intune").get("error", ""), 20)
        shown = [coordinator.cli("posture", "ls"), json.dumps(coordinator.json("posture", "ls")),
                 json.dumps(coordinator.json("audit")), coordinator.process.log_path.read_text()]
        for text in shown:
            assert "s3cret" not in text, text


def test_a_service_in_the_servers_own_network_is_not_asked_unless_its_configuration_allows_it():
    with network() as (lab, coordinator, services):
        posture = Posture(coordinator)
        posture.add("fleet", TOKEN, "--cloud", "https://127.0.0.1:1")
        wait_until("it is refused", lambda: posture.status("fleet").get("error"), 10)
        assert "local network" in posture.status("fleet")["error"], posture.status("fleet")
