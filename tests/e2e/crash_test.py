#!/usr/bin/python3
"""kill -9 and SIGTERM of agent and coordinator: no job ends by it, none starts twice, no output is lost."""

import os
import signal

from process import alive, read_text, wait_for
from story import Story, main


class Crash(Story):
    """A job that waits in its middle, while something is killed."""

    def setUp(self):
        super().setUp()
        self.mesh.start_all("host")
        self.agent = self.mesh.agents["host"]
        self.starts, self.gate = self.mesh.path("starts"), self.mesh.path("gate")
        self.mesh.apply(f"""
projects:
  slow:
    run: |
      echo $$ >>{self.starts}
      echo before
      until [ -e {self.gate} ]; do sleep 0.02; done
      seq 1 2000
      echo after
  next:
    run: echo next
    before: [{{name: slow}}]
""")
        self.run_id = self.mesh.start("next")
        wait_for("the job runs", lambda: read_text(self.starts).endswith("\n"))

    def goes_on_as_if_nothing_had_happened(self):
        self.mesh.write("gate", "")
        run = self.mesh.wait_finished(self.run_id)
        self.assertEqual((run["outcome"], [(task["name"], task["outcome"], task["attempt"]) for task in run["tasks"]]),
                         ("succeeded", [("slow", "succeeded", 1), ("next", "succeeded", 1)]), run)
        self.assertEqual(len(read_text(self.starts).splitlines()), 1, "the job started twice")
        expected = "before\n" + "".join(f"{n}\n" for n in range(1, 2001)) + "after\n"
        self.assertEqual(self.mesh.cromt("logs", self.run_id, "slow", "--raw").out, expected)
        self.assertEqual(self.mesh.cromt("logs", self.run_id, "next", "--raw").out, "next\n")

    def test_the_agent_is_killed(self):
        self.agent.kill()
        self.agent.restart()
        self.goes_on_as_if_nothing_had_happened()

    def test_the_agent_is_killed_and_the_job_ends_while_it_is_gone(self):
        pid = int(read_text(self.starts))
        self.agent.kill()
        self.mesh.write("gate", "")
        wait_for("the job has ended", lambda: pid not in self.mesh.jobs())
        self.agent.restart()
        self.goes_on_as_if_nothing_had_happened()

    def test_the_coordinator_is_killed(self):
        self.mesh.coordinator.kill()
        self.mesh.coordinator.restart()
        self.goes_on_as_if_nothing_had_happened()

    def test_the_coordinator_is_killed_and_the_job_ends_while_it_is_gone(self):
        pid = int(read_text(self.starts))
        self.mesh.coordinator.kill()
        self.mesh.write("gate", "")
        wait_for("the job has ended", lambda: pid not in self.mesh.jobs())
        self.mesh.coordinator.restart()
        self.goes_on_as_if_nothing_had_happened()

    def test_both_are_killed(self):
        self.agent.kill()
        self.mesh.coordinator.kill()
        self.mesh.coordinator.restart()
        self.agent.restart()
        self.goes_on_as_if_nothing_had_happened()

    def test_again_and_again(self):
        for program in [self.agent, self.mesh.coordinator] * 3:
            program.kill()
            program.restart()
        self.goes_on_as_if_nothing_had_happened()

    def test_the_launcher_is_killed(self):
        """Nobody can know any more how the job ends: all of it is stopped, and the run says why."""
        pid = int(read_text(self.starts))
        for launcher in self.mesh.launchers():
            os.kill(launcher, signal.SIGKILL)
        run = self.mesh.wait_finished(self.run_id)
        tasks = {task["name"]: task for task in run["tasks"]}
        self.assertEqual((run["outcome"], tasks["slow"]["outcome"], tasks["next"]["outcome"]), ("failed", "lost", "skipped"))
        self.says(tasks["slow"]["reason"], "launcher")
        self.assertFalse(alive(pid))
        self.assertEqual(self.mesh.jobs(), [])
        self.mesh.write("gate", "")
        self.succeeded(self.mesh.cromt("start", "next", "--wait"))  # the next launcher serves

    def test_both_end_by_sigterm(self):
        pid = int(read_text(self.starts))
        self.assertEqual(self.agent.terminate(), 0)
        self.assertEqual(self.mesh.coordinator.terminate(), 0)
        self.assertIn(pid, self.mesh.jobs())
        self.agent.restart()
        self.mesh.coordinator.restart()
        self.goes_on_as_if_nothing_had_happened()

    def test_who_follows_sees_all_of_it(self):
        following = self.mesh.begin("logs", self.run_id, "--follow", "--raw")
        wait_for("the first line", lambda: "before" in read_text(following.out_path))
        self.agent.kill()
        self.agent.restart()
        self.goes_on_as_if_nothing_had_happened()
        self.assertEqual(following.wait(timeout=30), 0)
        self.assertEqual(read_text(following.out_path).count("after\n"), 1)
        self.assertEqual(read_text(following.out_path).count("\n1000\n"), 1)


class KilledStep(Story):
    """The first process of a task is killed: it has failed by that, which is told, and nothing of it is left."""

    def setUp(self):
        super().setUp()
        self.mesh.start_agent("host")
        self.mesh.start_coordinator(allow_local_git=True)
        self.mesh.commit("r", {".tom/act.bash": "(setsid sleep 1000 &)\necho before $CROMT_ATTEMPT\n"
                                                "test $CROMT_ATTEMPT != 1 || exec sleep 1000\n"})
        url = f"file://{self.mesh.path('git', 'r.git')}"
        self.mesh.apply(f"""
projects:
  once: {{path: '{url}', action: act}}
  twice: {{path: '{url}', action: act, retries: 1}}
  next: {{run: "true", before: [{{name: once}}]}}
""")

    def started_and_killed(self, project):
        run = self.mesh.start(project)
        wait_for("it has said something", lambda: "before 1" in self.mesh.cromt("logs", run).out)
        steps = [pid for pid in self.mesh.jobs() if read_text(f"/proc/{pid}/comm") == "cromt-step\n"]
        self.assertEqual(len(steps), 1)
        os.kill(steps[0], signal.SIGKILL)
        return self.mesh.wait_finished(run)

    def test_its_task_has_failed(self):
        run = self.started_and_killed("next")
        once, after = run["tasks"]
        self.assertEqual((run["outcome"], once["outcome"], once["reason"], once["exit_code"]),
                         ("failed", "failed", "killed by signal 9 (KILL)", 137))
        self.assertEqual((after["outcome"], after["reason"]), ("skipped", "'once' on local failed: killed by signal 9 (KILL)"))
        self.assertEqual(self.mesh.jobs(), [])
        self.says(self.mesh.cromt("logs", run["id"], "once", "--raw").out, "before 1")
        self.says(self.mesh.cromt("why", run["id"], "once").out, "failed: killed by signal 9 (KILL) (it ran ")
        self.says(self.mesh.cromt("why", run["id"]).out, "'once' on local: failed: killed by signal 9 (KILL)")

    def test_it_costs_a_try(self):
        run = self.started_and_killed("twice")
        self.assertEqual((run["outcome"], run["tasks"][0]["attempt"]), ("succeeded", 2))
        self.says(self.mesh.cromt("why", run["id"], "twice").out, "attempt 1: killed by signal 9 (KILL); try 2 of 2 follows, at ")


class KilledCaller(Story):
    def test_a_run_goes_on_without_who_waits_for_it_and_who_follows(self):
        self.mesh.start_all("host")
        starts, gate = self.mesh.path("starts"), self.mesh.path("gate")
        self.mesh.apply(f"""
projects:
  slow: {{run: "echo $$ >>{starts}; echo before; until [ -e {gate} ]; do sleep 0.02; done; echo after"}}
""")
        waits = self.mesh.begin("start", "slow", "--wait")
        wait_for("the job runs", lambda: read_text(starts).endswith("\n"))
        run = self.mesh.show("last")["id"]
        follows = [self.mesh.begin("logs", run, "--follow", "--raw"), self.mesh.begin("start", "slow", "--follow")]
        wait_for("they follow", lambda: all("before" in read_text(call.out_path) for call in follows))
        for call in [waits, *follows]:
            self.assertIsNone(call.poll())
            call.kill()
            call.wait()
        self.mesh.write("gate", "")
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "succeeded")
        self.assertEqual(self.mesh.wait_finished("last")["outcome"], "succeeded")
        self.assertEqual(len(read_text(starts).splitlines()), 2)
        for one in (run, "last"):
            self.assertEqual(self.mesh.cromt("logs", one, "--raw").out, "before\nafter\n")
        self.succeeded(self.mesh.cromt("start", "slow", "--wait"))


class DeadLauncher(Story):
    """What has detached itself from its job is found and stopped too, before the task is called lost. What the job had
    printed by then is kept."""

    def test_output_of_what_is_lost(self):
        """More than fits in a message, and all of it printed while there is no coordinator."""
        self.mesh.start_all("host")
        begun, gate, last = self.mesh.path("begun"), self.mesh.path("gate"), 2_000_000
        self.mesh.apply(f"""
projects:
  p:
    run: |
      touch {begun}
      until [ -e {gate} ]; do sleep 0.02; done
      seq 1 {last}
      sleep 1000
""")
        run = self.mesh.start("p")
        wait_for("the job runs", lambda: os.path.exists(begun))
        self.mesh.coordinator.kill()
        self.mesh.write("gate", "")
        wait_for("the launcher has read it", lambda: self.ends_with(f"\n{last}\n".encode()))
        for launcher in self.mesh.launchers():
            os.kill(launcher, signal.SIGKILL)
        self.mesh.coordinator.restart()
        self.assertEqual(self.mesh.wait_finished(run)["tasks"][0]["outcome"], "lost")
        followed = self.mesh.cromt("logs", run, "--follow", "--raw")
        self.succeeded(followed)
        self.assertTrue(followed.out == "".join(f"{n}\n" for n in range(1, last + 1)), f"{len(followed.out)} bytes of it came")

    def ends_with(self, text):
        """Whether the host's log does."""
        newest = max(os.listdir(self.mesh.path("host", "log")))
        with open(self.mesh.path("host", "log", newest), "rb") as file:
            file.seek(-min(len(text), os.path.getsize(file.name)), os.SEEK_END)
            return file.read() == text

    def leaves_a_daemon(self, *flags):
        self.mesh.start_agent("host", *flags)
        self.mesh.start_coordinator()
        daemon = self.mesh.path("daemon")
        self.mesh.apply(f"""
projects:
  daemon:
    run: |
      setsid sh -c 'echo $$ >{daemon}; while :; do sleep 1; done' </dev/null >/dev/null 2>&1 &
      while :; do sleep 1; done
""")
        run_id = self.mesh.start("daemon")
        wait_for("the daemon runs", lambda: read_text(daemon).endswith("\n"))
        for launcher in self.mesh.launchers():
            os.kill(launcher, signal.SIGKILL)
        task = self.mesh.wait_finished(run_id)["tasks"][0]
        self.assertEqual(task["outcome"], "lost")
        self.assertFalse(alive(int(read_text(daemon))))
        self.says(task["reason"], "the launcher died")
        return task["reason"]

    def test_where_there_are_cgroups(self):
        self.leaves_a_daemon()

    def test_where_there_are_none(self):
        self.says(self.leaves_a_daemon("--cgroup", "none"), "that it left running")


if __name__ == "__main__":
    main()
