"""SSH sessions that a person confirms: a stock server of SSH asks the coordinator, its person says yes
in a real browser, and an ordinary `ssh` goes on."""

import json
import re
import shutil

from browser import browse, need_browser
from lab import INTERNET, Lab, wait_until
from mesh import Coordinator, StockNode
from test_login_pages import PASSWORD, sign_in_first
from test_stock_client import need_stock
from verdict import Skip

POLICY = {
    "grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]}],
    "ssh": [{"action": "check", "checkPeriod": "1h", "src": ["autogroup:member"],
             "dst": ["autogroup:self"], "users": ["root"]}],
}


class Session:
    """An ordinary ssh that runs one command on the other side, and what it said so far."""

    def __init__(self, source, target, number):
        self.log = source.host.dir / f"ssh-{number}.log"
        self.process = source.host.start(
            "ssh", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-o", "ConnectTimeout=10", f"root@{target.ip}", "echo", "inside:$USER", log=self.log.name)

    def said(self):
        return self.log.read_text(errors="replace")

    def page(self):
        return wait_until("it shows a page", lambda: re.search(r"https://\S+/ssh/[0-9a-f]+", self.said()), 20)[0]

    def code(self):
        wait_until("it ends", lambda: self.process.poll() is not None, 30)
        return self.process.returncode


def decide(browser, page, button="form button"):
    browser.open(page)
    if browser.title == "Sign in":
        browser.fill("/login", user="alice", password=PASSWORD)
    assert browser.title == "An SSH session", browser.text
    seen = browser.text
    browser.click(button)
    return seen, browser.title


def test_a_person_confirms_an_ssh_session():
    need_browser()
    need_stock()
    if shutil.which("ssh") is None:
        raise Skip("no ssh; packaging/setup test installs it")
    with Lab() as lab:
        coordinator = Coordinator(lab)
        coordinator.cli("user", "add", "alice")
        link = coordinator.cli("user", "link", "alice").split()[0]
        policy = coordinator.host.dir / "policy.json"
        policy.write_text(json.dumps(POLICY))
        coordinator.cli("policy", "set", policy)
        key = coordinator.add_key("--reusable", user="alice")
        desk = lab.public_host("desk", f"{INTERNET}.9")
        laptop = StockNode(lab.public_host("laptop", f"{INTERNET}.5"), coordinator)
        server = StockNode(lab.public_host("server", f"{INTERNET}.6"), coordinator)
        laptop.up(key)
        server.up(key, "--ssh")
        wait_until("it knows who may come in",
                   lambda: (json.loads(server.cli("debug", "netmap").stdout)["SSHPolicy"] or {}).get("rules"), 15)
        laptop.wait_ping(server.ip)

        first = Session(laptop, server, 1)
        page = first.page()
        assert first.process.poll() is None, first.said()

        def confirm(browser):
            sign_in_first(browser, link)
            return decide(browser, page)

        seen, title = browse(desk, confirm)
        assert "laptop" in seen and "server" in seen and "root" in seen, seen
        assert title == "The session begins"
        assert first.code() == 0 and "inside:root" in first.said(), first.said()

        again = Session(laptop, server, 2)
        assert again.code() == 0 and "/ssh/" not in again.said(), again.said()

        # From another machine: asked anew, and refused this time.
        tablet = StockNode(lab.public_host("tablet", f"{INTERNET}.7"), coordinator)
        tablet.up(key)
        tablet.wait_ping(server.ip)
        other = Session(tablet, server, 3)
        page = other.page()
        _, title = browse(desk, decide, page, "form button.quiet")
        assert title == "The session is refused"
        assert other.code() != 0 and "inside" not in other.said(), other.said()
        assert "refused on the page" in other.said(), other.said()
