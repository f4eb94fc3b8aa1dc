#!/usr/bin/python3
"""Jobs in a container that runs already: what they see, what comes back, and what is refused."""

import io
import os
import subprocess
import tarfile

from existing import Existing
from mesh import BIN
from process import wait_for
from story import main


def setUpModule():
    Existing.begin()


def tearDownModule():
    Existing.end()


class Inside(Existing):
    def test_it_runs_in_there_as_a_process_does(self):
        self.inside("sh", "-c", "echo hers > /etc/mark")
        done = self.run_job("cat /etc/mark; pwd; env; id -u; echo $((1+1)) > made; ls -la .; echo err >&2; exit 5",
                            more="    vars: {GREETING: \"it's $HOME\"}\n")
        self.exited(1, done)
        self.assertEqual(self.task()["exit_code"], 5)
        workspace = next(line for line in done.out.splitlines() if line.startswith("/.cromt-"))
        self.says(done.out, "hers\n", f"CROMT_WORKSPACE={workspace}\n", f"HOME={workspace}\n", "PATH=/bin\n", "OWN=own value\n", "GREETING=it's $HOME\n", "CROMT_PROJECT=p\n", "\n0\n", "made\n")
        self.assertNotIn(self.mesh.folder, done.out)
        self.says(done.out + done.err, "err\n")
        self.is_as_it_was()
        self.run_job("kill -9 $$")
        self.assertEqual(self.task()["exit_code"], 137)
        self.says(self.refusal("/usr/bin/tool x"), "the container db1 has no /usr/bin/tool, which this job needs")
        self.is_as_it_was()

    def test_much_output_comes_whole_and_what_is_left_behind_ends(self):
        done = self.run_job("seq 1 200000; (setsid sh -c 'trap \"\" TERM; sleep 1000; sleep 1000' </dev/null >/dev/null 2>&1 &); (sleep 1000 &)")
        self.succeeded(done)
        self.assertEqual(done.out, "".join(f"{n}\n" for n in range(1, 200001)))
        self.is_as_it_was()

    def test_another_user(self):
        for user in ("'1234:1235'", "app"):
            done = self.run_job("id -u; id -g; echo x > made; ls -ln made; touch /x", more=f"    container: {{user: {user}}}\n")
            self.exited(1, done)
            self.says(done.out, "1234\n", "1235\n", " 1234 ", " 1235 ", "Permission denied")
            self.is_as_it_was()
        self.says(self.refusal("true", more="    container: {user: nosuch}\n"), "nosuch")
        self.is_as_it_was()

    def test_artifacts_and_tasks_of_a_repository(self):
        url = self.mesh.start_git_server()
        self.mesh.commit("repo", {
            ".tom/build.raku": 'task-run "tasks/greet", %( name => "it" );\n',
            "tasks/greet/task.sh": "echo greetings; cat .artifacts/in; cat /etc/passwd; mkdir made; echo made > made/one; ln -s one made/link\n",
            "tasks/greet/task.check": "greetings\n",
        })
        self.mesh.apply(f"""
projects:
  first:
    run: echo from the host > in
    artifacts: {{out: [{{file: in, path: in}}]}}
  p:
    path: {url}/repo.git
    action: build
    sparrowdo: {{docker: db1, no_sudo: true}}
    artifacts: {{in: [in], out: [{{file: made, path: made}}]}}
    before: [{{name: first}}]
  last:
    run: ls .artifacts/made* || cat .artifacts/made | tar tf -
    artifacts: {{in: [made]}}
    before: [{{name: p}}]
""")
        done = self.mesh.cromt("start", "last", "--follow")
        self.succeeded(done)
        self.says(done.out, "greetings\n", "from the host\n", "app:x:1234:1235", "True", "one", "link")
        self.is_as_it_was()

    def test_two_at_the_same_time(self):
        self.mesh.apply("projects:\n" + "".join(
            f"  {name}:\n    run: 'echo {name} begun; echo {name} > mine; until [ -e /tmp/go ]; do sleep 0.05; done; cat mine'\n    sparrowdo: {{docker: db1}}\n"
            for name in ("a", "b")))
        runs = [self.mesh.start(name) for name in ("a", "b")]
        for run in runs:
            wait_for("it has begun", lambda run=run: "begun" in self.mesh.cromt("logs", run, "--raw").out)
        self.inside("touch", "/tmp/go")
        for run, name in zip(runs, ("a", "b")):
            self.assertEqual(self.mesh.wait_finished(run)["outcome"], "succeeded")
            self.says(self.mesh.cromt("logs", run, "--raw").out, f"{name} begun\n{name}\n")
        self.is_as_it_was()


class InPlace(Existing):
    def setUp(self):
        super().setUp()
        self.folder = self.mesh.path("here")
        for path, text in {"kept": "kept", "changed": "old", "sub/gone": "x", "gone/x": "x", "sub/stays": "x"}.items():
            self.mesh.write("here/" + path, text)
        os.chmod(os.path.join(self.folder, "changed"), 0o600)
        os.symlink("/etc/passwd", os.path.join(self.folder, "out"))
        os.symlink("kept", os.path.join(self.folder, "link"))

    def go(self, script):
        self.mesh.write("here/.tom/go.sh", script)
        self.mesh.apply(f"projects:\n  p:\n    path: {self.folder}\n    action: go\n    sparrowdo: {{docker: db1}}\n")
        return self.mesh.cromt("start", "p", "--follow")

    def text(self, *names):
        with open(os.path.join(self.folder, *names), encoding="utf-8") as file:
            return file.read()

    def test_changes_are_there_after(self):
        before = os.stat(os.path.join(self.folder, "kept")).st_mtime_ns
        done = self.go("cat kept link; echo new > changed; rm -rf sub/gone gone; mkdir -p more/deep; echo 'echo hi' > more/deep/run; "
                       "chmod +x more/deep/run; ln -s ../kept more/link; mkfifo pipe; ln -s /etc/shadow away")
        self.succeeded(done)
        self.says(done.out + done.err, "keptkept", "left out of the container", "out'", "left in the container", "pipe is neither a file", "/etc/shadow")
        self.assertEqual(self.text("changed"), "new\n")
        self.assertEqual(os.stat(os.path.join(self.folder, "changed")).st_mode & 0o777, 0o600)
        self.assertEqual(os.stat(os.path.join(self.folder, "kept")).st_mtime_ns, before)
        self.assertEqual(sorted(os.listdir(self.folder)), [".tom", "changed", "kept", "link", "more", "out", "sub"])
        self.assertEqual(os.listdir(os.path.join(self.folder, "sub")), ["stays"])
        self.assertTrue(os.access(os.path.join(self.folder, "more", "deep", "run"), os.X_OK))
        self.assertEqual(os.readlink(os.path.join(self.folder, "more", "link")), "../kept")
        self.assertEqual(os.readlink(os.path.join(self.folder, "out")), "/etc/passwd")
        self.is_as_it_was()

    def hostile(self, *entries):
        """An archive as no tar of ours makes it."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for name, kind, more in entries:
                entry = tarfile.TarInfo(name)
                entry.type, entry.linkname = kind, more if isinstance(more, str) else ""
                data = more if isinstance(more, bytes) else b""
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
        return archive.getvalue()

    def test_hostile_archives_do_not_leave_the_workspace(self):
        huge = bytearray(self.hostile(("huge", tarfile.REGTYPE, b"")))
        huge[124:136] = b"77777777777\0"
        huge[148:156] = b"%06o\0 " % (sum(huge[:148]) + 8 * 32 + sum(huge[156:512]))
        archives = {
            "dots": self.hostile(("../evil", tarfile.REGTYPE, b"evil")),
            "absolute": self.hostile((self.mesh.path("evil"), tarfile.REGTYPE, b"evil")),
            "link": self.hostile(("d", tarfile.SYMTYPE, self.mesh.folder), ("d/evil", tarfile.REGTYPE, b"evil")),
            "link within": self.hostile(("d", tarfile.SYMTYPE, ".."), ("d/evil", tarfile.REGTYPE, b"evil")),
            "hard link": self.hostile(("h", tarfile.LNKTYPE, "/etc/passwd")),
            "device": self.hostile(("dev", tarfile.CHRTYPE, "")),
            "huge": bytes(huge),
            "nothing": b"",
        }
        for name, archive in archives.items():
            with self.subTest(name):
                with open(os.path.join(self.folder, "archive"), "wb") as file:
                    file.write(archive)
                done = self.go("cp=$(cat archive | wc -c); cat archive > /tmp/archive; cd ..; cat step > /tmp/step; rm step; "
                               "printf '#!/bin/sh\\n[ $2 = pack ] && exec cat /tmp/archive\\nexit 0\\n' > step; /bin/busybox chmod 755 step; echo began")
                self.exited(1, done)
                self.says(done.out, "began")
                self.says(self.task()["reason"], "the workspace can't be brought back out of the container db1: ")
                self.assertFalse(os.path.exists(self.mesh.path("evil")))
                self.assertEqual(self.text("kept"), "kept")
                self.assertNotIn("d", os.listdir(self.folder))
                self.inside("sh", "-c", "rm -rf /.cromt-*")


class Refused(Existing):
    config = "slots: 4\n"
    flags = ("--read-only",)

    def test_what_the_agent_does_not_allow(self):
        reason = self.refusal("echo began")
        self.says(reason, "a container named db1 runs here, and this agent lets no job run in it; 'container:db1' in containers.allow of its configuration would")
        self.assertNotIn("began", self.mesh.cromt("logs", "last", "--raw").out)
        self.is_as_it_was()
        # The beginning of an id is no name, and neither is one that has ended.
        (container,) = self.engine.containers()
        self.says(self.refusal("true", container=container["ID"][:6], more="    container: {pull: never}\n"), "is not on this host")
        self.engine.docker("kill", "db1")
        self.says(self.refusal("true", more="    container: {pull: never}\n"), "the image db1 is not on this host")

    def test_embedded_a_user_may_what_the_engine_lets_them(self):
        self.run_container("db2")
        file = self.mesh.write("job.yaml", "projects: {p: {run: echo $OWN, sparrowdo: {docker: db2}}}\n")
        done = subprocess.run([os.path.join(BIN, "cromt"), "run", file], env=self.mesh.environment, capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.says(done.stdout, "own value\n")
        self.is_as_it_was("db2")
        self.mesh.write("job.yaml", "projects: {p: {run: echo $OWN, sparrowdo: {docker: db1}}}\n")
        done = subprocess.run([os.path.join(BIN, "cromt"), "run", file], env=self.mesh.environment, capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.says(done.stderr + done.stdout, "the root of the container db1 is read-only, so that nothing can be put there")
        self.mesh.write("job.yaml", "projects: {p: {run: echo $OWN, sparrowdo: {docker: db2}, container: {network: none, memory: 1GiB}}}\n")
        done = subprocess.run([os.path.join(BIN, "cromt"), "run", file], env=self.mesh.environment, capture_output=True, text=True, check=False, timeout=60)
        self.says(done.stderr + done.stdout, "a container named db2 runs, and one that runs can't be given 'network', 'memory'")


if __name__ == "__main__":
    main()
