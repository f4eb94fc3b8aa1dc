#!/usr/bin/python3
"""Serves a folder of bare Git repositories over HTTP(S) on 127.0.0.1, through `git http-backend`.

    git_server.py --root DIR [--port 0] [--port-file FILE] [--user NAME:PASSWORD] [--tls CERTIFICATE KEY] [--push] [--log FILE]

http://127.0.0.1:PORT/NAME.git is DIR/NAME.git. Port 0 takes a free one; the port is printed, and written to
--port-file once the server accepts. For tests and the demo only: one thread a connection. Every request is one line of
--log, METHOD PATH, with " (with credentials)" if it had any, written before the answer. Besides repositories it
answers, for tests:

    /redirect/URL      302 to URL and whatever follows it
    /stall/...         takes the request and never answers
    /held/NAME.git     as /NAME.git, but a pack begins only once the file DIR/go exists
    /drip/...          a list of refs, one every 50 ms, without end
    /flood/...         a list of refs, as fast as it can, without end
    /bomb/...          a pack of one file of 1 TiB of zeros, which travels as 1 GiB
    /endless/...       a pack of one file of 1 TiB, which does not get smaller on the way
    /cut/...           a pack that breaks off
"""
import argparse
import base64
import hmac
import os
import ssl
import struct
import subprocess
import sys
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

CHUNK = 64 * 1024


def packet(data):
    return b"%04x%s" % (len(data) + 4, data)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "cromt-git-server"

    def do_GET(self):
        self.serve()

    def do_POST(self):
        self.serve()

    def serve(self):
        with_credentials = " (with credentials)" if "Authorization" in self.headers else ""
        self.server.note(f"{self.command} {self.path}{with_credentials}")
        try:
            self.route()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def route(self):
        if self.path.startswith("/stall/"):
            self.server.closing.wait()
            self.close_connection = True
        elif not self.authorized():
            self.answer(401, {"WWW-Authenticate": 'Basic realm="git"'})
        elif self.path.startswith("/redirect/"):
            self.answer(302, {"Location": self.path[len("/redirect/"):]})
        elif self.path.startswith("/drip/"):
            self.refs_without_end(packet(b"%040x refs/heads/other\n" % 2), 0.05)
        elif self.path.startswith(("/bomb/", "/endless/", "/cut/")):
            self.one_object(self.path.split("/")[1])
        elif self.path.startswith("/flood/"):
            self.refs_without_end(b"".join(packet(b"%040x refs/heads/%d\n" % (i, i)) for i in range(1, 2000)), 0)
        else:
            if self.path.startswith("/held/"):
                self.path = self.path[len("/held"):]
                while self.command == "POST" and not os.path.exists(os.path.join(self.server.options.root, "go")):
                    self.server.closing.wait(0.02)
            self.run_backend()

    def authorized(self):
        wanted = self.server.options.user
        if not wanted:
            return True
        expected = "Basic " + base64.b64encode(wanted.encode()).decode()
        return hmac.compare_digest(self.headers.get("Authorization", "").encode(), expected.encode())

    def answer(self, status, headers):
        for _ in self.body():  # so that the connection can be used again
            pass
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def refs_without_end(self, piece, pause):
        """An advertisement that begins well and whose next packets are made of `piece` again and again."""
        self.send_response(200)
        self.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.chunk(packet(b"# service=git-upload-pack\n") + b"0000" + packet(b"%040x refs/heads/main\0\n" % 1))
        while not self.server.closing.wait(pause):
            self.chunk(piece)

    def one_object(self, kind):
        """A repository whose main is an object that comes as a pack of its own: a huge one, or the beginning of one."""
        self.send_response(200)
        service = "advertisement" if self.command == "GET" else "result"
        self.send_header("Content-Type", f"application/x-git-upload-pack-{service}")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if self.command == "GET":
            self.chunk(packet(b"# service=git-upload-pack\n") + b"0000" + packet(b"%s refs/heads/main\0\n" % (b"1" * 40)) + b"0000")
            self.wfile.write(b"0\r\n\r\n")
            return
        for _ in self.body():
            pass
        size = bytearray([0xB0])  # a blob; its size: 4 bits here, 7 in each that follows
        rest = (1 << 40) >> 4
        while rest:
            size[-1] |= 0x80
            size.append(rest & 0x7F)
            rest >>= 7
        self.chunk(packet(b"NAK\n") + b"PACK" + struct.pack(">II", 2, 1) + bytes(size))
        zeros = zlib.compressobj(9 if kind == "bomb" else 0)
        for _ in range(3 if kind == "cut" else 1 << 24):
            if data := zeros.compress(bytes(CHUNK)):
                self.chunk(data)
        self.close_connection = True

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def run_backend(self):
        backend = subprocess.Popen(["git", "http-backend"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   env=self.environment())
        feeder = threading.Thread(target=self.feed, args=(backend.stdin,))
        feeder.start()
        try:
            self.relay(backend.stdout)
        finally:
            backend.stdout.close()
            feeder.join()
            backend.wait()

    def environment(self):
        path, _, query = self.path.partition("?")
        env = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        env.update({
            "GATEWAY_INTERFACE": "CGI/1.1", "SERVER_PROTOCOL": self.request_version,
            "GIT_PROJECT_ROOT": self.server.options.root, "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/nonexistent",
            "GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
            "GIT_CONFIG_KEY_1": "http.receivepack", "GIT_CONFIG_VALUE_1": str(self.server.options.push).lower(),
            "REQUEST_METHOD": self.command, "PATH_INFO": unquote(path), "QUERY_STRING": query,
            "REMOTE_ADDR": self.client_address[0], "CONTENT_TYPE": self.headers.get("Content-Type", ""),
        })
        if "Content-Length" in self.headers:
            env["CONTENT_LENGTH"] = self.headers["Content-Length"]
        if "Git-Protocol" in self.headers:
            env["GIT_PROTOCOL"] = self.headers["Git-Protocol"]
        if "Content-Encoding" in self.headers:
            env["HTTP_CONTENT_ENCODING"] = self.headers["Content-Encoding"]
        if self.server.options.user:
            env["REMOTE_USER"] = self.server.options.user.partition(":")[0]
        return env

    def feed(self, pipe):
        try:
            for data in self.body():
                pipe.write(data)
            pipe.close()
        except OSError:  # the backend answered without reading all
            self.close_connection = True

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield from self.exactly(size)
                self.rfile.readline()
            while self.rfile.readline() not in (b"\r\n", b""):
                pass
        else:
            yield from self.exactly(int(self.headers.get("Content-Length") or 0))

    def exactly(self, size):
        while size > 0:
            data = self.rfile.read(min(size, CHUNK))
            if not data:
                raise ConnectionResetError("the request ended early")
            size -= len(data)
            yield data

    def relay(self, output):
        """The backend's CGI answer, its body chunked as it comes."""
        status, headers = 200, []
        while (line := output.readline().decode("latin-1").rstrip("\r\n")):
            name, _, value = line.partition(":")
            if name.lower() == "status":
                status = int(value.split()[0])
            else:
                headers.append((name, value.strip()))
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while data := output.read1(CHUNK):
            self.chunk(data)
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, options):
        super().__init__(("127.0.0.1", options.port), Handler)
        self.options = options
        self.closing = threading.Event()
        self.log = open(options.log, "a", buffering=1) if options.log else None
        self.lock = threading.Lock()
        self.tls = None
        if options.tls:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*options.tls)

    def get_request(self):
        connection, address = super().get_request()
        if self.tls:  # the handshake is the connection's thread's, who may wait
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def note(self, line):
        if self.log:
            with self.lock:
                self.log.write(line + "\n")

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (ConnectionError, ValueError, ssl.SSLError)):
            super().handle_error(request, client_address)


def main():
    parser = argparse.ArgumentParser(description="Serves bare Git repositories over HTTP on 127.0.0.1.")
    parser.add_argument("--root", required=True, type=os.path.abspath)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--port-file")
    parser.add_argument("--user", help="NAME:PASSWORD that every request needs")
    parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"), help="PEM files: serve https")
    parser.add_argument("--push", action="store_true", help="accept pushes")
    parser.add_argument("--log")
    options = parser.parse_args()
    server = Server(options)
    port = server.server_address[1]
    print(port, flush=True)
    if options.port_file:
        with open(options.port_file + ".new", "w") as out:
            out.write(f"{port}\n")
        os.rename(options.port_file + ".new", options.port_file)
    try:
        server.serve_forever(poll_interval=0.1)
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
