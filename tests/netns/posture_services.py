"""Services that look after machines, in the form of Microsoft Graph and of Fleet: what a test says of
a machine is what they answer."""

import contextlib
import http.server
import json
import ssl
import subprocess
import urllib.parse

LOGIN, GRAPH = "login.microsoftonline.com", "graph.microsoft.com"
CLIENT, TENANT, SECRET, TOKEN = "client-1", "tenant-1", "s3cret-of-intune", "s3cret-of-fleet"
ACCESS = "an-access-token"


def authority(folder, names, addresses):
    """A certificate that its own holder vouches for. (certificate, key)"""
    certificate, key = folder / "services-cert.pem", folder / "services-key.pem"
    alternatives = [f"DNS:{name}" for name in names] + [f"IP:{address}" for address in addresses]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out",
                    certificate, "-days", "30", "-subj", "/CN=services.example", "-addext",
                    f"subjectAltName={','.join(alternatives)}"], check=True, capture_output=True)
    return certificate, key


class Services:
    """Both at one address: Graph and its login at port 443, Fleet at another."""

    FLEET_PORT = 8444

    def __init__(self, host):
        self.host, self.compliance, self.fleet, self.asked = host, {}, {}, []
        self.away = False
        self.certificate, key = authority(host.dir, (LOGIN, GRAPH), (host.address,))
        services = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer("")

            def do_POST(self):
                self.answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

            def answer(self, body):
                if services.away:
                    self.close_connection = True
                    return
                services.asked.append(self.headers["Host"] + self.path)
                status, said = services.say(self.headers, self.path, body)
                text = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self.servers = []
        for port in (443, self.FLEET_PORT):
            server = host.thread(http.server.ThreadingHTTPServer, (host.address, port), Handler).result(5)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            host.thread(server.serve_forever)
            self.servers.append(server)

    def close(self):
        for server in self.servers:
            with contextlib.suppress(OSError):
                server.shutdown()
                server.server_close()

    @property
    def fleet_url(self):
        return f"https://{self.host.address}:{self.FLEET_PORT}"

    def found_by(self, host):
        """That machine's file of host names leads here."""
        (host.etc / "hosts").write_text(f"127.0.0.1 localhost\n{self.host.address} {LOGIN} {GRAPH}\n")

    def say(self, headers, path, body):
        place, url = headers["Host"], urllib.parse.urlsplit(path)
        query = urllib.parse.parse_qs(url.query)
        if place == LOGIN:
            form = {name: values[0] for name, values in urllib.parse.parse_qs(body).items()}
            wanted = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET,
                      "scope": f"https://{GRAPH}/.default"}
            good = url.path == f"/{TENANT}/oauth2/v2.0/token" and form == wanted
            if not good:
                return 401, {"error": "invalid_client", "error_description": f"not {SECRET}"}
            return 200, {"token_type": "Bearer", "expires_in": 3599, "access_token": ACCESS}
        if place == GRAPH:
            if headers["Authorization"] != f"Bearer {ACCESS}":
                return 401, {"error": {"code": "InvalidAuthenticationToken"}}
            # One machine a page.
            number = int(query.get("$skiptoken", ["0"])[0])
            serials = sorted(self.compliance)
            said = {"value": [{"id": serial, "serialNumber": serial, "complianceState": self.compliance[serial],
                               "isEncrypted": True} for serial in serials[number:number + 1]]}
            if number + 1 < len(serials):
                said["@odata.nextLink"] = f"https://{GRAPH}{url.path}?$skiptoken={number + 1}"
            return 200, said
        if headers["Authorization"] != f"Bearer {TOKEN}":
            return 401, {"message": "Authentication required"}
        policy = {"id": 1, "name": "Disk", "description": "Stands for fleetPolicy:disk"}
        return 200, {"hosts": [] if query["page"] != ["0"] else [
            {"id": 1, "hardware_serial": serial, "policies": [{**policy, "response": response}]}
            for serial, response in self.fleet.items()]}
