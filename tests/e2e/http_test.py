#!/usr/bin/python3
"""The coordinator's HTTP side: health, who may reach it where, and clients that do everything but ask (attacks 1, 8, 57)."""

import hashlib
import hmac
import json
import os
import re
import resource
import socket
import ssl
import subprocess

from founded import COORDINATOR, Founded, free_address
from mesh import BIN, SOURCE
from process import peak_rss, read_text, wait_for
from story import Story, main

# As the coordinator has them, by its own table.
RULES = re.findall(r'\{"([A-Z]+)", "(/[^"]*)", (k\w+), Role::(k\w+)\}', read_text(os.path.join(SOURCE, "coordinator", "access", "route_rules.cc")))
OPEN = {("GET", "/healthz"), ("GET", "/readyz"), ("POST", "/hooks/{project}")}


def ask(address, path, method="GET", body=b"", tls=None, **headers):
    """The answer to one request, on a connection of its own: (status, headers, body)."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=30) as plain:
        with tls.wrap_socket(plain, server_hostname=COORDINATOR) if tls else plain as connection:
            lines = [f"{method} {path} HTTP/1.1", f"Host: {address}", "Connection: close", f"Content-Length: {len(body)}",
                     *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
            try:
                connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it may have said why
            return parsed(hear(connection))


def hear(connection):
    """All until the end."""
    heard = b""
    while piece := connection.recv(65536):
        heard += piece
    return heard


def parsed(heard):
    head, _, body = heard.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    return int(lines[0].split()[1]), dict(line.lower().split(": ", 1) for line in lines[1:]), body.decode()


class Http(Story):
    def setUp(self):
        super().setUp()
        self.mesh.start_coordinator()
        self.at = self.mesh.coordinator.http

    def ask(self, path, *arguments, **more):
        return ask(self.at, path, *arguments, **more)

    def test_health(self):
        for path in ("/healthz", "/readyz"):
            status, headers, body = self.ask(path)
            self.assertEqual((status, body, headers["cache-control"]), (200, "ok\n", "no-store"))
            self.assertEqual(self.ask(path, "HEAD")[2], "")
        self.says(self.mesh.coordinator.log(), f"HTTP on {self.at}")

    def test_what_is_not_there(self):
        for path, method, status in (("/", "GET", 404), ("/metrics", "GET", 404), ("/healthz/", "GET", 404), ("/../healthz", "GET", 404),
                                     ("/%00", "GET", 404), ("/hooks/p", "GET", 405), ("/healthz", "POST", 405), ("/healthz", "BREW", 405),
                                     ("/healthz", "TRACE", 405), ("*", "OPTIONS", 400), ("x:1", "CONNECT", 400)):
            with self.subTest(path, method=method):
                got, headers, body = self.ask(path, method)
                self.assertEqual(got, status)
                self.assertTrue(json.loads(body)["error"])
                self.assertNotIn("server", headers)

    def test_what_is_too_large(self):
        self.assertEqual(self.ask("/hooks/p", "POST", b"x" * (2 << 20))[0], 413)
        self.assertEqual(self.ask("/hooks/p", "POST", b"x" * (1 << 20))[0], 401)
        self.assertEqual(self.ask("/healthz", X="x" * (32 << 10))[0], 431)
        self.assertEqual(self.ask("/" + "x" * (32 << 10))[0], 431)
        self.assertEqual(self.ask("/healthz")[0], 200)

    def test_a_thousand_idle_connections_and_slow_ones(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        subprocess.run(["prlimit", f"--pid={self.mesh.coordinator.process.pid}", "--nofile=8192"], check=True)
        host, _, port = self.at.rpartition(":")
        pid = self.mesh.coordinator.process.pid
        threads, before = len(os.listdir(f"/proc/{pid}/task")), peak_rss(pid)
        slow = []
        self.addCleanup(lambda: [one.close() for one in slow])
        for number in range(1500):  # more than there may be
            slow.append(socket.create_connection((host, int(port)), timeout=30))
            if number % 2:
                slow[-1].sendall(b"POST /hooks/p HTTP/1.1\r\nX-Slow: ")
            if number % 100 == 0:
                self.assertEqual(self.ask("/healthz")[0], 200)
        self.assertEqual(self.ask("/healthz")[0], 200)
        self.assertEqual(self.ask("/hooks/p", "POST", b"{}")[0], 401)
        self.assertLess(len(os.listdir(f"/proc/{pid}/task")), threads + 10)
        self.assertLess(peak_rss(pid) - before, 64 << 20)
        self.succeeded(self.mesh.cromt("projects"))

    def test_its_end_is_clean(self):
        host, _, port = self.at.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=30) as idle:
            self.assertEqual(self.mesh.coordinator.terminate(), 0)
            self.assertEqual(idle.recv(1), b"")

    def test_what_is_refused_is_told_without_what_was_sent(self):
        self.mesh.apply("projects: {p: {run: echo}}\n")
        evil = "SECRET-IN-A-HEADER"
        first = self.ask("/hooks/p", "POST", b"{}", X_Gitlab_Token=evil)
        for path in ("/hooks/p", "/hooks/none", "/hooks/%0aevil", "/hooks/..", "/hooks/" + "x" * 500, "/hooks/%1b[2J"):
            status, headers, body = self.ask(path, "POST", b"{}", X_Hub_Signature_256=f"sha256={evil}", X_GitHub_Event="push")
            if "%" not in path:
                self.assertEqual((status, body), (first[0], first[2]), path)
            self.assertIn(status, (401, 404))
        log = self.mesh.coordinator.log()
        self.says(log, "a web hook from 127.0.0.1 for project 'p' was refused")
        self.assertNotIn(evil, log)
        self.assertNotIn("\x1b", log)

    def test_who_guesses_has_to_wait(self):
        codes = [self.ask("/hooks/p", "POST", b"{}", X_Gitlab_Token=str(number))[0] for number in range(30)]
        self.assertEqual(codes[0], 401)
        self.assertEqual(codes[-1], 429)
        self.assertEqual(self.ask("/healthz")[0], 200)


class Where(Story):
    """On which address, and what becomes of one that can't be had."""

    def run_coordinator(self, *flags):
        done = subprocess.run([os.path.join(BIN, "cromt-coordinator"), "--listen", "127.0.0.1:0", "--data-dir", self.mesh.path("data"), *flags],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, env=self.mesh.environment, timeout=20)
        return done.returncode, done.stderr

    def test_what_is_asked_for_and_cannot_be_had_ends_the_start(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            code, said = self.run_coordinator("--http", address)
            self.assertEqual(code, 2, said)
            self.says(said, address)
            code, said = self.run_coordinator("--config", self.mesh.write("c.yaml", f"http: {address}\n"))
            self.assertEqual(code, 2, said)
        for address in ("0.0.0.0:0", "[::]:0"):
            code, said = self.run_coordinator("--http", address)
            self.assertEqual(code, 2, said)
            self.says(said, address, "--insecure")
        self.assertEqual(self.run_coordinator("--http", "nonsense")[0], 2)

    def test_nobody_has_to_have_it(self):
        program = self.mesh.start_coordinator()
        program.terminate()
        flag = program.command.index("--http")
        without = [*program.command[:flag], *program.command[flag + 2:]]
        for settings, flags, has in (("", ["--http", "off"], False), ("http: off\n", [], False), ("http: 127.0.0.1:0\n", [], True),
                                     ("http: off\n", ["--http", "127.0.0.1:0"], True)):
            self.mesh.write("mesh.yaml", settings)
            program.command = [*without, *flags]
            program.start()
            self.assertEqual(program.http is not None, has, settings + str(flags))
            program.terminate()

    def test_where_nobody_says_which_the_usual_one_may_be_another_programs(self):
        program = self.mesh.start_coordinator()
        program.terminate()
        flag = program.command.index("--http")
        program.command = [*program.command[:flag], *program.command[flag + 2:]]
        try:
            taken = socket.create_server(("127.0.0.1", 4080))
        except OSError:
            taken = None  # some other program's already, which serves as well
        try:
            program.start()
            self.assertIsNone(program.http)
            wait_for("a warning", lambda: "no HTTP is served" in program.log())
            self.succeeded(self.mesh.cromt("projects"))
        finally:
            if taken:
                taken.close()

    def test_a_coordinator_that_is_held_is_not_ready(self):
        self.mesh.start_coordinator()
        self.mesh.apply("projects: {p: {run: echo}}\n")
        backup = self.mesh.path("backup")
        data = ["--data-dir", self.mesh.coordinator.data_dir]
        subprocess.run([os.path.join(BIN, "cromt-coordinator"), "backup", backup, *data], check=True, env=self.mesh.environment, capture_output=True)
        self.mesh.apply("projects: {p: {run: echo again}}\n")
        self.mesh.coordinator.terminate()
        subprocess.run([os.path.join(BIN, "cromt-coordinator"), "restore", backup, *data], check=True, env=self.mesh.environment, capture_output=True)
        self.mesh.coordinator.start()
        status, _, body = ask(self.mesh.coordinator.http, "/readyz")
        self.assertEqual(status, 503)
        self.says(body, "went back to an earlier state")
        self.assertEqual(ask(self.mesh.coordinator.http, "/healthz")[0], 200)


class InAMesh(Story):
    mesh_kind = Founded

    def setUp(self):
        super().setUp()
        self.mesh.found()

    def test_each_route_has_a_rule_and_what_is_open_is_open_on_purpose(self):
        self.assertEqual({(method, pattern) for method, pattern, scope, _ in RULES if scope == "kOpen"}, OPEN)
        for method, pattern, _, least in RULES:
            with self.subTest(method, pattern=pattern):
                status, _, _ = ask(self.mesh.coordinator.http, pattern.replace("{project}", "p"), method)
                expected = (401,) if pattern.startswith("/hooks/") else (200,) if (method, pattern) in OPEN else (401, 403)
                self.assertIn(status, expected)
                self.assertEqual(least == "kNone", (method, pattern) in OPEN)
        self.says(self.mesh.cromt("audit", "-o", "json").out, '"what":"denied"', "POST /hooks/p")

    def test_beyond_loopback_it_speaks_tls_as_the_coordinator(self):
        self.mesh.coordinator.terminate()
        http = self.mesh.coordinator.command.index("--http") + 1
        self.mesh.coordinator.command[http] = "0.0.0.0:" + free_address().rpartition(":")[2]
        self.mesh.coordinator.restart()
        address = "127.0.0.1:" + self.mesh.coordinator.http.rpartition(":")[2]
        context = ssl.create_default_context(cadata=self.mesh.authorities)
        self.assertEqual(ask(address, "/healthz", tls=context)[0], 200)
        with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), timeout=30) as plain:
            plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            try:
                self.assertNotIn(b"HTTP", hear(plain))
            except ConnectionResetError:
                pass
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.assertRaises(ssl.SSLError, ask, address, "/healthz", tls=context)
        # Who trusts other authorities does not take it for the coordinator.
        self.assertRaises(ssl.SSLError, ask, address, "/healthz", tls=ssl.create_default_context())


class Signed(Story):
    """A hook whose signature is good, and what becomes of it before the repository is looked at."""

    SECRET = "It's a Secret to Everybody"

    def setUp(self):
        super().setUp()
        self.mesh.start_all("host")
        self.mesh.commit("r", {"tasks/hello/task.bash": "echo hello\n"})
        self.mesh.apply(f"projects:\n  p:\n    path: {self.mesh.start_git_server()}/r.git\n    action: hello\n    hook: {{secret: HOOK}}\n")
        self.succeeded(self.mesh.cromt("secrets", "set", "HOOK", "--project", "p", typed=self.SECRET))

    def push(self, event="push", secret=SECRET, after="b" * 40, ref="refs/heads/main"):
        body = json.dumps({"ref": ref, "after": after}).encode()
        mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return ask(self.mesh.coordinator.http, "/hooks/p", "POST", body, X_Hub_Signature_256=f"sha256={mac}", X_GitHub_Event=event)

    def test_a_push_is_taken(self):
        status, _, body = self.push()
        self.assertEqual(status, 202, body)
        self.assertEqual({key: json.loads(body)[key] for key in ("project", "ref", "commit")},
                         {"project": "p", "ref": "refs/heads/main", "commit": "b" * 40})
        self.assertTrue(json.loads(body)["message"])
        self.assertEqual(self.push(event="ping")[0], 200)
        self.assertEqual(self.push(after="0" * 40)[0], 200)
        self.assertEqual(self.push(ref="main")[0], 400)
        self.assertEqual(self.push(secret="another secret")[0], 401)


if __name__ == "__main__":
    main()
