"""People let their devices in: by the page whose address a device shows, in a real browser."""

import re

from browser import browse, need_browser
from lab import INTERNET, Lab, wait_until
from mesh import Coordinator, Node, StockNode, certificate_pin
from test_stock_client import need_stock

PASSWORD = "neun Tassen Tee"


class Waiting:
    """`up` without a key: shows an address, and waits until somebody has been there."""

    def __init__(self, node, *options):
        words = ["up", "--login-server", node.coordinator.url, "--hostname", node.name, *options]
        if type(node) is Node:
            words += ["--server-cert", certificate_pin(node.coordinator)]
        self.node = node
        self.log = f"up-{node.name}-{len(list(node.host.dir.glob('up-*')))}.log"
        self.process = node.host.start(*node.program(), *words, log=self.log)

    @property
    def url(self):
        found = []

        def shown():
            found[:] = re.findall(rf"{re.escape(self.node.coordinator.url)}/a/\S+", self.said())
            return found

        wait_until("it shows an address", shown, 15)
        return found[-1]

    def said(self):
        return (self.node.host.dir / self.log).read_text()

    def finish(self):
        wait_until("it is let in", lambda: self.process.poll() is not None, 20)
        assert self.process.returncode == 0, self.said()


def sign_in_first(browser, link):
    """A new person: the link, then a password of one's own."""
    browser.open(link)
    assert browser.title == "Sign in"
    browser.click("form button")
    assert browser.title == "Your login", browser.text
    browser.fill("/account/password", new=PASSWORD)
    assert browser.has('form[action="/logout"]'), browser.text
    browser.fill("/logout")


def add_device(browser, url, name, user="alice"):
    """What a person does who follows the address that a device shows."""
    browser.open(url)
    assert browser.title == "Add a device" and name in browser.text, browser.text
    if browser.has("#sign-in"):
        browser.click("#sign-in")
        browser.fill("/login", user=user, password="not this one")
        assert "wrong" in browser.text
        browser.fill("/login", user=user, password=PASSWORD)
    assert user in browser.text, browser.text
    browser.click(f'form[action="{url[url.index("/a/"):]}"] button')
    return browser.title, browser.text


def test_devices_are_added_by_their_owner_in_a_browser():
    need_browser()
    need_stock()
    with Lab() as lab:
        coordinator = Coordinator(lab)
        coordinator.cli("user", "add", "alice")
        link = coordinator.cli("user", "link", "alice").split()[0]
        desk = lab.public_host("desk", f"{INTERNET}.9")
        stock = StockNode(lab.public_host("stock", f"{INTERNET}.5"), coordinator)
        ours = Node(lab.public_host("ours", f"{INTERNET}.6"), coordinator)
        waiting = [Waiting(node) for node in (stock, ours)]
        urls = [one.url for one in waiting]

        def visit(browser):
            sign_in_first(browser, link)
            browser.open(link)
            assert browser.title == "This link is over", "it is good for one time"
            seen = [add_device(browser, url, node.name)
                    for url, node in zip(urls, (stock, ours))]
            browser.open(urls[0] + "0")
            assert browser.title == "This link is over"
            return seen

        for title, text in browse(desk, visit):
            assert title == "The device is in", text
        for one in waiting:
            one.finish()
        for node in (stock, ours):
            assert node.status()["BackendState"] == "Running"
            assert coordinator.json("node", "show", node.name)["user"] == "alice"
        stock.wait_ping(ours.ip)
        assert "alice" in ours.cli("whois", stock.ip).stdout

        # A key that is over: the same way in, and the same device comes back.
        for node in (stock, ours):
            before = node.ip
            coordinator.cli("node", "expire", node.name)
            wait_until("it wants a login", lambda: node.status()["BackendState"] == "NeedsLogin", 10)
            again = Waiting(node)
            url = again.url
            title, text = browse(desk, add_device, url, node.name)
            assert title == "The device is in", text
            again.finish()
            assert node.ip == before
        stock.wait_ping(ours.ip)


def test_the_owner_signs_in_by_what_init_printed():
    need_browser()
    with Lab() as lab:
        coordinator = Coordinator(lab)

        def visit(browser):
            sign_in_first(browser, coordinator.owner_link)
            browser.open(coordinator.owner_link)
            return browser.title

        assert browse(lab.public_host("desk", f"{INTERNET}.9"), visit) == "This link is over"


def test_a_shared_machine_is_added_in_a_browser():
    need_browser()
    with Lab() as lab:
        coordinator = Coordinator(lab)
        coordinator.cli("account", "add", "lab", "--owner", "dora")
        login = coordinator.cli("--account", "lab", "user", "link", "dora").split()[0]
        owner = coordinator.json("user", "ls")[0]["loginName"]
        desk = lab.public_host("desk", f"{INTERNET}.9")
        shared = Node(lab.public_host("shared", f"{INTERNET}.5"), coordinator)
        guest = Node(lab.public_host("guest", f"{INTERNET}.6"), coordinator)
        shared.up(coordinator.add_key())
        guest.up(coordinator.cli("--account", "lab", "key", "add", "--user", "dora", "-q"))
        link = coordinator.cli("share", "add", "shared", "-q")

        def visit(browser):
            sign_in_first(browser, login)
            browser.open(link)
            assert browser.title == "Sign in", browser.text
            browser.fill("/login", user="dora", password=PASSWORD)
            assert browser.title == "Add a shared machine", browser.text
            assert "shared.default." in browser.text and owner in browser.text, browser.text
            browser.click(f'form[action="{link[link.index("/admin"):]}"] button')
            assert browser.title == "The machine is added", browser.text
            browser.open(link)
            return browser.title, browser.text

        title, text = browse(desk, visit)
        assert title == "This machine cannot be added" and "has it already" in text, text
        wait_until("it is there", lambda: guest.peer("shared"), 5)
        guest.wait_ping(guest.peer("shared")["TailscaleIPs"][0])


def test_a_device_waits_for_an_administrator_where_that_is_asked():
    need_browser()
    need_stock()
    with Lab() as lab:
        coordinator = Coordinator(lab)
        coordinator.cli("settings", "set", "devicesApprovalOn", "true")
        coordinator.cli("user", "add", "alice")
        link = coordinator.cli("user", "link", "alice").split()[0]
        desk = lab.public_host("desk", f"{INTERNET}.9")
        stock = StockNode(lab.public_host("stock", f"{INTERNET}.5"), coordinator)
        waiting = Waiting(stock)
        url = waiting.url

        def visit(browser):
            sign_in_first(browser, link)
            return add_device(browser, url, "stock")

        title, text = browse(desk, visit)
        assert title == "The device is in" and "still has to approve" in text, text
        wait_until("it knows", lambda: stock.status()["BackendState"] == "NeedsMachineAuth", 10)
        coordinator.rest(
            desk, "POST", f"/api/v2/device/{coordinator.json('node', 'show', 'stock')['nodeId']}/authorized",
            {"authorized": True}, coordinator.token())
        wait_until("it runs", lambda: stock.status()["BackendState"] == "Running", 10)
        waiting.finish()


def test_the_page_speaks_japanese():
    need_browser()
    with Lab() as lab:
        coordinator = Coordinator(lab)
        desk = lab.public_host("desk", f"{INTERNET}.9")

        def visit(browser):
            browser.open(coordinator.url + "/login")
            return browser.title

        assert browse(desk, visit, language="ja") == "ログイン"


def test_somebody_becomes_a_user_by_an_invitation():
    need_browser()
    with Lab() as lab:
        coordinator = Coordinator(lab)
        link = coordinator.cli("invite", "add", "--role", "admin", "--email", "dora@example.org", "-q").strip()

        def visit(browser):
            browser.open(link)
            assert browser.title == "You are invited", browser.text
            browser.fill(link[link.index("/join/"):], user="owner", password=PASSWORD)
            assert "Somebody else has that name" in browser.text, browser.text
            browser.fill(link[link.index("/join/"):], user="dora", password=PASSWORD)
            assert browser.title == "Your login" and "admin" in browser.text, browser.text
            browser.fill("/logout")
            browser.open(link)
            assert browser.title == "This invitation is over"

        browse(lab.public_host("desk", f"{INTERNET}.9"), visit)
        assert coordinator.json("invite", "ls") == []
        roles = {user["loginName"]: user["role"] for user in coordinator.json("user", "ls")}
        assert roles["dora"] == "admin", roles
        assert "invited by owner" in coordinator.cli("audit", "--json")
