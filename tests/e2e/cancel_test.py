#!/usr/bin/python3
"""Ending a run: every process of it is gone, whatever it did to stay, and the exit codes tell."""

import os
import signal

from process import alive, read_text, wait_for
from story import Story, main

# A job with a child in a session of its own, without our pipes; and next to it one that does not mind TERM.
TREE = """
projects:
  tree:
    run: |
      setsid sh -c 'echo $$ >>{pids}; exec sleep 300' >/dev/null 2>&1 &
      {more}
      echo $$ >>{pids}
      echo running
      wait
  next:
    run: echo never
    before: [{{name: tree}}]
"""
STUBBORN = "sh -c 'trap \"\" TERM; echo $$ >>{pids}; while :; do sleep 1; done' &"


class Cancel(Story):
    def setUp(self):
        super().setUp()
        self.pid_file = self.mesh.path("pids")

    def job_file(self, more=":"):
        return TREE.format(pids=self.pid_file, more=more.format(pids=self.pid_file))

    def start_mesh(self, more=":"):
        self.mesh.start_all("host")
        self.mesh.apply(self.job_file(more))

    def running(self, count=2):
        """The pids of the tree, once all of them are there."""
        wait_for("the tree stands", lambda: read_text(self.pid_file).count("\n") == count)
        return [int(pid) for pid in read_text(self.pid_file).split()]

    def gone(self, pids):
        for pid in pids:
            self.assertFalse(alive(pid), f"{pid} is still there")
        self.assertEqual(self.mesh.jobs(), [])

    def test_a_run_with_all_that_it_started(self):
        self.start_mesh(STUBBORN)
        waiting = self.mesh.begin("start", "next", "--wait")
        pids = self.running(3)
        canceled = self.mesh.cromt("cancel", "last")
        self.succeeded(canceled)
        self.says(canceled.out + canceled.err, self.mesh.show("last")["id"])
        self.assertEqual(waiting.wait(timeout=40), 1)
        run = self.mesh.show("last")
        self.assertEqual(run["outcome"], "canceled")
        self.assertEqual({task["name"]: task["outcome"] for task in run["tasks"]}, {"tree": "canceled", "next": "canceled"})
        self.gone(pids)
        again = self.mesh.cromt("cancel", "last")
        self.exited(2, again)
        self.says(again.err, "ended already")
        self.assertEqual(self.mesh.cromt("logs", "last", "tree", "--raw").out, "running\n")

    def test_one_task_of_a_run(self):
        self.start_mesh()
        run = self.mesh.start("next")
        pids = self.running()
        self.succeeded(self.mesh.cromt("cancel", run, "tree"))
        tasks = {task["name"]: task for task in self.mesh.wait_finished(run)["tasks"]}
        self.assertEqual((tasks["tree"]["outcome"], tasks["next"]["outcome"]), ("canceled", "skipped"))
        self.says(tasks["next"]["reason"], "tree")
        self.gone(pids)

    def test_while_the_agent_is_gone_it_is_done_when_it_returns(self):
        self.start_mesh()
        run = self.mesh.start("tree")
        pids = self.running()
        self.mesh.agents["host"].kill()
        self.succeeded(self.mesh.cromt("cancel", run))
        self.mesh.agents["host"].restart()
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "canceled")
        self.gone(pids)

    def test_ctrl_c_on_follow_leaves_the_run_going(self):
        self.start_mesh()
        following = self.mesh.begin("start", "tree", "--follow")
        pids = self.running()
        wait_for("the output is shown", lambda: "running" in read_text(following.out_path))
        following.send_signal(signal.SIGINT)
        self.assertEqual(following.wait(timeout=10), 130)
        self.says(read_text(following.err_path), self.mesh.show("last")["id"])
        self.assertEqual(self.mesh.show("last")["state"], "running")
        self.assertTrue(all(alive(pid) for pid in pids))

    def test_ctrl_c_on_run_ends_it_all(self):
        path = self.mesh.write("jobs.yaml", self.job_file())
        running = self.mesh.begin("run", "tree", "--conf", path)
        pids = self.running()
        running.send_signal(signal.SIGINT)
        self.assertEqual(running.wait(timeout=40), 130)
        self.gone(pids)
        wait_for("its launcher has left", lambda: not self.mesh.launchers())


# `work` goes on until it is stopped; `clean` begins once it has ended, and ends once it may.
CLEAN_UP = """
projects:
  work:
    run: echo working; exec sleep 300
    after: [{{name: clean, when: always}}, {{name: tell, when: failure}}, {{name: next}}]
    {more}
  clean:
    run: echo $$ >>{pids}; until [ -e {may_end} ]; do sleep 0.02; done; echo cleaned
  tell:
    run: echo told
  next:
    run: echo never
"""


class CleanUps(Story):
    """What comes after by `when: always` or `failure` runs when a run is canceled, and is stopped by a second cancel."""

    def setUp(self):
        super().setUp()
        self.pid_file, self.may_end = self.mesh.path("pids"), self.mesh.path("may-end")

    def job_file(self, more=""):
        return CLEAN_UP.format(pids=self.pid_file, may_end=self.may_end, more=more)

    def started(self, more=""):
        self.mesh.start_all("host")
        self.mesh.apply(self.job_file(more))
        return self.mesh.start("work")

    def canceled_while_it_works(self):
        run = self.started()
        wait_for("it works", lambda: self.mesh.tasks(run)["work"]["state"] == "running")
        self.succeeded(self.mesh.cromt("cancel", run))
        return run, self.cleaning()

    def cleaning(self):
        return int(wait_for("the clean-up runs", lambda: read_text(self.pid_file)))

    def outcomes(self, run):
        return {task["name"]: task["outcome"] for task in self.mesh.wait_finished(run)["tasks"]}

    def test_they_run_to_their_end_after_a_cancel(self):
        run, _ = self.canceled_while_it_works()
        self.assertEqual(self.mesh.show(run)["state"], "running")
        self.mesh.coordinator.kill()  # which remembers what was canceled and what was not
        self.mesh.coordinator.restart()
        self.mesh.write("may-end", "")
        self.assertEqual(self.outcomes(run), {"work": "canceled", "clean": "succeeded", "tell": "succeeded", "next": "canceled"})
        self.assertEqual(self.mesh.show(run)["outcome"], "canceled")
        self.assertEqual(self.mesh.cromt("logs", run, "clean", "--raw").out, "cleaned\n")

    def test_a_second_cancel_stops_them(self):
        run, pid = self.canceled_while_it_works()
        self.succeeded(self.mesh.cromt("cancel", run))
        self.assertEqual({**self.outcomes(run), "tell": ""}, {"work": "canceled", "clean": "canceled", "tell": "", "next": "canceled"})
        self.assertFalse(alive(pid))
        self.assertEqual(self.mesh.cromt("logs", run, "clean", "--raw").out, "")

    def test_ctrl_c_on_run_lets_them_run_and_a_second_does_not(self):
        path = self.mesh.write("jobs.yaml", self.job_file())
        for twice in (False, True):
            running = self.mesh.begin("run", "work", "--conf", path)
            wait_for("it works", lambda: "working" in read_text(running.out_path))
            running.send_signal(signal.SIGINT)
            pid = self.cleaning()
            if twice:
                # Two signals at once are one wish, so it is sent until it is taken for a second one.
                wait_for("the second is heard", lambda: running.send_signal(signal.SIGINT) or
                         "clean-ups, too" in read_text(running.err_path))
            else:
                self.mesh.write("may-end", "")
            code = running.wait(timeout=40)
            # As a shell has it: one signal more may have met it as it ended, when it listened to none any longer.
            self.assertEqual(code if code >= 0 or not twice else 128 - code, 130)
            self.assertFalse(alive(pid))
            self.assertEqual("cleaned" in read_text(running.out_path), not twice)
            for path_of_this in (self.pid_file, *([] if twice else [self.may_end])):
                os.remove(path_of_this)

    def test_they_run_after_a_time_limit_too(self):
        self.mesh.write("may-end", "")
        run = self.started("timeout: 200ms")
        self.assertEqual(self.outcomes(run), {"work": "timed_out", "clean": "succeeded", "tell": "succeeded", "next": "skipped"})
        self.assertEqual(self.mesh.show(run)["outcome"], "failed")

    def test_a_failure_that_is_ignored_is_shown_and_counts_as_success(self):
        self.mesh.write("may-end", "")
        run = self.started("timeout: 200ms\n    on_failure: ignore")
        self.assertEqual(self.outcomes(run), {"work": "timed_out", "clean": "succeeded", "tell": "skipped", "next": "succeeded"})
        self.assertEqual(self.mesh.show(run)["outcome"], "succeeded")
        self.assertEqual([task.get("ignored") for task in self.mesh.show(run)["tasks"]], [True, None, None, None])
        self.says(self.mesh.cromt("show", run).out, "timed_out (ignored)")
        waited = self.mesh.cromt("start", "work", "--follow")
        self.succeeded(waited)
        self.says(waited.err, "work on local timed_out (ignored)", "1 ignored, 1 skipped, 2 succeeded of 4 tasks")


if __name__ == "__main__":
    main()
