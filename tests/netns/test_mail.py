"""The coordinator sends mail by a server of somebody else: invitations, and links that prove addresses."""

import email
import email.policy
import pathlib
import re
import subprocess

from lab import INTERNET, Lab, wait_until
from mesh import Coordinator
from verdict import Skip

PYTHON = "/usr/bin/python3"  # for which packaging/setup installs aiosmtpd
PASSWORD = "pass wörd"
SENDER = "家のネット <net@mail.example>"
METRICS = "127.0.0.1:9099"


def need_mail_server():
    if subprocess.run([PYTHON, "-c", "import aiosmtpd"], capture_output=True).returncode != 0:
        raise Skip("no aiosmtpd; packaging/setup test installs it")


class MailServer:
    def __init__(self, host, mode="starttls", port=587):
        self.host, self.mode, self.port = host, mode, port
        self.folder = host.dir / f"mails-{mode}"
        self.folder.mkdir()
        (self.folder / "password").write_text(PASSWORD)
        self.certificate, self.key = self.folder / "cert.pem", self.folder / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key, "-out",
             self.certificate, "-days", "30", "-subj", "/CN=mail.example", "-addext",
             f"subjectAltName=IP:{host.address}"], check=True, capture_output=True)
        self.start()

    @property
    def url(self):
        return f"{'smtps' if self.mode == 'tls' else 'smtp'}://{self.host.address}:{self.port}"

    def start(self):
        self.process = self.host.start(
            PYTHON, pathlib.Path(__file__).parent / "mail_server.py", self.host.address, self.port,
            self.folder, self.mode, self.certificate, self.key, log=f"mail-{self.mode}.log")
        wait_until("the mail server listens", lambda: f":{self.port} " in self.host.run("ss", "-Hltn").stdout)

    def stop(self):
        self.host.stop(self.process)

    def said(self):
        return self.process.log_path.read_text()

    def mails(self):
        return [email.message_from_bytes(one.read_bytes(), policy=email.policy.default)
                for one in sorted(self.folder.glob("*.eml"))]

    def wait_for(self, count, timeout=10):
        return wait_until(f"mail {count} arrives", lambda: self.mails()[count - 1:] and self.mails(), timeout)[-1]


def configure(coordinator, server, password=PASSWORD, **more):
    """The coordinator, anew, with this mail server and no other."""
    coordinator.host.stop(coordinator.process)
    file = coordinator.dir / "config"
    kept = [line for line in file.read_text().splitlines() if not re.match("smtp_|metrics_", line)]
    (coordinator.dir / "smtp-password").write_text(password + "\n")
    settings = {"smtp_url": server.url, "smtp_from": SENDER, "metrics_listen": METRICS}
    if server.mode != "plain":
        settings |= {"smtp_user": "net", "smtp_password_file": "smtp-password"}
    file.write_text("\n".join(kept + [f"{name} = {value}" for name, value in {**settings, **more}.items()]) + "\n")
    coordinator.env["SSL_CERT_FILE"] = str(server.certificate)
    coordinator.start()


def counters(coordinator):
    page = coordinator.host.run("curl", "-sS", f"http://{METRICS}/metrics").stdout
    return {name: int(value) for name, value in re.findall(r"^ayatori_coord_mails_(\w+) (\d+)$", page, re.M)}


def log(coordinator):
    return coordinator.process.log_path.read_text()


def links_in(mail, coordinator):
    return re.findall(rf"^{re.escape(coordinator.url)}/\S+(?=\s)", mail.get_content(), re.M)


class Visitor:
    """Somebody with a browser, as far as these pages need one."""

    def __init__(self, host):
        self.host, self.jar = host, host.dir / "cookies"

    def curl(self, url, *more):
        return self.host.run("curl", "-sS", "-k", "-b", self.jar, "-c", self.jar, *more, url).stdout

    def press(self, url):
        form = re.search(r'name="form" value="([^"]+)"', self.curl(url))[1]
        return self.curl(url, "-H", f"Origin: {url[:url.index('/', 8)]}", "-d", f"form={form}")


def test_invitations_arrive_in_every_script():
    need_mail_server()
    with Lab() as lab:
        coordinator = Coordinator(lab)
        server = MailServer(lab.public_host("mail", f"{INTERNET}.25"))
        said = coordinator.cli("invite", "add", "--email", "early@example.com")
        assert "pass the link on yourself" in said, said
        configure(coordinator, server)
        admin = coordinator.token()
        coordinator.rest(coordinator.host, "POST", "/api/v2/tailnet/-/users",
                         {"loginName": "taro", "displayName": "山田太郎", "role": "admin"}, admin)
        taro = coordinator.cli("token", "add", "--user", "taro", "-q")
        status, made = coordinator.rest(coordinator.host, "POST", "/api/v2/tailnet/-/user-invites",
                                        [{"role": "member", "email": "dora@example.com"}], taro)
        assert status == 200, made
        mail = server.wait_for(1)
        assert str(mail["From"]) == SENDER and str(mail["To"]) == "dora@example.com", mail.items()
        assert mail["Auto-Submitted"] == "auto-generated" and mail["Message-ID"] and mail["Date"].datetime
        assert "山田太郎 (taro) invites you" in mail["Subject"], mail["Subject"]
        text = mail.get_content()
        assert "山田太郎 (taro) さんが" in text and "default.ayatori.internal" in text, text
        assert made[0]["expires"][:10] in text, text
        assert links_in(mail, coordinator) == [made[0]["inviteUrl"]]
        assert "login" in server.said() and "refused" not in server.said()
        wait_until("it is noted", lambda: coordinator.json("invite", "ls")[1]["lastEmailSentAt"] > "2020")

        coordinator.cli("invite", "resend", made[0]["id"])
        assert links_in(server.wait_for(2), coordinator) == [made[0]["inviteUrl"]]
        coordinator.cli("invite", "resend", made[0]["id"])
        server.wait_for(3)
        refused = coordinator.host.run(coordinator.bin, "--dir", coordinator.dir, "invite", "resend",
                                       made[0]["id"], check=False)
        assert refused.returncode != 0 and "too many mails" in refused.stderr, refused.stderr
        # Whoever follows the link is shown the same.
        page = Visitor(lab.public_host("dora", f"{INTERNET}.26")).curl(made[0]["inviteUrl"])
        assert "dora@example.com" in page, page
        actions = [one["action"] for one in coordinator.json("audit")]
        assert actions.count("RESEND") == 2, actions


def test_contacts_are_proven_by_a_button():
    need_mail_server()
    with Lab() as lab:
        coordinator = Coordinator(lab)
        server = MailServer(lab.public_host("mail", f"{INTERNET}.25"), mode="tls", port=465)
        coordinator.cli("contact", "set", "security", "old@example.com")
        assert coordinator.json("contact", "ls")["security"] == {
            "email": "old@example.com", "needsVerification": False}
        configure(coordinator, server)
        said = coordinator.cli("contact", "set", "security", "new@example.com")
        assert "until then old@example.com" in said, said
        [first] = links_in(server.wait_for(1), coordinator)
        coordinator.cli("contact", "resend", "security")
        mail = server.wait_for(2)
        assert "セキュリティ" in mail.get_content() and "security" in mail.get_content()
        [link] = links_in(mail, coordinator)
        assert link != first
        visitor = Visitor(lab.public_host("admin", f"{INTERNET}.26"))
        assert "This link is over" in visitor.curl(first)
        visitor.curl(link)
        visitor.curl(link, "--head")
        assert coordinator.json("contact", "ls")["security"]["needsVerification"]
        coordinator.kill()
        coordinator.start()
        assert "The address is confirmed" in visitor.press(link)
        assert coordinator.json("contact", "ls")["security"] == {
            "email": "new@example.com", "needsVerification": False}
        assert "This link is over" in visitor.curl(link)
        [proof] = [one for one in coordinator.json("audit") if one["action"] == "VERIFY"]
        assert proof["new"] == {"security": "new@example.com"}, proof


def test_what_goes_wrong_is_said():
    need_mail_server()
    with Lab() as lab:
        coordinator = Coordinator(lab)
        server = MailServer(lab.public_host("mail", f"{INTERNET}.25"))

        def trial():
            done = coordinator.host.run(coordinator.bin, "--dir", coordinator.dir, "mail", "test",
                                        "dora@example.com", check=False)
            return done.stdout + done.stderr

        assert "smtp_url is not set" in trial()
        assert "not configured" in coordinator.cli("doctor")
        configure(coordinator, server)
        assert "250 2.0.0 kept as number 1" in trial()
        assert server.url in coordinator.cli("doctor")
        assert server.wait_for(1)["Subject"].startswith("A mail to try it out")
        assert counters(coordinator) == {"sent_total": 1, "failed_total": 0, "waiting": 0}

        configure(coordinator, server, password="not this one")
        said = trial()
        assert "does not accept smtp_user with that password: 535" in said, said
        coordinator.cli("invite", "add", "--email", "dora@example.com")
        wait_until("it is given up", lambda: counters(coordinator)["failed_total"] == 2)
        assert "given up" in log(coordinator) and "535" in log(coordinator)
        assert "not this one" not in log(coordinator)

        configure(coordinator, server)
        server.stop()
        coordinator.cli("invite", "add", "--email", "dora@example.com")
        wait_until("nobody listens", lambda: "trying again" in log(coordinator))
        assert counters(coordinator) == {"sent_total": 0, "failed_total": 0, "waiting": 1}
        assert coordinator.json("invite", "ls")[-1]["emailWaiting"]
        server.start()
        assert "invites you" in server.wait_for(2, 20)["Subject"]
        wait_until("that is counted", lambda: counters(coordinator)["sent_total"] == 1)

        coordinator.env["SSL_CERT_FILE"] = "/etc/ssl/certs/ca-certificates.crt"
        coordinator.kill()
        coordinator.start()
        assert "the certificate of the mail server is not trusted" in trial()


def test_no_password_and_no_mail_go_over_the_wire_unencrypted():
    need_mail_server()
    with Lab() as lab:
        coordinator = Coordinator(lab)
        plain = MailServer(lab.public_host("mail", f"{INTERNET}.25"), mode="plain", port=25)
        configure(coordinator, plain)
        words = [coordinator.bin, "--dir", coordinator.dir, "mail", "test", "dora@example.com"]
        refused = coordinator.host.run(*words, check=False)
        assert "offers no STARTTLS" in refused.stderr and not plain.mails(), refused.stderr
        configure(coordinator, plain, smtp_starttls="off")
        assert "250" in coordinator.host.run(*words).stdout
        plain.wait_for(1)
        # Without the library everything but mail works.
        empty = coordinator.host.dir / "libraries"
        empty.mkdir()
        for name in ("libcurl.so.4", "libcurl-gnutls.so.4"):
            (empty / name).touch()
        coordinator.env["LD_LIBRARY_PATH"] = str(empty)
        coordinator.kill()
        coordinator.start()
        refused = coordinator.host.run(*words, check=False)
        assert "install libcurl4" in refused.stderr, refused.stderr
        doctor = coordinator.host.run(coordinator.bin, "--dir", coordinator.dir, "doctor", check=False,
                                      env=coordinator.env)
        assert doctor.returncode != 0 and "FAILED  mail: libcurl is missing" in doctor.stdout, doctor.stdout


def test_a_bad_setting_is_one_clear_line():
    with Lab() as lab:
        coordinator = Coordinator(lab)
        coordinator.host.stop(coordinator.process)
        good = (coordinator.dir / "config").read_text()
        for lines, wanted in (
                ("smtp_url = mail.example", "smtp_url: \"mail.example\" is not a mail server"),
                ("smtp_url = smtps://mail.example", "smtp_url needs smtp_from"),
                ("smtp_url = smtps://mail.example\nsmtp_from = a@b\nsmtp_user = a", "belong together"),
                ("smtp_url = smtps://mail.example\nsmtp_from = a@b\nsmtp_user = a\n"
                 "smtp_password_file = nowhere", "smtp_password_file: cannot read")):
            (coordinator.dir / "config").write_text(f"{good}\n{lines}\n")
            done = coordinator.host.run(coordinator.bin, "serve", "--dir", coordinator.dir, check=False)
            assert done.returncode != 0 and wanted in done.stderr, done.stderr
            assert len(done.stderr.splitlines()) == 1, done.stderr
