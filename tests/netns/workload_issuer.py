"""A server that vouches for programs: OpenID Connect discovery, keys and tokens, all by openssl."""

import base64
import http.server
import json
import ssl
import subprocess
import time

PORT = 8444


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*words, data=None):
    return subprocess.run(["openssl", *map(str, words)], input=data, check=True, capture_output=True).stdout


class SigningKey:
    def __init__(self, folder, name, kind):
        self.name, self.kind = name, kind
        self.path = folder / f"{name}.pem"
        how = ("RSA", "-pkeyopt", "rsa_keygen_bits:2048") if kind == "RS256" else (
            "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        openssl("genpkey", "-algorithm", *how, "-out", self.path)

    def jwk(self):
        out = {"kid": self.name, "use": "sig", "alg": self.kind}
        if self.kind == "RS256":
            modulus = openssl("rsa", "-in", self.path, "-noout", "-modulus").decode().strip().split("=")[1]
            return {**out, "kty": "RSA", "n": b64(bytes.fromhex(modulus)), "e": "AQAB"}
        point = openssl("pkey", "-in", self.path, "-pubout", "-outform", "DER")[-64:]
        return {**out, "kty": "EC", "crv": "P-256", "x": b64(point[:32]), "y": b64(point[32:])}

    def sign(self, data):
        signature = openssl("dgst", "-sha256", "-sign", self.path, data=data)
        return signature if self.kind == "RS256" else side_by_side(signature)


def side_by_side(der):
    """The two numbers of a DER signature, 32 bytes each."""
    numbers, at = b"", 2
    for _ in range(2):
        length = der[at + 1]
        numbers += der[at + 2:at + 2 + length].lstrip(b"\0").rjust(32, b"\0")
        at += 2 + length
    return numbers


class WorkloadIssuer:
    """On `host`, at its own address unless another is given; counts what it is asked for."""

    def __init__(self, host, address=None):
        address = address or host.address
        self.dir, self.asked = host.dir, []
        self.url = f"https://{address}:{PORT}"
        self.certificate = host.dir / "issuer-cert.pem"
        key = host.dir / "issuer-key.pem"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", self.certificate,
                "-days", "30", "-subj", "/CN=issuer.example", "-addext", f"subjectAltName=IP:{address}")
        self.keys = [SigningKey(self.dir, "first", "RS256")]
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.asked.append(self.path)
                body = json.dumps(issuer.document(self.path)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self.server = host.thread(http.server.ThreadingHTTPServer, (address, PORT), Handler).result(5)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        host.thread(self.server.serve_forever)

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def document(self, path):
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        return {"keys": [key.jwk() for key in self.keys]}

    def rotate(self, name, kind):
        self.keys = [SigningKey(self.dir, name, kind)]

    def token(self, audience, subject, **claims):
        """By its newest key, good for five minutes."""
        key, now = self.keys[-1], int(time.time())
        said = {"iss": self.url, "aud": audience, "sub": subject, "iat": now, "exp": now + 300, **claims}
        text = ".".join(b64(json.dumps(part).encode()) for part in ({"alg": key.kind, "kid": key.name}, said))
        return f"{text}.{b64(key.sign(text.encode()))}"
