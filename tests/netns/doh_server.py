"""A DNS-over-HTTPS server without TLS, for nghttpx to stand in front of: one address for every name.

    doh_server.py PORT ADDRESS

Prints a line for each question: the HTTP version that the client spoke, and the name.
"""

import http.server
import socket
import struct
import sys


def name_in(query):
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode())
        at += 1 + query[at]
    return ".".join(labels), at + 5


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        query = self.rfile.read(int(self.headers["Content-Length"]))
        name, end = name_in(query)
        print(self.headers.get("Via", "none"), name, flush=True)
        answer = (query[:2] + struct.pack(">HHHHH", 0x8180, 1, 1, 0, 0) + query[12:end] + b"\xc0\x0c"
                  + struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton(sys.argv[2]))
        self.send_response(200)
        self.send_header("Content-Type", "application/dns-message")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *words):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
