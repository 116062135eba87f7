"""People whom another server vouches for: the whole way through a real OpenID provider, in a browser."""

from browser import browse, need_browser
from identity_provider import CLIENT_SECRET, IdentityProvider, need_provider
from lab import INTERNET, Lab, wait_until
from mesh import Coordinator, Node, StockNode
from test_login_pages import Waiting
from test_stock_client import need_stock

PASSWORD = "acht Kannen Kaffee"
GRANT, GO_ON = ".carousel-item.active .btn-primary", ".card-footer .btn-success"


def let_in_by_provider(browser, url, first):
    """From the address that a device shows, by way of the provider, to the device that is in."""
    browser.open(url)
    browser.click("#sign-in")
    browser.click("#oidc")
    wait_until("the provider asks who it is", lambda: browser.has("#loginbut"), 10)
    browser.type("#username", "erin")
    browser.type("#password", PASSWORD)
    browser.press("#loginbut")
    wait_until("it knows", lambda: browser.has(GO_ON), 10)
    if first:
        browser.press(GRANT)  # to tell who it is
    browser.click(GO_ON)
    wait_until("back here", lambda: browser.has("main"), 10)
    assert browser.title == "Add a device", browser.text
    assert "erin" in browser.text, browser.text
    browser.click(f'form[action="{url[url.index("/a/"):]}"] button')
    return browser.title, browser.text


def test_a_person_of_another_server_adds_devices():
    need_browser()
    need_stock()
    need_provider()
    with Lab() as lab:
        coordinator = Coordinator(lab)
        provider = IdentityProvider(lab.public_host("id", f"{INTERNET}.7"), coordinator.url + "/oidc/callback")
        provider.add_person("erin", PASSWORD)
        coordinator.kill()
        with (coordinator.dir / "config").open("a") as config:
            config.write(f"oidc_issuer = {provider.issuer}\noidc_client_id = ayatori\n"
                         f"oidc_client_secret = {CLIENT_SECRET}\noidc_name = People\n")
        coordinator.env["SSL_CERT_FILE"] = str(provider.certificate)
        coordinator.start()
        desk = lab.public_host("desk", f"{INTERNET}.9")
        nodes = [StockNode(lab.public_host("stock", f"{INTERNET}.5"), coordinator),
                 Node(lab.public_host("ours", f"{INTERNET}.6"), coordinator)]
        for node in nodes:
            waiting = Waiting(node)
            title, text = browse(desk, let_in_by_provider, waiting.url, node is nodes[0])
            assert title == "The device is in", text
            waiting.finish()
        # At the second login it is the same person, not another one.
        people = {user["loginName"] for user in coordinator.json("user", "ls")} - {"owner"}
        assert people == {"erin"}, people
        stock, ours = nodes
        stock.wait_ping(ours.ip)
        assert "erin" in stock.cli("whois", ours.ip).stdout
        assert "first login by " + provider.issuer in coordinator.cli("audit", "--json")
