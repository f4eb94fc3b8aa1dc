#!/usr/bin/python3
"""What a coordinator takes from an agent that is not what it should be, and that the others go on."""

import rpc
from fake_agent import FakeAgent
from process import read_text, wait_for
from story import Story, main


class HostileAgent(Story):
    def fake(self, name, **fields):
        agent = FakeAgent(name, **fields)
        self.addCleanup(agent.close)
        return agent

    # slow and good run the same commit; slow takes its lease and then no byte of the files
    def test_an_agent_that_takes_no_files_holds_up_nobody_else(self):
        url = self.mesh.start_git_server()
        self.mesh.commit("repo", {"tasks/hello/task.bash": "echo hello from the repository\n"})
        slow = self.fake("slow")
        self.mesh.start_agent("good")
        self.mesh.start_coordinator(agents={"slow": slow.address})
        hosts = "[{url: 'http://slow'}, {url: 'http://good'}]"
        self.mesh.apply(f"projects:\n  x: {{path: {url}/repo.git, action: hello, hosts: {hosts}}}\n")
        run = self.mesh.start("x")
        slow.pushes.get(timeout=30)
        good = wait_for("good has run it", lambda: [t for t in self.mesh.show(run)["tasks"]
                                                    if t["host"] == "good" and t["state"] == "finished"])[0]
        self.assertEqual(good["outcome"], "succeeded")
        self.assertEqual(self.mesh.show(run)["state"], "running")

    def test_output_of_another_agents_attempt_is_dropped_and_said(self):
        thief = self.fake("thief")
        self.mesh.start_agent("honest")
        self.mesh.start_coordinator(agents={"thief": thief.address})
        gate = self.mesh.path("gate")
        self.mesh.apply(f"projects:\n  x:\n    run: 'echo mine; while [ ! -e {gate} ]; do sleep 0.05; done'\n"
                        "    hosts: [{url: 'http://honest'}]\n  y: {run: 'true', hosts: [{url: 'http://thief'}]}\n")
        run, own = self.mesh.start("x"), self.mesh.start("y")
        thief.leases.get(timeout=30)
        wait_for("the first output", lambda: "mine" in self.mesh.cromt("logs", run).out)
        thief.say(run, 0, "forged\n")
        thief.say(own, 0, "its own\n")
        wait_for("what is its own", lambda: "its own" in self.mesh.cromt("logs", own).out)
        log = read_text(self.mesh.path("coordinator.log"))
        self.says(log, "agent thief sent output of attempt " + run, "never had")
        self.mesh.write("gate", "")
        self.mesh.wait_finished(run)
        self.assertEqual(self.mesh.cromt("logs", run, "--raw").out, "mine\n")

    def test_an_agent_of_a_later_protocol_is_left_out_and_it_is_said(self):
        own = rpc.SESSION_PROTOCOL
        late = self.fake("late", protocols=(own + 1, own + 2))
        self.mesh.start_agent("good")
        self.mesh.start_coordinator(agents={"late": late.address})
        said = f"the coordinator speaks session protocol {own}, the agent {own + 1} to {own + 2}: upgrade the coordinator"
        wait_for("it is said", lambda: said in self.mesh.cromt("agents").out)
        self.mesh.apply("projects: {x: {run: 'true', hosts: [{url: 'http://good'}]}}\n")
        self.succeeded(self.mesh.cromt("start", "x", "--wait"))


if __name__ == "__main__":
    main()
