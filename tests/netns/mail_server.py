"""A mail server that keeps what it is given, one file for each mail.

    mail_server.py ADDRESS PORT FOLDER MODE [CERTIFICATE KEY]

MODE is plain, starttls (which is then required) or tls; with encryption a login is required, too: the
name is "net" and the password stands in FOLDER/password. Prints a line for each login and each mail.
"""

import asyncio
import pathlib
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

ADDRESS, PORT, FOLDER, MODE = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3]), sys.argv[4]


class Keeper:
    async def handle_DATA(self, server, session, envelope):
        number = 1 + len(list(FOLDER.glob("*.eml")))
        file = FOLDER / f"{number:03}.eml"
        file.with_suffix(".new").write_bytes(envelope.original_content)
        file.with_suffix(".new").rename(file)
        print("mail", envelope.mail_from, envelope.rcpt_tos, "by", session.host_name, flush=True)
        return f"250 2.0.0 kept as number {number}"


def authenticate(server, session, envelope, mechanism, login):
    good = (login.login, login.password) == (b"net", (FOLDER / "password").read_bytes())
    print("login", mechanism, "good" if good else "refused", flush=True)
    return AuthResult(success=good, handled=good)  # not handled: it says 535


class Server(Controller):
    def factory(self):
        encrypted = MODE != "plain"
        options = {"auth_required": encrypted, "authenticator": authenticate if encrypted else None,
                   "hostname": "mail.example"}
        if MODE == "starttls":
            options |= {"tls_context": CONTEXT, "require_starttls": True}
        if MODE == "tls":
            options |= {"auth_require_tls": False}  # it is encrypted before SMTP begins
        return SMTP(self.handler, loop=self.loop, **options)


CONTEXT = None
if MODE != "plain":
    CONTEXT = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    CONTEXT.load_cert_chain(sys.argv[5], sys.argv[6])
Server(Keeper(), hostname=ADDRESS, port=PORT, ssl_context=CONTEXT if MODE == "tls" else None).start()
asyncio.new_event_loop().run_forever()
