"""A server that knows people, and vouches for them by OpenID Connect: glewlwyd, as Debian has it."""

import contextlib
import gzip
import http.cookiejar
import json
import os
import pathlib
import sqlite3
import ssl
import subprocess
import urllib.request

from lab import wait_until
from verdict import Skip

TREE = pathlib.Path(os.environ.get("AYATORI_CACHE", "/var/cache/ayatori")) / "oidc-tree-1"
PORT = 4593
CLIENT_SECRET = "between-the-two-servers"


def need_provider():
    if not (TREE / "usr/bin/glewlwyd").exists():
        raise Skip("glewlwyd is not in the cache; packaging/setup test unpacks it")


class IdentityProvider:
    """On `host`, with one client: the server whose people come back to `back_to`."""

    def __init__(self, host, back_to):
        self.host = host
        self.url = f"https://{host.address}:{PORT}"
        self.issuer = f"{self.url}/api/oidc"
        self.certificate, self.key = host.dir / "id-cert.pem", host.dir / "id-key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key, "-out",
             self.certificate, "-days", "30", "-subj", "/CN=id.example", "-addext",
             f"subjectAltName=IP:{host.address}"], check=True, capture_output=True)
        self._make_database()
        (host.dir / "glewlwyd.conf").write_text(self._settings())
        self.web = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=ssl._create_unverified_context()),
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        self.start()
        self._ask("/api/mod/plugin/", self._plugin())
        self._ask("/api/client/", {
            "client_id": "ayatori", "name": "Ayatori", "enabled": True, "confidential": True,
            "password": CLIENT_SECRET, "redirect_uri": [back_to], "authorization_type": ["code"],
            "token_endpoint_auth_method": ["client_secret_basic"], "scope": [], "source": "database"})

    def start(self):
        libraries = next((TREE / "usr/lib").glob("*-linux-gnu"))
        self.process = self.host.start(
            TREE / "usr/bin/glewlwyd", f"--config-file={self.host.dir / 'glewlwyd.conf'}", log="glewlwyd.txt",
            env={"LD_LIBRARY_PATH": str(libraries)})
        wait_until("the provider answers", self._sign_in, 20)

    def stop(self):
        self.host.stop(self.process)

    def add_person(self, name, password):
        self._ask("/api/user/", {
            "username": name, "name": name.title(), "email": f"{name}@id.example", "password": password,
            "scope": ["openid"], "enabled": True, "source": "database"})

    def _ask(self, path, body):
        def ask():
            request = urllib.request.Request(self.url + path, json.dumps(body).encode(),
                                             {"Content-Type": "application/json"})
            with self.web.open(request, timeout=10) as answer:
                return answer.read()

        return self.host.thread(ask).result(15)

    def _sign_in(self):
        self._ask("/api/auth/", {"username": "admin", "password": "password"})
        return True

    def _make_database(self):
        script = gzip.decompress((TREE / "usr/share/doc/glewlwyd/database/init.sqlite3.sql.gz").read_bytes())
        with contextlib.closing(sqlite3.connect(self.host.dir / "id.db")) as database:
            database.executescript(script.decode())

    def _settings(self):
        modules = {"user_module_path": "user", "client_module_path": "client",
                   "user_auth_scheme_module_path": "scheme", "plugin_module_path": "plugin"}
        texts = {
            "external_url": self.url, "login_url": "login.html", "api_prefix": "api",
            "static_files_path": f"{TREE}/webapp/", "log_mode": "console",
            "log_level": "INFO", "session_key": "GLEWLWYD2_SESSION_ID", "admin_scope": "g_admin",
            "profile_scope": "g_profile", "hash_algorithm": "SHA512",
            "secure_connection_key_file": self.key, "secure_connection_pem_file": self.certificate,
            **{name: f"{TREE}/usr/lib/glewlwyd/{folder}" for name, folder in modules.items()}}
        lines = [f'{name}="{value}"' for name, value in texts.items()]
        types = (("html", "text/html"), ("css", "text/css"), ("js", "application/javascript"),
                 ("json", "application/json"))
        listed = ", ".join(f'{{ extension=".{end}" mime_type="{kind}" compress=0 }}' for end, kind in types)
        return "\n".join([f"port={PORT}", "cookie_secure=1", "use_secure_connection=true", *lines,
                          f'database = {{ type="sqlite3" path="{self.host.dir}/id.db" }};',
                          f"static_files_mime_types = ( {listed} );", ""])

    def _plugin(self):
        public = subprocess.run(["openssl", "rsa", "-in", self.key, "-pubout"], check=True,
                                capture_output=True, text=True).stdout
        off = dict.fromkeys(("allow-non-oidc", "auth-type-token-enabled", "auth-type-none-enabled",
                             "auth-type-password-enabled", "auth-type-client-enabled",
                             "auth-type-device-enabled", "pkce-method-plain-allowed"), False)
        on = dict.fromkeys(("refresh-token-rolling", "auth-type-code-enabled", "auth-type-id-token-enabled",
                            "auth-type-refresh-enabled", "pkce-allowed", "pkce-required", "jwks-show"), True)
        return {"module": "oidc", "name": "oidc", "display_name": "people", "parameters": {
            "iss": self.issuer, "jwt-type": "rsa", "jwt-key-size": "256", "key": self.key.read_text(),
            "cert": public, "access-token-duration": 3600, "refresh-token-duration": 3600,
            "code-duration": 600, "subject-type": "public", "email-claim": "mandatory",
            "name-claim": "mandatory", "claims": [{
                "name": "preferred_username", "user-property": "username", "type": "string",
                "mandatory": True}], **off, **on}}
