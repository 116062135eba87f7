"""A headless Chromium on a machine of the laboratory, driven as a person would drive it: through
chromedriver, by the WebDriver protocol (W3C)."""

import http.client
import json
import os

from lab import wait_until
from verdict import Skip

CHROMIUM, DRIVER, PORT = "/usr/bin/chromium", "/usr/bin/chromedriver", 9515
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # how the protocol writes a reference to one


def need_browser():
    for program in (CHROMIUM, DRIVER):
        if not os.path.exists(program):
            raise Skip(f"no {program}; packaging/setup test installs it")


class Browser:
    def __init__(self, session):
        self.session = session

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
        try:
            connection.request(method, f"/session{self.session}{path}",
                               None if body is None else json.dumps(body))
            answer = json.loads(connection.getresponse().read())["value"]
        finally:
            connection.close()
        if isinstance(answer, dict) and "error" in answer:
            raise AssertionError(f"{path} {body}: {answer['message'].splitlines()[0]}")
        return answer

    def open(self, url):
        self.ask("POST", "/url", {"url": url})

    @property
    def title(self):
        return self.ask("GET", "/title").removesuffix(" - Ayatori")

    @property
    def text(self):
        return self.ask("GET", f"/element/{self.find('main')}/text")

    def find_all(self, selector):
        found = self.ask("POST", "/elements", {"using": "css selector", "value": selector})
        return [one[ELEMENT] for one in found]

    def find(self, selector):
        found = self.find_all(selector)
        assert found, f"no {selector} on \"{self.title}\":\n{self.text}"
        return found[0]

    def has(self, selector):
        return bool(self.find_all(selector))

    def press(self, selector):
        """A click that a script of the page answers."""
        self.ask("POST", f"/element/{self.find(selector)}/click", {})

    def click(self, selector):
        """A click that leads to another page, and that page being there."""
        page = self.find("html")
        self.press(selector)
        wait_until("another page", lambda: self.find_all("html") not in ([], [page]))

    def type(self, selector, text):
        entry = self.find(selector)
        self.ask("POST", f"/element/{entry}/clear", {})
        self.ask("POST", f"/element/{entry}/value", {"text": text})

    def fill(self, action, **fields):
        """Fills in the form that leads to `action`, and sends it."""
        form = f'form[action="{action}"]'
        for name, value in fields.items():
            self.type(f'{form} input[name="{name}"]', value)
        self.click(f"{form} button")


def browse(host, visit, *arguments, language="en"):
    """What `visit(browser, ...)` returns, with a fresh browser on `host`."""
    # An address that becomes valid is a change of network, over which it drops what it is loading.
    wait_until("addresses are settled", lambda: not host.run("ip", "-6", "addr", "show", "tentative").stdout)
    driver = host.start(DRIVER, f"--port={PORT}", log="chromedriver.log")
    words = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--disable-background-networking", "--no-first-run", f"--lang={language}",
             f"--accept-lang={language}"]
    wish = {"browserName": "chrome", "acceptInsecureCerts": True,  # the server made its own
            "goog:chromeOptions": {"binary": CHROMIUM, "args": words}}

    def run():
        browser = Browser("")
        wait_until("the driver answers", lambda: driver_is_ready(), 20)
        browser.session = "/" + browser.ask(
            "POST", "", {"capabilities": {"alwaysMatch": wish}})["sessionId"]
        try:
            return visit(browser, *arguments)
        finally:
            browser.ask("DELETE", "")

    try:
        return host.thread(run).result(90)
    finally:
        host.stop(driver)


def driver_is_ready():
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=2)
    try:
        connection.request("GET", "/status")
        return json.loads(connection.getresponse().read())["value"]["ready"]
    except OSError:
        return False
    finally:
        connection.close()
