#!/usr/bin/python3
"""Ending a run: every process of it is gone, whatever it did to stay, and the exit codes tell."""

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


if __name__ == "__main__":
    main()
