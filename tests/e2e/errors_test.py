#!/usr/bin/python3
"""What users are told when something is wrong, where, and with which exit code."""

import json
import socket
import time

from process import wait_for
from story import Story, main


class JobFile(Story):
    def setUp(self):
        super().setUp()
        self.mesh.start_all("host")

    def rejects(self, text, *places, command=("--conf",)):
        path = self.mesh.write("jobs.yaml", text)
        done = self.mesh.cromt(*command, path)
        self.exited(2, done)
        self.says(done.out + done.err, *[f"jobs.yaml:{place}" for place in places])
        return done

    def test_all_errors_are_told_at_their_places_and_nothing_is_applied(self):
        text = ("projects:\n  good: {run: true}\n  bad:\n    path: /\n    hots: []\n    before: [{name: godo}]\n"
                "  1/2: {run: true}\n  loop: {run: true, before: [{name: loop}]}\n")
        for command in (("--conf",), ("validate",)):
            with self.subTest(command):
                done = self.rejects(text, "5:5", "6:21", "7:3", "8:", command=command)
                self.says(done.out + done.err, "did you mean 'hosts'", "did you mean 'good'", "loop")
        self.assertEqual(self.mesh.cromt("projects", "-o", "json").out, "")

    def test_what_is_no_yaml(self):
        self.rejects("projects:\n  a: [\n", "2:6: error: '[' is not closed")
        self.rejects("projects: {a: {run: true}, a: {run: true}}\n", "1:28")

    def test_a_file_that_is_not_there(self):
        done = self.mesh.cromt("--conf", "no-such.yaml")
        self.exited(2, done)
        self.says(done.err, "no-such.yaml")

    def test_a_file_may_be_applied_again(self):
        self.mesh.apply("projects: {a: {run: 'true'}}\n")
        again = self.mesh.apply("projects: {b: {run: 'true'}}\n")
        self.says(again.out, "+ b")
        names = self.mesh.cromt("projects").out
        self.says(names, "a", "b")  # gone from the file, kept until --prune
        self.succeeded(self.mesh.cromt("--conf", self.mesh.path("jobs.yaml"), "--prune"))
        self.assertEqual(len(self.mesh.cromt("projects", "-o", "json").out.splitlines()), 1)

    def test_a_project_of_another_file(self):
        self.mesh.apply("projects: {a: {run: 'true'}}\n", name="one.yaml")
        done = self.mesh.cromt("--conf", self.mesh.write("two.yaml", "projects: {a: {run: 'true'}}\n"))
        self.exited(2, done)
        self.says(done.err, "one.yaml")

    def test_a_key_not_built_yet_loads_with_a_warning_and_does_not_start(self):
        path = self.mesh.write("jobs.yaml", "projects:\n  a:\n    run: echo hi\n    ping: x\n  b: {run: echo b}\n")
        applied = self.mesh.cromt("--conf", path)
        self.succeeded(applied)
        self.says(applied.err, "jobs.yaml:4:5", "ping")
        refused = self.mesh.cromt("start", "a")
        self.exited(2, refused)
        self.says(refused.err, "ping")
        self.succeeded(self.mesh.cromt("start", "b", "--wait"))

    def test_a_schedule_and_a_zone_at_their_places(self):
        text = "projects:\n  a: {run: x, crontab: '0 24 * * *', timezone: Europe/Berln}\n"
        for command in (("--conf",), ("validate",)):
            with self.subTest(command):
                self.rejects(text, "2:27: error: 'crontab': '24' is no hour", command=command)
        done = self.rejects(text.replace("24", "23"), "2:48: error: 'timezone'")
        self.says(done.err, "did you mean 'Europe/Berlin'")

    def test_a_zone_that_has_gone_since_keeps_no_coordinator_from_its_start(self):
        text = "projects:\n  a: {run: x, timezone: Europe/Berlin, crontab: '@daily'}\n"
        self.mesh.apply(text)
        self.mesh.coordinator.kill()
        self.mesh.coordinator.environment = {**self.mesh.environment, "TZDIR": self.mesh.path("nowhere")}
        self.mesh.coordinator.restart()
        self.says(self.mesh.cromt("projects").out, "a", "install the package tzdata")
        self.says(self.mesh.apply(text + "  b: {run: x}\n").err, "2:25: warning: 'timezone'", "install the package tzdata")

    def test_a_name_that_is_almost_right(self):
        self.mesh.apply("projects: {deploy: {run: 'true'}}\n")
        done = self.mesh.cromt("start", "depoly")
        self.exited(2, done)
        self.says(done.err, "depoly", "did you mean 'deploy'")

    def test_a_run_that_is_unknown(self):
        for command in ("show", "logs", "cancel"):
            done = self.mesh.cromt(command, "nosuchrun")
            self.exited(2, done)
            self.says(done.err, "nosuchrun")

    def test_bad_usage(self):
        for arguments in (["nonsense"], ["start"], ["show", "a", "b"], ["runs", "--limit", "x"], ["show", "last", "-o", "xml"]):
            with self.subTest(arguments):
                self.exited(2, self.mesh.cromt(*arguments))

    def test_results_go_to_stdout_and_messages_to_stderr(self):
        self.mesh.apply("projects: {a: {run: echo output}}\n")
        done = self.mesh.cromt("start", "a", "--follow")
        self.says(done.out, "output\n")
        self.assertNotIn("output", done.err)
        refused = self.mesh.cromt("start", "nobody")
        self.assertEqual(refused.out, "")


class OutOfReach(Story):
    def closed_port(self):
        """An address where nobody listens, and nobody else will while the socket is held."""
        held = socket.socket()
        self.addCleanup(held.close)
        held.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{held.getsockname()[1]}"

    def test_no_coordinator(self):
        address = self.closed_port()
        for command in (["runs"], ["start", "x"], ["--conf", self.mesh.write("jobs.yaml", "projects: {a: {run: 'true'}}\n")]):
            with self.subTest(command):
                begun = time.monotonic()
                done = self.mesh.cromt(*command, "--coordinator", address, timeout=20)
                self.exited(3, done)
                self.says(done.err, f"can't reach a coordinator at {address}: no coordinator answers at {address}")
                self.assertLess(time.monotonic() - begun, 3, "it waited for what was refused at once")

    def test_an_agent_fails_its_own_task_in_a_minute_and_no_other(self):
        self.mesh.start_agent("here")
        self.mesh.start_coordinator(agents={"gone": self.closed_port()})
        self.mesh.apply("projects:\n  p:\n    run: echo hello\n    hosts: [{url: 'http://gone'}, {url: 'http://here'}]\n")
        began = time.monotonic()
        run = self.mesh.start("p")
        wait_for("the other host's task has ended", lambda: self.of_host(run, "here")["state"] == "finished", seconds=10)
        self.assertEqual(self.of_host(run, "here")["outcome"], "succeeded")
        shown = self.mesh.wait_finished(run, seconds=90)
        self.assertEqual(shown["outcome"], "failed")
        gone = self.of_host(run, "gone")
        self.assertEqual((gone["outcome"], gone["started_at"]), ("failed", None))
        self.says(gone["reason"], "gone")
        self.assertGreater(time.monotonic() - began, 30)  # it has been waited for
        self.says(self.mesh.cromt("show", run).out, gone["reason"])

    def test_an_agent_that_comes_in_time_runs_its_task(self):
        agent = self.mesh.start_agent("late")
        self.mesh.start_coordinator()
        agent.terminate()
        self.mesh.apply("projects: {p: {run: echo hello, hosts: [{url: 'http://late'}]}}\n")
        run = self.mesh.start("p")
        agent.restart()
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "succeeded")

    def test_a_run_without_server_gives_up_on_an_agent_that_refuses(self):
        """gRPC's last channel once ended the process with it, every other time."""
        text = f"projects: {{p: {{run: echo hello, hosts: [{{url: 'http://{self.closed_port()}'}}]}}}}\n"
        file = self.mesh.write("refused.yaml", text)
        for _ in range(6):
            self.exited(4, self.mesh.cromt("run", file, "--timeout", "300ms"))

    def test_a_repository_that_is_not_there(self):
        self.mesh.start_all("host")
        url = self.mesh.start_git_server() + "/no-such.git"
        self.mesh.apply(f"projects: {{p: {{path: '{url}', action: a}}}}\n")
        waited = self.mesh.cromt("start", "p", "--wait")
        self.exited(1, waited)
        self.says(waited.err, url)
        self.says(self.mesh.cromt("show", "last").out, url)

    def test_a_branch_that_is_not_there(self):
        self.mesh.commit("r", {".tom/a.bash": "echo a\n"})
        self.mesh.start_all("host")
        url = self.mesh.start_git_server() + "/r.git"
        self.mesh.apply(f"projects: {{p: {{path: '{url}', action: a}}}}\n")
        self.succeeded(self.mesh.cromt("start", "p", "--wait"))
        self.mesh.apply(f"projects: {{p: {{path: '{url}', action: a, branch: nowhere}}}}\n")
        done = self.mesh.cromt("start", "p", "--wait")
        self.assertIn(done.code, (1, 2))  # until `branch` is built it is refused at start
        self.says(done.err, "nowhere" if done.code == 1 else "branch")

    def of_host(self, run, host):
        return next(task for task in self.mesh.show(run)["tasks"] if task["host"] == host)


class NamesOfAgents(Story):
    def test_the_list_says_them(self):
        self.mesh.start_all("hostA", "hostB")

        def up():
            lines = self.mesh.cromt("agents", "-o", "json").out.splitlines()
            return sorted(json.loads(line)["names"] for line in lines if '"up"' in line)
        wait_for("both are up", lambda: up() == [["hostA"], ["hostB"]])
        self.says(self.mesh.cromt("agents").out, "hostA", "hostB")

    def test_an_address_that_is_none_is_refused_at_start(self):
        with self.assertRaises(AssertionError) as caught:
            self.mesh.start_coordinator(agents={"hostA": "no/address"})
        self.says(str(caught.exception), "ended with 2", "agents: hostA", "no/address")


if __name__ == "__main__":
    main()
