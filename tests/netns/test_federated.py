"""Machines and programs that join without a secret: another server vouches for them by its tokens."""

import contextlib
import json

from lab import INTERNET, Lab, wait_until
from mesh import Coordinator, Node, StockNode, certificate_pin
from test_stock_client import need_stock
from workload_issuer import WorkloadIssuer

AGAIN_AFTER = 10  # seconds, until an issuer is asked anew


@contextlib.contextmanager
def network():
    with Lab() as lab:
        coordinator = Coordinator(lab)
        issuer = WorkloadIssuer(lab.public_host("issuer", f"{INTERNET}.7"))
        coordinator.kill()
        coordinator.env["SSL_CERT_FILE"] = str(issuer.certificate)
        coordinator.start()
        with contextlib.closing(issuer):
            yield lab, coordinator, issuer


def identify(coordinator, issuer, subject="repo:example/*", *options):
    return coordinator.json("federated", "add", "auth_keys,devices:core", "--issuer", issuer.url, "--subject",
                            subject, "--tag", "ci", *options)


def exchange(host, coordinator, identity, token):
    """As any program does it. (status, answer)"""
    text, _, status = host.run(
        "curl", "-sS", "-k", "-w", "\n%{http_code}", "--data-urlencode", f"client_id={identity['id']}",
        "--data-urlencode", f"jwt={token}", f"{coordinator.url}/api/v2/oauth/token-exchange").stdout.rpartition("\n")
    return int(status), json.loads(text)


def test_a_program_and_a_machine_come_with_the_token_of_another_server():
    with network() as (lab, coordinator, issuer):
        identity = identify(coordinator, issuer, "repo:example/*", "--claim", "environment=prod*",
                            "--claim", "ref=refs/heads/*", "--description", "pipeline")
        audience = identity["audience"]
        assert audience.endswith("/" + identity["id"]), identity
        shown = coordinator.cli("key", "show", identity["id"])
        assert issuer.url in shown and "environment is prod*, ref is refs/heads/*" in shown, shown
        assert "federated: auth_keys  devices:core" in coordinator.cli("key", "ls")

        job = lab.public_host("job", f"{INTERNET}.9")
        good = {"environment": "production", "ref": ["refs/heads/main"]}
        status, access = exchange(job, coordinator, identity, issuer.token(audience, "repo:example/site", **good))
        assert status == 200 and access["scope"] == "auth_keys devices:core", access
        status, key = coordinator.rest(
            job, "POST", "/api/v2/tailnet/-/keys",
            {"capabilities": {"devices": {"create": {"tags": ["tag:ci"], "preauthorized": True}}}},
            access["access_token"])
        assert status == 200, key
        runner = Node(lab.public_host("runner", f"{INTERNET}.5"), coordinator)
        runner.up(key["key"])
        assert [node["tags"] for node in coordinator.json("node", "ls")] == [["tag:ci"]]

        # Somebody else's token, genuine or not, opens nothing.
        for subject, claims in (("repo:other/site", good), ("repo:example/site", {**good, "environment": "test"})):
            status, refused = exchange(job, coordinator, identity, issuer.token(audience, subject, **claims))
            assert (status, refused["error"]) == (400, "invalid_grant"), refused
        head, claims, _ = issuer.token(audience, "repo:example/site", **good).split(".")
        status, refused = exchange(job, coordinator, identity, f"{head}.{claims}.AAAA")
        assert status == 400 and "signature" in refused["error_description"], refused
        assert len(issuer.asked) == 2, issuer.asked

        # A machine with its token, in one line; by then the issuer has another key.
        issuer.rotate("second", "ES256")
        box = Node(lab.public_host("box", f"{INTERNET}.6"), coordinator)
        secret = box.host.dir / "token"
        secret.write_text(issuer.token(audience, "repo:example/site", **good))

        def joins(*options):
            return box.cli("up", "--login-server", coordinator.url, "--server-cert", certificate_pin(coordinator),
                           "--client-id", identity["id"], "--id-token", f"file:{secret}",
                           "--advertise-tags", "ci", *options, check=False)

        wait_until("the new key is known", lambda: joins().returncode == 0, AGAIN_AFTER + 5, 1)
        assert issuer.asked[2:] == issuer.asked[:2], issuer.asked
        runner.wait_ping(box.ip)
        by = [entry["actor"]["id"] for entry in json.loads(coordinator.cli("audit", "--json"))
              if entry["target"]["type"] == "AUTH_KEY"]
        assert by == [identity["id"]] * 2, by

        # Revoked, it is nobody.
        coordinator.cli("key", "rm", identity["id"])
        status, refused = exchange(job, coordinator, identity, secret.read_text())
        assert (status, refused["error"]) == (401, "invalid_client"), refused


def test_the_stock_client_joins_with_such_a_token():
    need_stock()
    with network() as (lab, coordinator, issuer):
        identity = identify(coordinator, issuer)
        node = StockNode(lab.public_host("stock", f"{INTERNET}.5"), coordinator)
        token = issuer.token(identity["audience"], "repo:example/site")
        done = node.host.run(
            *node.program(), "up", "--login-server", coordinator.url, "--client-id", identity["id"], "--id-token",
            token, "--advertise-tags", "tag:ci", env={"SSL_CERT_FILE": str(coordinator.certificate)}, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert node.status()["Self"]["Tags"] == ["tag:ci"]


def test_a_machine_joins_by_the_secret_of_a_client():
    with Lab() as lab:
        coordinator = Coordinator(lab)
        secret = coordinator.cli("oauth", "add", "auth_keys", "--tag", "ci", "-q")
        assert secret.startswith("tskey-client-"), secret
        node = Node(lab.public_host("box", f"{INTERNET}.6"), coordinator)
        words = ("up", "--login-server", coordinator.url, "--server-cert", certificate_pin(coordinator),
                 "--client-secret", secret + "?ephemeral=false")
        without = node.cli(*words, check=False)
        assert without.returncode == 2 and "--advertise-tags" in without.stderr, without.stderr
        other = node.cli(*words, "--advertise-tags", "db", check=False)
        assert other.returncode == 1 and "tag:db" in other.stderr, other.stderr
        node.cli(*words, "--advertise-tags", "ci")
        [device] = coordinator.json("node", "ls")
        assert device["tags"] == ["tag:ci"] and not device["isEphemeral"], device


def test_nobody_is_let_into_the_servers_own_network_by_naming_an_issuer_there():
    with Lab() as lab:
        coordinator = Coordinator(lab)
        issuer = WorkloadIssuer(coordinator.host, "127.0.0.1")
        with contextlib.closing(issuer):
            coordinator.kill()
            coordinator.env["SSL_CERT_FILE"] = str(issuer.certificate)
            coordinator.start()
            identity = identify(coordinator, issuer)
            token = issuer.token(identity["audience"], "repo:example/site")
            job = lab.public_host("job", f"{INTERNET}.9")
            status, refused = exchange(job, coordinator, identity, token)
            assert (status, refused["error"]) == (503, "temporarily_unavailable"), refused
            assert not issuer.asked, issuer.asked
            assert "is in a local network" in coordinator.process.log_path.read_text()
            coordinator.kill()
            with (coordinator.dir / "config").open("a") as config:
                config.write("webhooks_private = on\n")
            coordinator.start()
            status, access = exchange(job, coordinator, identity, token)
            assert status == 200, access
