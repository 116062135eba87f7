"""People whom another server vouches for: the whole way through a real OpenID provider, in a browser."""

from browser import browse, need_browser
from identity_provider import CLIENT_SECRET, IdentityProvider, need_provider
from lab import INTERNET, Lab, wait_until
from mesh import Coordinator, Node, StockNode
from test_login_pages import Waiting
from test_stock_client import need_stock

PASSWORD = "acht Kannen Kaffee"
GRANT, GO_ON = ".carousel-item.active .btn-primary", ".card-footer .btn-success"


def go_to_provider_and_back(browser, person, first):
    """From our page with the button to our page after it."""
    browser.click("#oidc")
    wait_until("the provider asks who it is", lambda: browser.has("#loginbut"), 10)
    browser.type("#username", person)
    browser.type("#password", PASSWORD)
    browser.press("#loginbut")
    wait_until("it knows", lambda: browser.has(GO_ON), 10)
    if first:
        browser.press(GRANT)  # to tell who it is
    browser.click(GO_ON)
    wait_until("back here", lambda: browser.has("main"), 10)


def let_in_by_provider(browser, url, first):
    """From the address that a device shows, by way of the provider, to the device that is in."""
    browser.open(url)
    browser.click("#sign-in")
    go_to_provider_and_back(browser, "erin", first)
    assert browser.title == "Add a device", browser.text
    assert "erin" in browser.text, browser.text
    browser.click(f'form[action="{url[url.index("/a/"):]}"] button')
    return browser.title, browser.text


def trust(coordinator, provider, secret=CLIENT_SECRET, **more):
    """From now on the coordinator asks this provider who people are."""
    settings = {"issuer": provider.issuer, "client_id": "ayatori", "client_secret": secret, "name": "People", **more}
    coordinator.kill()
    path = coordinator.dir / "config"
    others = [line for line in path.read_text().split("\n") if line and not line.startswith("oidc_")]
    path.write_text("\n".join([*others, *(f"oidc_{name} = {value}" for name, value in settings.items()), ""]))
    coordinator.env["SSL_CERT_FILE"] = str(provider.certificate)
    coordinator.start()


def test_a_person_of_another_server_adds_devices():
    need_browser()
    need_stock()
    need_provider()
    with Lab() as lab:
        coordinator = Coordinator(lab)
        provider = IdentityProvider(lab.public_host("id", f"{INTERNET}.7"), coordinator.url + "/oidc/callback")
        provider.add_person("erin", PASSWORD)
        trust(coordinator, provider)
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


def sign_in(browser, coordinator, person, first=False):
    browser.open(coordinator.url + "/login")
    go_to_provider_and_back(browser, person, first)
    return browser.title, browser.text


def while_it_is_away(browser, coordinator):
    browser.open(coordinator.url + "/login")
    browser.click("#oidc")
    return browser.title, browser.text


def refused_and_again(browser, coordinator):
    """Somebody who may not come, and the address they came back with once more."""
    first = sign_in(browser, coordinator, "erin", first=True)
    browser.open(browser.ask("GET", "/url"))
    return first, (browser.title, browser.text)


def come_back_with_anothers_login(browser, coordinator, address):
    browser.open(address)
    return browser.title, browser.text


def begin(browser, coordinator):
    """Where the provider would send the browser back to, with somebody else's code."""
    browser.open(coordinator.url + "/login")
    browser.click("#oidc")
    wait_until("the provider asks who it is", lambda: browser.has("#loginbut"), 10)
    state = browser.ask("GET", "/url").split("state")[1].lstrip("=%3D").split("%26")[0].split("&")[0]
    return f"{coordinator.url}/oidc/callback?state={state}&code=somebody"


def test_people_who_are_not_let_in():
    need_browser()
    need_provider()
    with Lab() as lab:
        coordinator = Coordinator(lab)
        provider = IdentityProvider(lab.public_host("id", f"{INTERNET}.7"), coordinator.url + "/oidc/callback")
        for person in ("erin", "frank"):
            provider.add_person(person, PASSWORD)
        desk = lab.public_host("desk", f"{INTERNET}.9")

        # The server starts and answers while the provider is away.
        provider.stop()
        trust(coordinator, provider, allowed_users="frank@id.example")
        title, text = browse(desk, while_it_is_away, coordinator)
        assert title == "The login did not work", (title, text)
        provider.start()

        (title, text), (again, text_again) = browse(desk, refused_and_again, coordinator)
        assert title == "Not let in" and "verified" in text, (title, text)
        assert again == "Not let in" and "not begun in this browser" in text_again, (again, text_again)
        assert "erin" not in coordinator.cli("user", "ls"), "nobody is made of who may not come"

        # A login begun in one browser is not ended in another.
        address = browse(desk, begin, coordinator)
        title, text = browse(desk, come_back_with_anothers_login, coordinator, address)
        assert title == "Not let in" and "not begun in this browser" in text, (title, text)

        # This provider makes all addresses itself, and does not say so.
        trust(coordinator, provider, allowed_users="frank@id.example", unverified_email="on")
        title, text = browse(desk, sign_in, coordinator, "erin")
        assert title == "Not let in" and "not one of those that may come" in text, (title, text)
        title, text = browse(desk, sign_in, coordinator, "frank", True)
        assert "frank" in text and title == "Your login", (title, text)
        frank = next(user for user in coordinator.json("user", "ls") if user["loginName"] == "frank@id.example")
        assert frank["role"] == "member"
        coordinator.cli("user", "suspend", frank["loginName"])
        title, text = browse(desk, sign_in, coordinator, "frank")
        assert "suspended" in text, (title, text)

        # The provider does not take us for who we say we are.
        trust(coordinator, provider, secret="another one")
        title, text = browse(desk, sign_in, coordinator, "frank")
        assert title == "The login did not work", (title, text)
