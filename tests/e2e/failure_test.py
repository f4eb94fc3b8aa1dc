#!/usr/bin/python3
"""What a project's own rules make of failures: max_failures, on_unreachable, on_lost, run_timeout; and what people do then:
why, rerun, agents forget."""

import json
import os
import signal
import subprocess

from mesh import BIN
from process import read_text, wait_for
from story import Story, main


class Failure(Story):
    def reasons(self, *words):
        done = self.mesh.cromt("why", *words, "-o", "json")
        self.succeeded(done)
        return [(reason["kind"], reason["text"]) for reason in json.loads(done.out)["reasons"]]

    def outcomes(self, run):
        return {f"{task['project']}@{task['host']}": task["outcome"] for task in run["tasks"]}

    def test_a_roll_out_may_miss_some_hosts(self):
        self.mesh.start_all("a", "b")
        self.mesh.apply("""
projects:
  roll:
    run: test $CROMT_HOST != b
    max_failures: 1
    on_unreachable: skip
    hosts: [{url: "http://a"}, {url: "http://b"}, {url: "http://127.0.0.1:1", id: c}]
  next: {run: "true", before: [{name: roll}]}
""")
        run = self.mesh.wait_finished(self.mesh.start("next"))
        self.assertEqual(run["outcome"], "succeeded")
        self.assertEqual(self.outcomes(run), {"roll@a": "succeeded", "roll@b": "failed", "roll@c": "skipped", "next@local": "succeeded"})
        told = self.reasons("last")
        self.assertEqual(told[0], ("ended", "succeeded: without 'roll' on b, 'roll' on c, as the job file allows"))
        self.assertIn("exit code 1", told[1][1])
        self.assertIn("no agent could be reached at c", told[2][1])

    def test_run_timeout_stops_the_run_and_lets_it_clean_up(self):
        self.mesh.start_all("a")
        cleaned = self.mesh.path("cleaned")
        self.mesh.apply(f"""
projects:
  long: {{run: sleep 1000, run_timeout: 1s, grace: 1s, after: [{{name: clean, when: always}}]}}
  clean: {{run: touch {cleaned}}}
""")
        run = self.mesh.wait_finished(self.mesh.start("long"))
        self.assertEqual(run["outcome"], "timed_out")
        self.assertEqual(self.outcomes(run), {"long@local": "canceled", "clean@local": "succeeded"})
        self.assertTrue(os.path.exists(cleaned))
        self.assertIn("run_timeout of 1.0s", self.reasons("last")[0][1])

    def test_a_lost_task_is_tried_again_where_its_project_says_so(self):
        self.mesh.start_all("a")
        starts = self.mesh.path("starts")
        self.mesh.apply(f"""
projects:
  twice:
    on_lost: retry
    run: |
      echo $CROMT_ATTEMPT >>{starts}
      test $CROMT_ATTEMPT != 1 || exec sleep 1000
""")
        run_id = self.mesh.start("twice")
        wait_for("it runs", lambda: read_text(starts).endswith("\n"))
        for pid in self.mesh.launchers():
            os.kill(pid, signal.SIGKILL)
        run = self.mesh.wait_finished(run_id)
        self.assertEqual((run["outcome"], read_text(starts)), ("succeeded", "1\n2\n"))
        kinds = dict(self.reasons("last", "1"))
        self.assertIn("it may have run, and on_lost says to try again", kinds["earlier"])

    def test_why_names_who_is_in_the_way(self):
        self.mesh.start_all("a")
        gate = self.mesh.path("gate")
        self.mesh.apply(f"""
projects:
  holder: {{queue-id: db, run: "until [ -e {gate} ]; do sleep 0.02; done"}}
  waiter: {{queue-id: db, run: "true"}}
  needs: {{run: "true", before: [{{name: waiter}}]}}
""")
        first = self.mesh.start("holder")
        wait_for("the holder runs", lambda: self.mesh.show(first)["tasks"][0]["state"] == "running")
        self.mesh.start("needs")
        told = self.reasons("last", "needs")
        self.assertEqual(told[0], ("needs", "'needs' waits for 'waiter', whose task has not ended"))
        self.assertEqual(told[1][0], "lane")
        self.assertIn(f"the queue 'db' is taken by 'holder' on local of run {first}", told[1][1])
        self.assertEqual(self.reasons("last")[0], ("progress", "of 2 tasks: 1 waiting, 1 ready"))
        self.mesh.write("gate", "")
        self.assertEqual(self.mesh.wait_finished("last")["outcome"], "succeeded")
        self.assertEqual(self.reasons("last")[0], ("ended", "succeeded"))

    def test_why_tells_of_a_running_task_where_it_runs_and_what_it_has_said(self):
        self.mesh.start_all("a")
        gate = self.mesh.path("gate")
        self.mesh.apply(f"""
projects:
  slow: {{timeout: 1h, run: "echo hello; until [ -e {gate} ]; do sleep 0.02; done"}}
""")
        self.mesh.write("gate", "")
        self.succeeded(self.mesh.cromt("start", "slow", "--wait"))
        os.unlink(gate)
        run = self.mesh.start("slow")
        wait_for("its output is here", lambda: "hello" in self.mesh.cromt("logs", run, "--raw").out)
        wait_for("it runs", lambda: self.mesh.show(run)["tasks"][0]["state"] == "running")
        told = dict(self.reasons(run, "slow"))
        self.assertRegex(told["running"], r"^it has been running at local \(127\.0\.0\.1:\d+\).*; its timeout is 1h00m$")
        self.assertRegex(told["output"], r"^it said something [\d.]+m?s ago, 6 B in all; when it succeeded before, with the same "
                                         r"job file, it ran [\d.]+m?s$")
        self.mesh.write("gate", "")
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "succeeded")

    def test_rerun_does_what_has_not_succeeded_and_takes_over_the_rest(self):
        self.mesh.start_all("a", "b")
        done, good = self.mesh.path("done"), self.mesh.path("good")
        self.mesh.apply(f"""
projects:
  make:
    run: "echo made >>{done}; echo content >out"
    hosts: [{{url: "http://a"}}]
    artifacts: {{out: [{{file: thing, path: out}}]}}
  flaky: {{run: "echo flaky >>{done}; test -e {good}", hosts: [{{url: "http://b"}}]}}
  use:
    run: "echo used >>{done}; cat .artifacts/thing"
    hosts: [{{url: "http://b"}}]
    artifacts: {{in: [thing]}}
    before: [{{name: make}}, {{name: flaky}}]
""")
        first = self.mesh.wait_finished(self.mesh.start("use"))
        self.assertEqual(self.outcomes(first), {"make@a": "succeeded", "flaky@b": "failed", "use@b": "skipped"})
        self.mesh.write("good", "")
        self.succeeded(self.mesh.cromt("rerun", first["id"], "--failed", "--wait"))
        again = self.mesh.show("last")
        self.assertEqual((again["trigger"], again["outcome"]), ("rerun", "succeeded"))
        self.assertEqual(again["tasks"][0]["reason"], f"taken over from run {first['id']}")
        self.assertEqual(self.mesh.cromt("logs", "last", "use", "--raw").out, "content\n")
        self.assertEqual(sorted(read_text(done).split()), ["flaky", "flaky", "made", "used"])
        self.exited(2, self.mesh.cromt("rerun", "last", "--failed"))
        self.succeeded(self.mesh.cromt("rerun", "last", "--wait"))
        self.assertEqual(sorted(read_text(done).split()), ["flaky"] * 3 + ["made"] * 2 + ["used"] * 2)

    def test_a_data_directory_may_be_a_relative_path(self):
        with open(self.mesh.path("relative.log"), "wb") as log:
            agent = subprocess.Popen([os.path.join(BIN, "cromt-agent"), "--listen", "127.0.0.1:0", "--data-dir", "here"],
                                     cwd=self.mesh.folder, env=self.mesh.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(agent.wait, timeout=15)
        self.addCleanup(agent.terminate)
        address = self.mesh.path("here", "address")
        wait_for("the agent serves", lambda: os.path.exists(address))
        self.mesh.start_coordinator(local=read_text(address).split()[1])
        self.mesh.apply("projects: {p: {run: echo there}}\n")
        self.assertEqual(self.mesh.wait_finished(self.mesh.start("p"))["outcome"], "succeeded")

    def test_an_agent_that_is_gone_can_be_forgotten(self):
        self.mesh.start_all("a", "b")
        started = self.mesh.path("started")
        self.mesh.apply(f"""
projects:
  stuck: {{queue-id: db, run: "echo $$ >{started}; exec sleep 1000", hosts: [{{url: "http://a"}}]}}
  next: {{queue-id: db, run: "true", hosts: [{{url: "http://b"}}]}}
""")
        stuck, following = self.mesh.start("stuck"), None
        wait_for("it runs", lambda: read_text(started).endswith("\n"))
        following = self.mesh.start("next")
        self.exited(2, self.mesh.cromt("agents", "forget", "a"))
        self.mesh.agents["a"].kill()
        for pid in self.mesh.launchers():
            if str(self.mesh.path("a")) in read_text(f"/proc/{pid}/cmdline"):
                os.kill(pid, signal.SIGKILL)
        os.kill(int(read_text(started)), signal.SIGKILL)
        wait_for("the agent is known to be down", lambda: self.mesh.cromt("agents", "forget", "a").code == 0)
        self.assertEqual(self.mesh.wait_finished(following)["outcome"], "succeeded")
        run = self.mesh.wait_finished(stuck)
        self.assertEqual(self.outcomes(run), {"stuck@a": "lost"})
        self.assertIn("will not come back", run["tasks"][0]["reason"])

    def test_an_agent_that_was_replaced_can_be_forgotten(self):
        self.mesh.start_all("a", "b")
        started = self.mesh.path("started")
        self.mesh.apply(f"""
projects:
  stuck: {{queue-id: db, run: "echo $$ >{started}; exec sleep 1000", hosts: [{{url: "http://a"}}]}}
  next: {{queue-id: db, run: "true", hosts: [{{url: "http://b"}}]}}
""")
        stuck = self.mesh.start("stuck")
        wait_for("it runs", lambda: read_text(started).endswith("\n"))
        following = self.mesh.start("next")
        agent = self.mesh.agents["a"]
        agent.kill()
        for pid in self.mesh.launchers():
            if str(self.mesh.path("a")) in read_text(f"/proc/{pid}/cmdline"):
                os.kill(pid, signal.SIGKILL)
        os.kill(int(read_text(started)), signal.SIGKILL)

        def of_a(key):
            lines = map(json.loads, self.mesh.cromt("agents", "-o", "json").out.splitlines())
            return next(line[key] for line in lines if line["address"] == agent.address)
        wait_for("it is down", lambda: of_a("reason") == "nothing listens there (connection refused)")
        old = of_a("agent")
        os.rename(self.mesh.path("a"), self.mesh.path("burnt"))
        agent.restart()
        wait_for("another agent is up there", lambda: of_a("agent") != old and of_a("state") == "up")
        self.succeeded(self.mesh.cromt("agents", "forget", f"http://{agent.address}"))
        self.assertEqual(self.mesh.wait_finished(following)["outcome"], "succeeded")
        self.assertEqual(self.outcomes(self.mesh.wait_finished(stuck)), {"stuck@a": "lost"})
        for name in ("a", of_a("agent")):
            refused = self.mesh.cromt("agents", "forget", name)
            self.exited(2, refused)
            self.says(refused.err, " is up", "only one that will not come back can be forgotten")
        self.exited(2, self.mesh.cromt("agents", "forget", old))


if __name__ == "__main__":
    main()
