#!/usr/bin/python3
"""Agents that the coordinator chooses by label."""

import json

from process import wait_for
from story import Story, main

POOL = "projects:\n  p: {run: 'echo on $CROMT_HOST', pool: {labels: {os: debian}, count: %s}}\n"


class Pool(Story):
    def setUp(self):
        super().setUp()
        for name, os in (("a", "debian"), ("b", "debian"), ("c", "alpine")):
            self.mesh.start_agent(name, "--label", f"os={os}", "--label", f"name={name}")
        self.mesh.start_coordinator()
        self.wait_for_labels()

    def lines(self, command):
        done = self.mesh.cromt(command, "-o", "json")
        self.succeeded(done)
        return [json.loads(line) for line in done.out.splitlines()]

    def agents(self):
        return {agent["names"][0]: agent for agent in self.lines("agents")}

    def wait_for_labels(self):
        wait_for("all labels are known", lambda: all(agent["labels"] for agent in self.agents().values()) and len(self.agents()) == 3)

    def hosts_of_a_start(self, count):
        self.mesh.apply(POOL % count)
        self.succeeded(self.mesh.cromt("start", "p", "--wait"))
        return [task["host"] for task in self.mesh.show("last")["tasks"]]

    def test_all_with_a_label(self):
        self.assertEqual(self.hosts_of_a_start("all"), ["a", "b"])

    def test_one_with_a_label(self):
        self.assertEqual(len(self.hosts_of_a_start(1)), 1)

    def test_too_few_refuse_the_start(self):
        self.mesh.apply(POOL % 3)
        done = self.mesh.cromt("start", "p")
        self.exited(2, done)
        self.says(done.err, ":2:41: error: project 'p': pool wants 3 agents with os=debian, and there are 2; of 3 known")
        self.assertEqual(self.lines("runs"), [])

    def test_labels_outlive_the_coordinator_and_an_agent_that_is_down_gets_its_task(self):
        self.mesh.agents["a"].terminate()
        self.mesh.coordinator.terminate()
        self.mesh.coordinator.restart()
        self.assertEqual(self.agents()["a"]["labels"], {"os": "debian", "name": "a"})
        self.mesh.apply(POOL % "all")
        run = self.mesh.start("p")
        wait_for("b is done", lambda: [task["state"] for task in self.mesh.show(run)["tasks"]] == ["ready", "finished"])
        self.succeeded(self.mesh.cromt("cancel", run))

    def test_an_embedded_run_has_itself_only(self):
        path = self.mesh.write("own.yaml", "projects: {p: {run: 'echo on $CROMT_HOST', pool: {count: all}}}\n")
        done = self.mesh.cromt("run", path)
        self.succeeded(done)
        self.says(done.out, "on local")


if __name__ == "__main__":
    main()
