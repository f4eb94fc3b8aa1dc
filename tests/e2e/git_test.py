#!/usr/bin/python3
"""Repositories of real servers: https with a password, ssh, git daemon; what users are told, and what nobody is."""

import getpass
import os
import re
import shutil
import signal
import socket
import subprocess
import sys

from mesh import BIN, SOURCE
from process import read_text, wait_for
from story import Story, main

SECRET = "s3cret-of-the-repository"


def server(mesh, name, *arguments):
    """Starts one of tests/support/NAME.py beside the mesh; its port."""
    number = len(mesh._children)
    port_file = mesh.path(f"{name}{number}.port")
    command = [sys.executable, os.path.join(SOURCE, "tests", "support", name + ".py"), "--port-file", port_file, *arguments]
    with open(mesh.path(f"{name}{number}.log"), "wb") as log:
        mesh._children.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
    return wait_for(f"{name} says its port", lambda: read_text(port_file).strip())


def everything(mesh):
    """Names and bytes of all files of the mesh but the repositories' and the test's own."""
    for folder, folders, names in os.walk(mesh.folder):
        folders[:] = [name for name in folders if os.path.join(folder, name) not in (mesh.path("git"), mesh.path("own"))]
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as file:
                    yield path, file.read()


class Git(Story):
    def setUp(self):
        super().setUp()
        os.mkdir(self.mesh.path("own"))
        self.mesh.commit("app", {"tasks/build/task.bash": "echo it runs: $(cat FILE)\n", "FILE": "first\n"})

    def begin(self, git=None, **settings):
        self.mesh.start_agent("host")
        self.mesh.start_coordinator(git=git or {}, **settings)

    def own(self, name, text, mode=0o600):
        path = self.mesh.write(os.path.join("own", name), text)
        os.chmod(path, mode)
        return path

    def run_of(self, url, code=0):
        """A run of the repository's action, waited for: its call."""
        self.mesh.apply(f"projects: {{p: {{path: '{url}', action: build}}}}\n")
        done = self.mesh.cromt("start", "p", "--wait")
        self.exited(code, done)
        return done

    def runs(self, url):
        self.run_of(url)
        self.says(self.mesh.cromt("logs", "last", "--raw").out, "it runs: first")

    def refused(self, url, *parts):
        """The run fails, and says why to who started it and to who looks later."""
        done = self.run_of(url, code=1)
        self.says(done.out + done.err, *parts)
        self.says(self.mesh.cromt("show", "last").out, *parts)


class Https(Git):
    def certificate(self):
        """A self-signed one for localhost: the arguments of the server."""
        pem, key = self.mesh.path("own", "server.pem"), self.mesh.path("own", "server.key")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", pem],
                       check=True, capture_output=True)
        return ["--tls", pem, key]

    def serve(self, *arguments):
        port = server(self.mesh, "git_server", "--root", self.mesh.path("git"), *arguments)
        return f"{'https://localhost' if '--tls' in arguments else 'http://127.0.0.1'}:{port}"

    def test_a_password_reaches_the_server_and_nobody_else(self):
        url = self.serve(*self.certificate(), "--user", f"me:{SECRET}")
        self.begin({"ca_file": self.mesh.path("own", "server.pem"),
                    "credentials": {url: self.own("login", f"me:{SECRET}\n")}})
        self.runs(f"{url}/app.git")
        self.own("login", f"me:wrong-{SECRET}\n")
        self.refused(f"{url}/app.git", "refuses the user and password that git.credentials has for", url)
        found = [path for path, data in everything(self.mesh) if SECRET.encode() in data]
        self.assertEqual(found, [], "the password is there")

    def test_while_it_is_used_ps_and_the_environment_do_not_show_it(self):
        url = self.serve("--user", f"me:{SECRET}")
        self.begin({"credentials": {url: self.own("login", f"me:{SECRET}")}})
        self.mesh.apply(f"projects: {{p: {{path: '{url}/held/app.git', action: build}}}}\n")
        run = self.mesh.start("p")
        helper = wait_for("the helper fetches", self.helper)
        for name in ("cmdline", "environ"):
            with open(f"/proc/{helper}/{name}", "rb") as file:
                self.assertNotIn(SECRET.encode(), file.read(), name)
        self.mesh.write("git/go", "")
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "succeeded")

    def test_a_helper_that_is_killed_in_mid_fetch_is_started_again_and_in_the_end_named(self):
        url = self.serve()
        self.begin()
        self.mesh.apply(f"projects: {{p: {{path: '{url}/held/app.git', action: build}}}}\n")
        killed = []
        def kill():
            pid = wait_for("another helper fetches", lambda: (pid := self.helper()) not in killed and pid)
            os.kill(int(pid), signal.SIGKILL)
            killed.append(pid)
        run = self.mesh.start("p")
        for _ in range(3):
            kill()
        shown = self.mesh.wait_finished(run)
        self.says(f"{shown['outcome']}: {shown['reason']}", "failed", "app.git: the git helper was killed by Killed before it answered")
        self.says(self.mesh.cromt("why", run, "p").out, "the git helper was killed")
        run = self.mesh.start("p")
        kill()
        wait_for("it fetches again", lambda: self.helper() not in [None, *killed])
        self.mesh.write("git/go", "")
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "succeeded")

    def helper(self):
        """The pid of a cromt-git of this mesh's coordinator."""
        threads = f"/proc/{self.mesh.coordinator.process.pid}/task"
        children = " ".join(read_text(f"{threads}/{thread}/children") for thread in os.listdir(threads)).split()
        return next((pid for pid in children if read_text(f"/proc/{pid}/comm").strip() == "cromt-git"), None)

    def test_a_long_fetch_is_said_to_go_on(self):
        url = self.serve()
        self.begin()
        self.mesh.apply(f"projects: {{p: {{path: '{url}/held/app.git', action: build}}}}\n")
        call = self.mesh.begin("start", "p", "--follow")
        wait_for("who follows is told", lambda: f"cromt: fetching {url}/held/app.git" in read_text(call.err_path))
        run = self.mesh.show("last")
        self.assertEqual((run["state"], run["reason"]), ("queued", f"fetching {url}/held/app.git"))
        wait_for("the log says it", lambda: f"run {run['id']}: fetching {url}/held/app.git for " in self.mesh.coordinator.log())
        self.mesh.write("git/go", "")
        self.assertEqual(self.mesh.wait_finished(run["id"])["outcome"], "succeeded")
        self.assertNotIn("reason", self.mesh.show("last"))

    def test_remotes_that_hang_hold_up_no_other(self):
        url = self.serve()
        self.begin()
        held = "".join(f"  held{number}: {{path: '{url}/held/app.git', action: build, branch: b{number}}}\n" for number in range(12))
        self.mesh.apply(f"projects:\n{held}  p: {{path: '{url}/app.git', action: build}}\n")
        for number in range(12):
            self.mesh.start(f"held{number}")
        self.succeeded(self.mesh.cromt("start", "p", "--wait"))

    def test_what_is_not_configured_is_said(self):
        url = self.serve(*self.certificate(), "--user", f"me:{SECRET}")
        self.begin()
        self.refused(f"{url}/app.git", "its certificate is not trusted; git.ca_file may name who signed it")
        open_url = self.serve("--user", f"me:{SECRET}")
        self.refused(f"{open_url}/app.git", "it asks for a user and password", "git: credentials")
        self.refused(open_url.replace("//", f"//me:{SECRET}@") + "/app.git", "a password in a URL is seen by all", "***@")

    def test_limits(self):
        url = self.serve()
        self.begin({"max_files": 2})
        self.refused(f"{url}/app.git", "more than 2 files in commit")

    def test_errors_of_the_configuration_are_told_at_the_start(self):
        self.mesh.start_agent("host")
        for git, part in (({"credentials": {"ssh://host/": "/x"}}, "a prefix is http(s)://HOST[:PORT][/PATH]"),
                          ({"credentials": {"https://host/": "x"}}, "'x' where an absolute path is meant"),
                          ({"submodules": True}, "'git.submodules': 'true' is no beginning of a Git URL"),
                          ({"timeout": "soon"}, "git.timeout"),
                          ({"max_files": 0}, "is not from 1 to"),
                          ({"credental": {}}, "did you mean 'git.credentials'")):
            with self.subTest(part):
                self.mesh.write_config(git=git)
                done = subprocess.run([os.path.join(BIN, "cromt-coordinator"), "--config", self.mesh.path("mesh.yaml"), "--listen",
                                       "127.0.0.1:0", "--data-dir", self.mesh.path("c")],
                                      env=self.mesh.environment, capture_output=True, text=True, timeout=30)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.says(done.stderr, part)

    def test_one_commit_for_a_whole_run_also_when_the_branch_moves(self):
        url = self.serve()
        self.begin()
        marker, going = self.mesh.path("marker"), self.mesh.path("going")
        first = self.mesh.commit("app", {"tasks/build/task.bash": f"touch {going}; while ! [ -e {marker} ]; do sleep 0.01; done; "
                                                                  "cat $CROMT_WORKSPACE/FILE FILE 2>/dev/null | head -1\n"})
        host = "http://" + self.mesh.agents["host"].address
        self.mesh.apply(f"projects:\n  p:\n    path: {url}/app.git\n    action: build\n"
                        f"    queue-id: one\n    hosts: [{{url: '{host}'}}, {{url: '{host}'}}]\n")
        run = self.mesh.start("p")
        wait_for("the first task runs", lambda: os.path.exists(going))
        self.mesh.commit("app", {"FILE": "second\n"})
        self.mesh.write("marker", "")
        shown = self.mesh.wait_finished(run)
        self.assertEqual(shown["outcome"], "succeeded")
        self.says(str(shown), first)
        logs = [self.mesh.cromt("logs", run, str(task), "--raw").out for task in (1, 2)]
        self.assertEqual(logs, ["first\n", "first\n"])


class Ssh(Git):
    def serve(self):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.mesh.path("own", "key")], check=True)
        port = server(self.mesh, "ssh_server", "--folder", self.mesh.path("own", "sshd"), "--authorized",
                      self.mesh.path("own", "key.pub"))
        self.host_key = f"[127.0.0.1]:{port} " + " ".join(read_text(self.mesh.path("own", "sshd", "host_ed25519.pub")).split()[:2])
        return f"ssh://{getpass.getuser()}@127.0.0.1:{port}{self.mesh.path('git')}"

    def test_an_unknown_host_is_refused_until_its_line_is_added(self):
        url = self.serve()
        known = self.mesh.path("own", "known_hosts")
        self.begin({"ssh_keys": [self.mesh.path("own", "key")], "known_hosts": [known]})
        self.refused(f"{url}/app.git", f"If it is the right one, add this line to {known}: {self.host_key}")
        self.own("known_hosts", self.host_key + "\n")
        self.runs(f"{url}/app.git")

    def test_the_coordinators_agent(self):
        url = self.serve()
        sock = self.mesh.path("own", "agent")
        self.mesh._children.append(subprocess.Popen(["ssh-agent", "-D", "-a", sock], stdin=subprocess.DEVNULL,
                                                    stdout=subprocess.DEVNULL))
        wait_for("the ssh agent listens", lambda: os.path.exists(sock))
        subprocess.run(["ssh-add", "-q", self.mesh.path("own", "key")], check=True, env={**os.environ, "SSH_AUTH_SOCK": sock})
        self.mesh.environment["SSH_AUTH_SOCK"] = sock
        self.begin({"known_hosts": [self.own("known_hosts", self.host_key)]})
        self.runs(f"{url}/app.git")

    def test_without_a_server_by_run(self):
        url = self.serve()
        config = self.own("mesh.yaml", f"git: {{ssh_keys: ['{self.mesh.path('own', 'key')}'], "
                                       f"known_hosts: ['{self.own('known_hosts', self.host_key)}']}}\n")
        jobs = self.mesh.write("jobs.yaml", f"projects: {{p: {{path: '{url}/app.git', action: build}}}}\n")
        done = self.mesh.cromt("run", jobs, "--config", config)
        self.succeeded(done)
        self.says(done.out + done.err, "it runs: first")


class Daemon(Git):
    def serve(self):
        """`git daemon` on a port that is free: who listens first has it."""
        for _ in range(5):
            with socket.create_server(("127.0.0.1", 0)) as taken:
                port = taken.getsockname()[1]
            number = len(self.mesh._children)
            log = self.mesh.path(f"daemon{number}.log")
            with open(log, "wb") as out:
                process = subprocess.Popen(["git", "daemon", "--verbose", "--listen=127.0.0.1", f"--port={port}", "--export-all",
                                            "--reuseaddr", f"--base-path={self.mesh.path('git')}"],
                                           stdin=subprocess.DEVNULL, stdout=out, stderr=out)
            self.mesh._children.append(process)
            wait_for("git daemon listens or ends", lambda: "Ready to rumble" in read_text(log) or process.poll() is not None)
            if process.poll() is None:
                return f"git://127.0.0.1:{port}"
        raise AssertionError("no port for git daemon")

    def test_it_is_cloned(self):
        url = self.serve()
        self.begin()
        self.runs(f"{url}/app.git")
        self.refused(f"{url}/none.git", "there is no such repository")

    def test_only_what_is_new_is_fetched(self):
        url = self.serve()
        self.begin()
        self.runs(f"{url}/app.git")
        shutil.copy("/bin/true", self.mesh.path("trees", "app", "big"))
        self.mesh.commit("app", {})
        self.runs(f"{url}/app.git")
        mirrors = os.listdir(os.path.join(self.mesh.coordinator.data_dir, "git"))
        self.assertEqual(len(mirrors), 1)
        packs = os.listdir(os.path.join(self.mesh.coordinator.data_dir, "git", mirrors[0], "mirror", "objects", "pack"))
        self.assertEqual(len([name for name in packs if name.endswith(".pack")]), 2, packs)


class Local(Git):
    """Attack 18 as a user writes it, and file:// only where it is allowed."""

    def test_hostile_urls_run_nothing(self):
        self.begin()
        mark = self.mesh.path("ran")
        for url in (f"ext::sh -c touch% {mark}.git", f"--upload-pack=touch {mark}.git", f"ssh://-oProxyCommand=touch%20{mark}/x.git",
                    f"git@-oProxyCommand=touch:{mark}.git", f"git@127.0.0.1:x';touch%20{mark};'.git",
                    f"file://{self.mesh.path('git')}/app.git"):
            with self.subTest(url):
                path = self.mesh.write("hostile.yaml", "projects: {h: {path: " + _quoted(url) + ", action: build}}\n")
                applied = self.mesh.cromt("--conf", path)
                started = self.mesh.cromt("start", "h", "--wait") if applied.code == 0 else applied
                self.assertNotEqual(started.code, 0, str(started))
                self.assertFalse(os.path.exists(mark), url)

    def test_file_urls_where_they_are_allowed(self):
        self.begin(allow_local_git=True)
        self.runs(f"file://{self.mesh.path('git')}/app.git")


def _quoted(text):
    return "'" + re.sub("'", "''", text) + "'"


if __name__ == "__main__":
    main()
