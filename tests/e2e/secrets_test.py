#!/usr/bin/python3
"""Secrets: a task gets what it names, nobody else gets it, and nothing of it is to be found anywhere afterwards."""

import base64
import fcntl
import json
import os
import pwd
import queue
import socket
import struct
import subprocess
import threading
import urllib.parse

import grpc

import rpc
from fake_agent import FakeAgent
from mesh import BIN
from process import Program, as_user, read_text, wait_for
from story import Story, main

VALUE = "hunter22/with+odd=letters"
KEY = "-----BEGIN KEY-----\nAAAABBBBCCCCDDDDEEEE\nFFFFGGGGHHHHIIIIJJJJ\n-----END KEY-----\n"
FORMS = [VALUE, base64.b64encode(VALUE.encode()).decode(), urllib.parse.quote(VALUE, safe=""), "AAAABBBBCCCCDDDDEEEE",
         base64.b64encode(KEY.encode()).decode()[:40]]


def holders(folder, forms, but=()):
    """The files below it in which one of these stands."""
    found = []
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            if path in but or not os.path.isfile(path) or os.path.islink(path):
                continue
            with open(path, "rb") as file:
                bytes_ = file.read()
            found += [path for form in forms if form.encode() in bytes_]
    return found


class Kept(Story):
    """A coordinator that keeps two secrets of the project app."""

    agents = ("hostA",)

    def setUp(self):
        super().setUp()
        self.mesh.start_all(*self.agents, allow_local_git=True)
        self.value, self.key = self.mesh.write("value", VALUE), self.mesh.write("key.pem", KEY)
        self.set("db", "app", VALUE)
        self.succeeded(self.mesh.cromt("secrets", "set", "key", "--project", "app", "--from-file", self.key))

    def set(self, name, project, value):
        done = self.mesh.cromt("secrets", "set", name, "--project", project, typed=value)
        self.succeeded(done)
        return done

    def app(self, run, more="", secrets="[{name: db, env: DB}, {name: key, file: key.pem}]"):
        indented = "".join(f"      {line}\n" for line in run.splitlines())
        self.mesh.apply(f"projects:\n  app:\n    secrets: {secrets}\n    run: |\n{indented}{more}")

    def run_app(self, code=0):
        """Starts it and waits: what it printed."""
        self.exited(code, self.mesh.cromt("start", "app", "--wait"))
        return self.mesh.cromt("logs", "last", "1", "--raw").out


class Delivery(Kept):
    def test_as_a_variable_and_as_a_file(self):
        self.app(f'[ "$DB" = "$(cat {self.value})" ] && cmp "$CROMT_SECRETS/key.pem" {self.key} && echo same\n'
                 'stat -c "%a %n" "$CROMT_SECRETS" "$CROMT_SECRETS"/*; pwd; echo "$CROMT_SECRETS"\n')
        lines = self.run_app().splitlines()
        self.assertEqual(lines[0], "same")
        folder, workspace = lines[-1], lines[-2]
        self.assertEqual(lines[1:3], [f"700 {folder}", f"600 {folder}/key.pem"])
        self.assertFalse(folder.startswith(workspace))
        wait_for("the files are gone", lambda: not os.path.exists(folder))

    def test_no_task_gets_what_it_does_not_name(self):
        self.mesh.apply("""
projects:
  app: {run: 'env; echo [$CROMT_SECRETS]', secrets: []}
  other: {run: env, secrets: [{name: db, env: DB}]}
  top:
    secrets: [{name: db, env: DB}]
    run: env
    hosts: [{id: one, secrets: []}, {id: two}]
""")
        self.says(self.run_app(), "[]\n")
        refused = self.mesh.cromt("start", "other")
        self.exited(2, refused)
        self.says(refused.err, "secret 'db', which project 'other' names, has no value")
        self.set("db", "top", "of the top")
        self.succeeded(self.mesh.cromt("start", "top", "--wait"))
        for host, count in (("1", 0), ("2", 1)):
            self.assertEqual(self.mesh.cromt("logs", "last", host, "--raw").out.count("DB=***"), count)

    def test_one_of_all_projects(self):
        self.succeeded(self.mesh.cromt("secrets", "set", "common", "--all-projects", "--from-file", self.value))
        self.mesh.apply("projects: {any: {run: 'echo $COMMON', secrets: [{name: common, env: COMMON}]}}")
        self.succeeded(self.mesh.cromt("start", "any", "--wait"))
        self.assertEqual(self.mesh.cromt("logs", "last", "--raw").out, "***\n")
        listed = [json.loads(line) for line in self.mesh.cromt("secrets", "list", "-o", "json").out.splitlines()]
        self.assertEqual([(one["project"], one["name"]) for one in listed], [(None, "common"), ("app", "db"), ("app", "key")])

    def test_sparrow_tasks(self):
        self.mesh.commit("r", {".tom/say.raku": 'task-run "tasks/show";\n',
                               "tasks/show/task.bash": 'echo "got $DB"; wc -l < "$CROMT_SECRETS/key.pem"\n'})
        url = f"file://{self.mesh.path('git', 'r.git')}"
        self.mesh.apply(f"projects: {{app: {{path: '{url}', action: say, secrets: [{{name: db, env: DB}}, {{name: key, file: key.pem}}]}}}}")
        out = self.run_app()
        self.says(out, "got ***\n", "4\n")
        self.assertNotIn(VALUE, out)

    def test_what_is_removed_is_missed_at_the_next_start(self):
        self.app("true")
        self.run_app()
        self.succeeded(self.mesh.cromt("secrets", "remove", "db", "--project", "app"))
        for again in (self.mesh.cromt("start", "app"), self.mesh.cromt("rerun", "last")):
            self.exited(2, again)
            self.says(again.err, "secret 'db', which project 'app' names, has no value", "cromt secrets")

    def test_after_a_restart_of_the_coordinator(self):
        self.app(f'[ "$DB" = "$(cat {self.value})" ]')
        self.mesh.coordinator.kill()
        self.mesh.coordinator.restart()
        self.run_app()

    def test_a_coordinator_without_the_key_does_not_start(self):
        self.mesh.coordinator.terminate()
        os.rename(self.mesh.path("coordinator", "secrets.key"), self.mesh.path("elsewhere"))
        with self.assertRaisesRegex(AssertionError, "holds secrets, and there is no key"):
            self.mesh.coordinator.restart()
        os.rename(self.mesh.path("elsewhere"), self.mesh.path("coordinator", "secrets.key"))
        self.mesh.coordinator.restart()


class Agents(Story):
    def test_an_agent_gets_those_of_its_own_tasks_only(self):
        """What goes over the wire, to agents that take leases and run nothing."""
        mine, other = FakeAgent("mine"), FakeAgent("other")
        self.addCleanup(mine.close)
        self.addCleanup(other.close)
        self.mesh.start_coordinator(agents={"mine": mine.address, "other": other.address})
        for name, project in (("db", "app"), ("unused", "app"), ("db", "else")):
            self.succeeded(self.mesh.cromt("secrets", "set", name, "--project", project, typed=f"{name} of {project}"))
        self.mesh.apply("""
projects:
  app:
    run: 'true'
    hosts: [{url: 'http://mine', secrets: [{name: db, env: DB}, {name: db, file: db}]}, {url: 'http://other'}]
""")
        self.mesh.start("app")
        lease = mine.leases.get(timeout=30)
        self.assertEqual([(one.name, one.value) for one in lease.secrets], [("db", b"db of app")])
        self.assertNotIn(b"db of app", lease.spec.SerializeToString())
        self.assertEqual(list(other.leases.get(timeout=30).secrets), [])

    def test_a_plain_job_has_none(self):
        agent = self.mesh.start_agent("hostA")
        spec = rpc.shell("true")
        spec.secrets.add(name="db", env="DB")
        with self.assertRaises(grpc.RpcError) as refused:
            rpc.Client(agent.address).call("Submit", request_id="r", spec=spec)
        self.assertEqual(refused.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        self.says(refused.exception.details(), "a coordinator has them")


class Restarted(Kept):
    def test_an_agent_that_lost_them_gives_the_lease_back(self):
        gate = self.mesh.path("gate")
        agent = self.mesh.start_agent("hostB", "--slots", "1")
        self.mesh.write_config()
        self.mesh.coordinator.terminate()
        self.mesh.coordinator.restart()
        self.app(f'[ "$DB" = "$(cat {self.value})" ] && echo "got it"',
                 f"""    hosts: [{{url: 'http://hostB'}}]
  slow:
    run: 'until [ -e {gate} ]; do sleep 0.02; done'
    hosts: [{{url: 'http://hostB'}}]
""")
        slow = self.mesh.start("slow")
        wait_for("it runs", lambda: self.mesh.show(slow)["tasks"][0]["state"] == "running")
        run = self.mesh.start("app")
        wait_for("it is leased", lambda: self.mesh.show(run)["tasks"][0]["state"] == "leased")
        agent.kill()
        agent.restart()
        wait_for("the agent is back", lambda: '"up"' in self.mesh.cromt("agents", "-o", "json").out.split("hostB")[1])
        self.mesh.write("gate", "")
        task = self.mesh.wait_finished(run)["tasks"][0]
        self.assertEqual((task["outcome"], task["attempt"]), ("succeeded", 2))
        self.assertEqual(self.mesh.cromt("logs", run, "--raw").out, "got it\n")


class OldLauncher:
    """A launcher that runs a job when the agent is upgraded: from then on it knows limits and users (level 2), and nothing of secrets."""

    def __init__(self, folder):
        os.makedirs(folder, exist_ok=True)
        self.starts = queue.Queue()
        self._lock = open(os.path.join(folder, "launcher.lock"), "w", encoding="utf-8")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(os.path.join(folder, "launcher.sock"))
        self._socket.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self._socket.close()
        self._lock.close()

    def _serve(self):
        running = []
        for level in 3, 2:
            caller, _ = self._socket.accept()

            def frame(kind, body, caller=caller):
                caller.sendall(struct.pack("<IB", len(body) + 1, kind) + body)

            frame(65, struct.pack("<II3sIQI", 1, 3, b"old", os.getpid(), 0, level))
            for ticket in running:
                frame(66, self._started(ticket) + b"\0")
            frame(67, b"")
            with caller.makefile("rb") as stream:
                while header := stream.read(5):
                    length, kind = struct.unpack("<IB", header)
                    body = stream.read(length - 1)
                    if kind == 2:
                        self.starts.put(body)
                        running.append(struct.unpack_from("<Q", body)[0])
                        frame(68, self._started(running[-1]))

    @staticmethod
    def _started(ticket):
        return struct.pack("<QIqQ", ticket, os.getpid(), 0, 0)


class Upgraded(Story):
    def test_a_launcher_that_would_hide_nothing_is_not_asked(self):
        launcher = OldLauncher(self.mesh.path("hostA"))
        self.addCleanup(launcher.close)
        agent = self.mesh.start_agent("hostA")
        self.mesh.start_coordinator()
        self.succeeded(self.mesh.cromt("secrets", "set", "db", "--project", "app", typed=VALUE))
        self.mesh.apply("projects: {app: {run: 'true', secrets: [{name: db, env: DB}]}, plain: {run: 'true'}}")
        self.mesh.start("plain")
        launcher.starts.get(timeout=30)
        agent.kill()
        agent.restart()
        refused = self.mesh.cromt("start", "app", "--wait")
        self.exited(1, refused)
        self.says(self.mesh.show("last")["tasks"][0]["reason"], "of before the agent's upgrade and can't hide the secrets of jobs")
        self.mesh.start("plain")
        self.assertNotIn(VALUE.encode(), launcher.starts.get(timeout=30))
        self.assertTrue(launcher.starts.empty())


class Hidden(Kept):
    def test_in_output_also_in_pieces_and_encoded(self):
        """Attack 52."""
        encoded = urllib.parse.quote(VALUE, safe="")
        urls = self.mesh.write("urls", f"https://h/?p={encoded}&q={encoded.lower()}\n")
        self.app("set -x\n"
                 'echo "plain $DB end"; echo "err $DB end" >&2\n'
                 f'printf "%s" "${{DB%??????????}}"; sleep 0.1; printf "%s\\n" "${{DB#${{DB%??????????}}}}"\n'
                 'printf "%s" "$DB" | base64; printf "user:%s" "$DB" | base64; printf "xy%s and more" "$DB" | base64 -w 11\n'
                 'printf "%s" "$DB" | base64 | tr "+/" "-_"\n'
                 f'cat {urls}\n'
                 'printf \'{"p": "%s"}\\n\' "$DB"\n'
                 'cat "$CROMT_SECRETS/key.pem"; sed -n 2p "$CROMT_SECRETS/key.pem"; base64 "$CROMT_SECRETS/key.pem"\n'
                 'no-such-program "$DB" || ls "/$DB" || true\n'
                 'set +x; printf "%s" "${DB%?}"\n')
        out = self.run_app()
        for form in FORMS:
            self.assertNotIn(form, out)
        self.assertNotIn(base64.b64encode(b"user:" + VALUE.encode()).decode()[10:30], out)
        self.says(out, "plain *** end\n", "err *** end\n", "https://h/?p=***&q=***\n", '{"p": "***"}\n', "/***")
        self.assertTrue(out.endswith(VALUE[:-1]), "what is a letter short of it is none")
        self.assertEqual(holders(self.mesh.folder, FORMS, but=(self.value, self.key, urls)), [])

    def test_nowhere_in_files_answers_and_command_lines(self):
        """Attack 52: plan, API, audit, errors; 55: no command line."""
        gate = self.mesh.path("gate")
        self.app(f'echo "$DB"; cat "$CROMT_SECRETS/key.pem"; until [ -e {gate} ]; do sleep 0.02; done; exit 3\n')
        run = self.mesh.start("app")
        wait_for("it runs", lambda: self.mesh.show(run)["tasks"][0]["state"] == "running")
        # The job's own file is there while it runs; nothing else of it is.
        own = [path for path in holders(self.mesh.folder, FORMS, but=(self.value, self.key))]
        self.assertEqual({os.path.basename(path) for path in own}, {"key.pem"})
        for pid in filter(str.isdigit, os.listdir("/proc")):
            line = read_text(f"/proc/{pid}/cmdline")
            self.assertFalse(any(form in line for form in FORMS), line)
        for program in (self.mesh.coordinator.process.pid, self.mesh.agents["hostA"].process.pid, *self.mesh.launchers()):
            self.assertNotIn(VALUE, read_text(f"/proc/{program}/environ"))
        self.mesh.write("gate", "")
        self.mesh.wait_finished(run)
        said = "".join(done.out + done.err for done in (
            self.mesh.cromt("show", run, "-o", "json"), self.mesh.cromt("show", run, "1", "-o", "json"),
            self.mesh.cromt("why", run), self.mesh.cromt("logs", run), self.mesh.cromt("logs", run, "-o", "json"),
            self.mesh.cromt("runs", "-o", "json"), self.mesh.cromt("agents", "-o", "json"), self.mesh.cromt("history", "-o", "json"),
            self.mesh.cromt("plan", "app", "--conf", "jobs.yaml", "-o", "json"), self.mesh.cromt("plan", "app", "--conf", "jobs.yaml", "-o", "dot"),
            self.mesh.cromt("validate", "jobs.yaml", "-o", "json"), self.mesh.cromt("secrets", "list", "-o", "json")))
        for form in FORMS:
            self.assertNotIn(form, said)
        self.succeeded(self.mesh.cromt("secrets", "set", "db", "--project", "app", "--from-file", self.key))
        self.succeeded(self.mesh.cromt("secrets", "remove", "db", "--project", "app"))
        wait_for("the slot is emptied", lambda: holders(self.mesh.folder, FORMS, but=(self.value, self.key)) == [])

    def test_a_short_one_is_warned_of(self):
        done = self.set("pin", "app", "123")
        self.says(done.err, "secret 'pin' has fewer than 4 bytes, so it is not hidden in the output of jobs")

    def test_no_backup_holds_them(self):
        copy = self.mesh.path("copy.db")
        done = subprocess.run([os.path.join(BIN, "cromt-coordinator"), "backup", copy, "--data-dir", self.mesh.path("coordinator")], capture_output=True, timeout=60,
                              env=self.mesh.environment, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(copy, "rb") as file:
            self.assertNotIn(VALUE.encode(), file.read())
        mode = os.stat(self.mesh.path("coordinator", "secrets.key")).st_mode & 0o777
        self.assertEqual(mode, 0o600)

    def test_no_value_on_a_command_line(self):
        """Attack 55."""
        for arguments in (("set", "db", VALUE, "--project", "app"), ("set", f"db={VALUE}", "--project", "app"),
                          ("set", "db", "--project", "app", "--value", VALUE), ("set", "db", "--project", "app", f"@{self.value}")):
            self.exited(2, self.mesh.cromt("secrets", *arguments, typed=""))


class Others(Story):
    """Programs of an ordinary user."""

    def test_no_other_process_of_the_user_looks_into_those_that_hold_them(self):
        """Attack 52: no core dump, which the kernel refuses of the same processes."""
        user = pwd.getpwnam("nobody")
        for name in ("hostA", "coordinator", "runtime", "state", "home"):
            os.makedirs(self.mesh.path(name), exist_ok=True)
            os.chown(self.mesh.path(name), user.pw_uid, user.pw_gid)
        agent = self.mesh.start_agent("hostA", before=as_user("nobody"))
        command = [*as_user("nobody"), os.path.join(BIN, "cromt-coordinator"), "--listen", "127.0.0.1:0", "--local-agent", agent.address]
        self.mesh.coordinator = coordinator = Program(command, self.mesh.path("coordinator"), self.mesh.environment).start()
        for pid in (agent.process.pid, coordinator.process.pid, *self.mesh.launchers()):
            # What is in /proc of a process that can't be dumped is root's.
            self.assertEqual(os.stat(f"/proc/{pid}/environ").st_uid, 0, read_text(f"/proc/{pid}/cmdline"))
        # The launcher is its parent.
        self.mesh.apply("projects: {app: {run: 'head -c 4 /proc/$PPID/environ || echo refused; head -c 4 /proc/$$/environ'}}")
        self.succeeded(self.mesh.cromt("start", "app", "--wait", under=as_user("nobody")))
        out = self.mesh.cromt("logs", "last", "--raw", under=as_user("nobody")).out
        self.says(out, "Permission denied", "refused\n")
        self.assertEqual(out.count("refused"), 1)

    def test_no_other_job_of_the_user_reads_the_files(self):
        self.mesh.start_agent("hostA", "--config", self.mesh.write("agent.yaml", "job_user: nobody\n"))
        self.mesh.start_coordinator()
        self.mesh.cromt("secrets", "set", "key", "--project", "holder", typed=VALUE)
        os.chmod(self.mesh.folder, 0o755)
        place, gate = self.mesh.path("home", "place"), self.mesh.path("gate")
        os.chmod(self.mesh.path("home"), 0o777)
        self.mesh.apply(f"""
projects:
  holder:
    secrets: [{{name: key, file: key}}]
    run: |
      stat -c '%U %a' "$CROMT_SECRETS/key"
      echo "$CROMT_SECRETS/key" > {place}.new; mv {place}.new {place}
      until [ -e {gate} ]; do sleep 0.02; done
  thief:
    run: 'cat "$(cat {place})"'
""")
        run = self.mesh.start("holder")
        wait_for("it holds it", lambda: os.path.exists(place))
        self.exited(1, self.mesh.cromt("start", "thief", "--wait"))
        self.says(self.mesh.cromt("logs", "last", "--raw").out, "Permission denied")
        self.mesh.write("gate", "")
        self.mesh.wait_finished(run)
        self.assertEqual(self.mesh.cromt("logs", run, "--raw").out, "nobody 600\n")


class WithoutServer(Story):
    """cromt run --secrets-file."""

    def setUp(self):
        super().setUp()
        self.gate = self.mesh.path("gate")
        self.mesh.write("jobs.yaml", f"""
projects:
  first:
    run: 'echo begun; until [ -e {self.gate} ]; do sleep 0.02; done'
  app:
    secrets: [{{name: db, env: DB}}, {{name: key, file: key.pem}}]
    run: |
      [ "$DB" = "$(cat value)" ] && cmp "$CROMT_SECRETS/key.pem" key.pem
      echo "got $DB"
    path: {self.mesh.folder}
    before: [{{name: first}}]
""")
        self.value, self.key = self.mesh.write("value", VALUE), self.mesh.write("key.pem", KEY)
        self.file = self.mesh.write("secrets.yaml", json.dumps({"db": VALUE, "key": KEY}))
        os.chmod(self.file, 0o600)

    def assert_kept_nowhere(self):
        self.assertEqual(holders(self.mesh.folder, FORMS, but=(self.value, self.key, self.file)), [])

    def test_the_file(self):
        self.mesh.write("gate", "")
        done = self.mesh.cromt("run", "app", "--conf", "jobs.yaml", "--secrets-file", "secrets.yaml")
        self.succeeded(done)
        self.says(done.out, "got ***\n")
        self.assert_kept_nowhere()

    def test_without_it_and_with_one_that_others_may_read(self):
        """Attack 55: a file that the world may read."""
        self.exited(2, self.mesh.cromt("run", "app", "--conf", "jobs.yaml"))
        os.chmod(self.file, 0o644)
        refused = self.mesh.cromt("run", "app", "--conf", "jobs.yaml", "--secrets-file", "secrets.yaml")
        self.exited(3, refused)
        self.says(refused.err, "others may read", "chmod 600")

    def test_a_resumed_run_needs_it_again(self):
        running = self.mesh.begin("run", "app", "--conf", "jobs.yaml", "--secrets-file", "secrets.yaml")
        wait_for("it runs", lambda: "begun\n" in read_text(running.out_path))
        running.kill()
        running.wait()
        self.assert_kept_nowhere()
        without = self.mesh.cromt("run", "--resume", "last")
        self.exited(2, without)
        self.says(without.err, "give the file again")
        self.mesh.write("gate", "")
        resumed = self.mesh.cromt("run", "--resume", "last", "--secrets-file", "secrets.yaml")
        self.succeeded(resumed)
        self.says(resumed.out, "got ***\n")
        self.assert_kept_nowhere()


if __name__ == "__main__":
    main()
