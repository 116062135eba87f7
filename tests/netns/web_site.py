"""Web servers that say who they are and to whom they speak, and somebody who visits them."""

import http.server
import threading


class Site:
    """A web server that says who it is, and to whom it speaks."""

    def __init__(self, host, name):
        self.host = host

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                text = f"{name} greets {self.client_address[0]}".encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        def serve():
            self.server = http.server.ThreadingHTTPServer(("0.0.0.0", 80), Answer)
            threading.Thread(target=self.server.serve_forever, daemon=True).start()

        host.thread(serve).result()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def visit(host, where, timeout=4):
    """What a browser shows; empty: it gave up."""
    return host.run("curl", "-s", "-m", timeout, f"http://{where}/", check=False).stdout
