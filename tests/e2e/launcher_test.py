#!/usr/bin/python3
"""A launcher that is stopped, hangs or dies: its agent says so to whoever looks, and goes on by itself."""

import json
import os
import signal

import grpc

import rpc
from process import wait_for
from story import Story, main


class Launcher(Story):
    def setUp(self):
        super().setUp()
        self.mesh.start_all("host")
        self.agent = self.mesh.agents["host"]
        (self.launcher,) = self.mesh.launchers()
        self.gate = self.mesh.path("gate")
        self.mesh.apply(f"""
projects:
  task: {{run: "true"}}
  slow: {{grace: 1s, run: "until [ -e {self.gate} ]; do sleep 0.02; done"}}
""")
        self.hangs = f"the launcher (process {self.launcher}) has not answered for more than 10.0s"

    def why(self, run):
        return self.mesh.cromt("why", run, "1").out

    def state(self, run):
        (task,) = self.mesh.show(run)["tasks"]
        return task["state"]

    def begun(self, project):
        run = self.mesh.start(project)
        wait_for("it runs", lambda: self.state(run) == "running")
        return run

    def said(self):
        return self.agent.log().count("nothing new is taken or begun for now: " + self.hangs)

    def test_one_that_is_stopped_is_named_and_what_waits_for_it_goes_on_with_it(self):
        os.kill(self.launcher, signal.SIGSTOP)
        ordered = self.mesh.start("task")
        wait_for("the operator is told", self.said)
        wait_for("the coordinator is told", lambda: self.hangs in self.mesh.cromt("agents").out)
        self.says(self.why(ordered), "takes and begins nothing new", self.hangs)
        later = self.mesh.start("task")
        wait_for("why names it", lambda: self.hangs in self.why(later))
        self.assertEqual((self.state(ordered), self.state(later)), ("leased", "ready"))
        client = rpc.Client(self.agent.address)
        self.addCleanup(client.close)
        with self.assertRaises(grpc.RpcError) as caught:
            client.call("Submit", request_id="r", spec=rpc.shell("true", variables=[]))
        self.says(caught.exception.details(), self.hangs)
        self.assertEqual(client.health("cromt.v1.AgentService"), rpc.NOT_SERVING)
        self.assertEqual(self.said(), 1)
        os.kill(self.launcher, signal.SIGCONT)
        for run in (ordered, later):
            self.assertEqual(self.mesh.wait_finished(run)["outcome"], "succeeded")
        self.says(self.agent.log(), "new work is taken and begun again; what kept it from that is over: " + self.hangs)
        wait_for("nobody is told any more", lambda: self.hangs not in self.mesh.cromt("agents").out)

    def test_an_agent_that_finds_a_stopped_one_says_so_too(self):
        run = self.begun("slow")
        self.agent.kill()
        os.kill(self.launcher, signal.SIGSTOP)
        self.agent.restart()
        wait_for("the operator is told", self.said)
        wait_for("why names it", lambda: self.hangs in self.why(run))
        self.mesh.write("gate", "")
        os.kill(self.launcher, signal.SIGCONT)
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "succeeded")
        self.succeeded(self.mesh.cromt("start", "task", "--wait"))

    def test_a_cancel_that_a_stopped_one_does_not_carry_out_says_why(self):
        run = self.begun("slow")
        os.kill(self.launcher, signal.SIGSTOP)
        self.succeeded(self.mesh.cromt("cancel", run))
        wait_for("why names it", lambda: self.hangs in self.why(run))
        os.kill(self.launcher, signal.SIGCONT)
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "canceled")

    def test_one_that_is_killed_is_told_of_with_what_became_of_its_jobs(self):
        run = self.begun("slow")
        os.kill(self.launcher, signal.SIGKILL)
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "failed")
        (new,) = self.mesh.launchers()
        self.says(self.agent.log(), f"the connection to the launcher (process {self.launcher}) broke: ",
                  f"the launcher has ended, and a new one was started (process {new}): one job is called lost; ")
        self.succeeded(self.mesh.cromt("start", "task", "--wait"))

    def test_one_that_was_killed_while_it_was_stopped_leaves_nothing_behind(self):
        os.kill(self.launcher, signal.SIGSTOP)
        run = self.mesh.start("task")
        wait_for("the operator is told", self.said)
        os.kill(self.launcher, signal.SIGKILL)
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "failed")
        self.succeeded(self.mesh.cromt("start", "task", "--wait"))
        (told,) = map(json.loads, self.mesh.cromt("agents", "-o", "json").out.splitlines())
        self.assertEqual(told["state"], "up", told)


if __name__ == "__main__":
    main()
