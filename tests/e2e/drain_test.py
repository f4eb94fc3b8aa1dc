#!/usr/bin/python3
"""`cromt agents drain` and `resume`: a host that is taken out of service by a person, and put back."""

import json

from process import wait_for
from story import Story, main


class Drain(Story):
    def setUp(self):
        super().setUp()
        self.mesh.start_all("a", "b")

    def agent(self, name):
        lines = [json.loads(line) for line in self.mesh.cromt("agents", "-o", "json").out.splitlines()]
        return next(line for line in lines if name in line["names"])

    def test_it_finishes_what_it_has_and_gets_nothing_new_also_from_the_next_coordinator(self):
        gate = self.mesh.path("gate")
        address = self.mesh.agents["a"].address
        self.mesh.apply(f"projects:\n  long:\n    run: 'while [ ! -e {gate} ]; do sleep 0.05; done'\n    url: http://{address}\n"
                        f"  short: {{run: 'true', url: 'http://{address}'}}\n  any: {{run: 'true', pool: {{count: all}}}}\n")
        long = self.mesh.start("long")
        wait_for("it runs", lambda: self.mesh.show(long)["tasks"][0]["state"] == "running")
        self.succeeded(self.mesh.cromt("agents", "drain", "a", "--reason", "new kernel"))
        self.says(self.mesh.cromt("agents").out, "draining", "new kernel")
        short = self.mesh.start("short")
        with open(gate, "w", encoding="utf-8"):
            pass
        self.assertEqual(self.mesh.wait_finished(long)["outcome"], "succeeded")
        wait_for("it has nothing left", lambda: self.agent("a")["attempts"] == 0)
        self.says(self.mesh.cromt("agents").out, "drained")
        self.says(self.mesh.cromt("why", short).out, "out of service by", "new kernel")

        self.mesh.coordinator.kill()
        self.mesh.start_coordinator()
        wait_for("it is up", lambda: self.agent("a")["state"] == "up")
        self.says(self.agent("a")["drained"], "new kernel")
        self.assertEqual(self.mesh.show(short)["tasks"][0]["state"], "ready")
        pool = self.mesh.start("any")
        self.assertEqual([task["host"] for task in self.mesh.wait_finished(pool)["tasks"]], ["b"])

        self.succeeded(self.mesh.cromt("agents", "resume", "a"))
        self.assertEqual(self.mesh.wait_finished(short)["outcome"], "succeeded")
        self.assertIsNone(self.agent("a")["drained"])

    def test_what_is_wrong_is_said(self):
        for words, says in ((("drain",), "which HOST"), (("drain", "nosuch:1"), "no agent is known at nosuch:1"),
                            (("resume", "a"), "is not out of service"), (("drain", "a", "--reason", "x\ny"), "one line")):
            done = self.mesh.cromt("agents", *words)
            self.exited(2, done)
            self.says(done.err, says)


if __name__ == "__main__":
    main()
