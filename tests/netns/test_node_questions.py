"""What stock clients ask the coordinator besides their map, and what it asks them."""

import base64
import hashlib
import json
import urllib.parse

from lab import CommandFailed, INTERNET, Lab, wait_until
from mesh import Coordinator, Node, StockNode
from test_stock_client import need_stock


def local_api(node, method, path, body=None):
    """A call to the daemon's own socket. Returns (status, text)."""
    words = ["curl", "-sS", "--unix-socket", node.socket, "-X", method, "-w", "\n%{http_code}",
             f"http://local-tailscaled.sock/localapi/v0/{path}"]
    if body is not None:
        words += ["-d", json.dumps(body)]
    text, _, status = node.host.run(*words).stdout.rpartition("\n")
    return int(status), text


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verified_claims(token, keys):
    """What an RS256 token says, checked as RFC 8017 writes it down, with nothing of ours."""
    head, claims, signature = token.split(".")
    header = json.loads(decoded(head))
    key = next(one for one in keys if one["kid"] == header["kid"])
    assert header["alg"] == key["alg"] == "RS256", header
    n, e = (int.from_bytes(decoded(key[name]), "big") for name in ("n", "e"))
    size = (n.bit_length() + 7) // 8
    block = pow(int.from_bytes(decoded(signature), "big"), e, n).to_bytes(size, "big")
    digest = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(
        f"{head}.{claims}".encode()).digest()
    assert block == b"\x00\x01" + b"\xff" * (size - 3 - len(digest)) + b"\x00" + digest
    return json.loads(decoded(claims))


def stock_and_coordinator(lab):
    coordinator = Coordinator(lab)
    node = StockNode(lab.public_host("stock", f"{INTERNET}.5"), coordinator)
    node.up(coordinator.add_key("--reusable"))
    node.settle()
    return coordinator, node


def test_a_node_proves_who_it_is_to_others():
    need_stock()
    with Lab() as lab:
        coordinator, node = stock_and_coordinator(lab)

        def token():  # not while it dials anew, see below
            status, text = local_api(node, "GET", "id-token?aud=vault.example")
            return text if status == 200 else None

        text = wait_until("it has a token", token, 10)
        other = lab.public_host("vault", f"{INTERNET}.9")
        status, about = coordinator.rest(other, "GET", "/.well-known/openid-configuration")
        assert status == 200 and about["issuer"] == coordinator.url, about
        path = urllib.parse.urlsplit(about["jwks_uri"]).path
        status, keys = coordinator.rest(other, "GET", path)
        claims = verified_claims(json.loads(text)["id_token"], keys["keys"])
        assert claims["iss"] == coordinator.url and claims["aud"] == "vault.example", claims
        assert claims["node"].startswith("stock.") and f"{node.ip}/32" in claims["addresses"], claims


def test_a_node_says_of_itself_what_a_policy_may_ask_for():
    need_stock()
    with Lab() as lab:
        coordinator, node = stock_and_coordinator(lab)
        path = f"/api/v2/device/{coordinator.json('node', 'show', 'stock')['nodeId']}/attributes"
        token = coordinator.token()

        def attributes():
            return coordinator.rest(node.host, "GET", path, token=token)[1]["attributes"]

        status, text = local_api(node, "PATCH", "alpha-set-device-attrs", {"self:sealed": True, "self:score": 7})
        assert status == 200, text
        assert attributes()["self:sealed"] is True and attributes()["self:score"] == 7
        status, text = local_api(node, "PATCH", "alpha-set-device-attrs", {"custom:tier": "prod"})
        assert status != 200, text
        status, text = local_api(node, "PATCH", "alpha-set-device-attrs", {"self:sealed": None})
        assert status == 200, text
        shown = attributes()
        assert "self:sealed" not in shown and "custom:tier" not in shown, shown


def test_administrators_look_into_a_node():
    need_stock()
    with Lab() as lab:
        coordinator, node = stock_and_coordinator(lab)
        ours = Node(lab.public_host("ours", f"{INTERNET}.6"), coordinator)
        ours.up(coordinator.add_key())

        # A stock client that has just set its interface up calls its own links changed and dials
        # anew, and between its streams nobody can ask it.
        def asked(name, path):
            return wait_until(f"{name} answers", lambda: coordinator.cli("node", "debug", name, path), 10)

        prefs = json.loads(asked("stock", "/debug/prefs"))
        assert prefs["Hostname"] == "stock" and prefs["WantRunning"], prefs
        assert "ours" in asked("stock", "/debug/netmap")
        assert "goroutine" in asked("stock", "/debug/goroutines")
        prefs = json.loads(asked("ours", "/debug/prefs"))
        assert prefs["Hostname"] == "ours", prefs
        assert "stock" in asked("ours", "/debug/netmap")
        answer = coordinator.json("node", "debug", "ours", "/echo")
        assert answer["status"] == 200, answer
        path = f"/api/v2/device/{coordinator.json('node', 'show', 'stock')['nodeId']}/c2n"
        token = coordinator.token()
        question = {"method": "POST", "path": "/echo", "body": "hello"}

        def echo():
            status, answer = coordinator.rest(node.host, "POST", path, question, token)
            assert status in (200, 409), answer
            return answer if status == 200 else None

        assert wait_until("stock echoes", echo, 10)["body"] == "hello"
        status, answer = coordinator.rest(node.host, "POST", path, {"method": "POST", "path": "/update"}, token)
        assert status == 403, answer
        try:
            coordinator.cli("node", "debug", "stock", "/update")
        except CommandFailed as refused:
            assert "on the device itself" in str(refused)
        else:
            raise AssertionError("an update from afar")
        assert "C2N" in json.dumps(coordinator.json("audit"))


def test_hardware_is_told_where_both_sides_want_it():
    need_stock()
    with Lab() as lab:
        coordinator, node = stock_and_coordinator(lab)
        ours = Node(lab.public_host("ours", f"{INTERNET}.6"), coordinator)
        ours.up(coordinator.add_key())

        def identity(name):
            return coordinator.json("node", "show", name).get("postureIdentity")

        assert identity("stock") is None
        coordinator.cli("settings", "set", "postureIdentityCollectionOn", "true")
        wait_until("they have answered", lambda: identity("stock") and identity("ours"), 20)
        assert identity("stock") == identity("ours") == {"disabled": True}
        node.cli("set", "--report-posture")
        node.kill()
        node.start()
        told = wait_until("it tells", lambda: identity("stock").get("hardwareAddresses"), 30)
        assert any(":" in address for address in told), told
        coordinator.cli("settings", "set", "postureIdentityCollectionOn", "false")
        wait_until("it is forgotten", lambda: identity("stock") is None, 20)
