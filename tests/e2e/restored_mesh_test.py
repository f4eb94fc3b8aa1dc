#!/usr/bin/python3
"""Two pasts of one mesh, with mutual TLS: a store that was put back, and a second coordinator from a copy. What is not the newest
leases nothing until a person has it recovered. And who only says that it has seen a newer one."""

import os
import shutil
import subprocess

import rpc
from founded import Founded
from mesh import BIN, Finished
from process import Program, wait_for
from story import Story, main
from thief import Item, Thief

COORDINATOR = "cromt.v1.CoordinatorService"


class Pasts(Story):
    mesh_kind = Founded

    def setUp(self):
        super().setUp()
        self.mesh.found()
        self.host = self.mesh.add_agent("h1")
        self.gate = self.mesh.path("gate")
        self.mesh.apply(f"projects:\n  hello: {{run: echo hello, {self.on(self.host)}}}\n"
                        f"  long: {{run: 'until [ -e {self.gate} ]; do sleep 0.05; done', {self.on(self.host)}}}\n")
        self.hello_job()

    def on(self, host):
        return f"hosts: [{{url: 'http://{host.address}'}}]"

    def maintain(self, *arguments, data_dir=None):
        """A call of cromt-coordinator that ends by itself, with success."""
        command = [os.path.join(BIN, "cromt-coordinator"), *arguments, "--data-dir", data_dir or self.mesh.path("coordinator")]
        done = Finished(command, subprocess.run(command, env=self.mesh.environment, cwd=self.mesh.folder, stdin=subprocess.DEVNULL,
                                                capture_output=True, timeout=60))
        self.succeeded(done)
        return done.out

    def recover(self):
        """By a person: stop it, ask all agents, start it."""
        self.mesh.coordinator.terminate()
        said = self.maintain("recover", "--config", self.mesh.path("mesh.yaml"))
        self.mesh.coordinator.restart()
        return said

    def hello_job(self, *flags):
        done = self.mesh.cromt("start", "hello", "--follow", *flags)
        self.succeeded(done)
        self.says(done.out, "hello\n")

    def running(self):
        run = self.mesh.start("long")
        wait_for("it runs", lambda: self.mesh.tasks(run)["long"]["state"] == "running")
        return run

    def health(self, address=None):
        client = rpc.Client(address or self.mesh.coordinator.address, tls=self.mesh.tls(), token=self.mesh.admin_token)
        try:
            return client.health(COORDINATOR)
        finally:
            client.close()

    def held(self, *said, run="last"):
        """It leases nothing, and says why to whoever asks; what it knows it still tells."""
        wait_for("it holds still", lambda: self.health() == rpc.NOT_SERVING)
        refused = self.mesh.cromt("start", "hello")
        self.exited(3, refused)
        self.says(refused.err, "cromt-coordinator recover", *said)
        self.says(self.mesh.coordinator.log(), *said)
        self.succeeded(self.mesh.cromt("runs"))
        if self.mesh.show(run)["state"] != "finished":
            self.says(self.mesh.cromt("why", run, "-o", "json").out, '"kind":"held"', "cromt-coordinator recover", *said)

    def serving(self):
        self.assertEqual(self.health(), rpc.SERVING)
        self.hello_job()


class PutBack(Pasts):
    def test_a_backup(self):
        known = self.running()
        backup = self.mesh.path("backup.db")
        self.maintain("backup", backup)
        self.hello_job()
        unknown = self.mesh.start("long")
        wait_for("it runs", lambda: self.mesh.tasks(unknown)["long"]["state"] == "running")
        self.mesh.coordinator.terminate()
        self.says(self.maintain("restore", backup), "nothing is leased until `cromt-coordinator recover`")
        self.mesh.coordinator.restart()
        self.held("went back to an earlier state", run=known)
        said = self.recover()
        self.says(said, "recovered: epoch ", "1 agents answered", f"unknown, kept on agent h1: {unknown}/1/1")
        self.serving()
        self.mesh.write("gate", "")
        (task,) = self.mesh.wait_finished(known)["tasks"]
        self.assertEqual((task["outcome"], task["attempt"]), ("succeeded", 1))

    def test_by_hand_with_all_that_lies_beside_it(self):
        """Then only the agents know."""
        self.mesh.coordinator.terminate()
        shutil.copytree(self.mesh.path("coordinator"), self.mesh.path("saved"))
        self.mesh.coordinator.restart()
        self.hello_job()
        self.mesh.coordinator.terminate()
        shutil.rmtree(self.mesh.path("coordinator"))
        shutil.copytree(self.mesh.path("saved"), self.mesh.path("coordinator"))
        self.mesh.coordinator.restart()
        self.held("went back", "agent h1 at " + self.host.address + " has seen commit")
        self.mesh.coordinator.kill()
        self.mesh.coordinator.restart()  # nor does it forget that
        self.held("went back")
        self.says(self.recover(), "recovered: epoch ", "1 agents answered")
        self.serving()


class Twins(Pasts):
    """The first lives on while somebody starts a copy of its whole data directory elsewhere."""

    def start_copy(self):
        folder = self.mesh.path("copy")
        shutil.copytree(self.mesh.path("copied"), folder)
        command = [os.path.join(BIN, "cromt-coordinator"), "--listen", "127.0.0.1:0", "--advertise", "127.0.0.1:1", "--http", "127.0.0.1:0",
                   "--config", self.mesh.path("mesh.yaml")]
        copy = Program(command, folder, self.mesh.environment)
        self.addCleanup(copy.kill)
        return copy.start()

    def as_it_is(self):
        """Of a coordinator that has nothing to do at the moment."""
        shutil.copytree(self.mesh.path("coordinator"), self.mesh.path("copied"))

    def test_one_that_knows_all_takes_over_and_the_first_holds_still(self):
        known = self.running()
        self.as_it_is()
        copy = self.start_copy()
        self.held("went back", "agent h1", run=known)
        # It is the coordinator now, with the first one's certificate and users.
        self.mesh.write("gate", "")
        first, self.mesh.coordinator = self.mesh.coordinator, copy
        try:
            self.succeeded(self.mesh.log_in(self.mesh.admin_token))
            (task,) = self.mesh.wait_finished(known)["tasks"]
            self.assertEqual((task["outcome"], task["attempt"]), ("succeeded", 1))
            self.serving()
        finally:
            self.mesh.coordinator = first
        copy.terminate()
        self.succeeded(self.mesh.log_in(self.mesh.admin_token))
        self.held("went back")
        self.says(self.recover(), "recovered: epoch ", f"lost: store restored: {known}/1/1")
        self.serving()

    def test_one_that_is_behind_holds_still_and_so_does_the_first(self):
        self.as_it_is()
        known = self.running()
        copy = self.start_copy()
        wait_for("the copy holds still", lambda: self.health(copy.address) == rpc.NOT_SERVING)
        self.says(copy.log(), "went back", "has seen commit")
        self.held("went back", run=known)
        self.assertEqual(self.mesh.show(known)["state"], "running")  # neither has stopped its job
        copy.terminate()
        self.says(self.recover(), "recovered: epoch ")
        self.mesh.write("gate", "")
        (task,) = self.mesh.wait_finished(known)["tasks"]
        self.assertEqual((task["outcome"], task["attempt"]), ("succeeded", 1))
        self.serving()


class Lies(Pasts):
    """A member whose key was stolen says that it has seen a later state: it can stop the mesh so, and is named."""

    def setUp(self):
        super().setUp()
        self.mesh.add_agent("bad")
        self.thief = Thief(self.mesh, "bad")
        self.addCleanup(self.thief.close)

    def test_it_is_taken_out_and_the_mesh_goes_on(self):
        known = self.running()
        self.thief.hello = {"seen_epoch": 1000, "seen_commit": 1 << 30}
        self.thief.serve()
        self.held("agent bad at " + self.thief.own_address + " has seen commit 1073741824 of epoch 1000", run=known)
        self.succeeded(self.mesh.cromt("agents", "remove", "bad"))
        said = self.recover()
        self.says(said, "1 agents answered")
        self.assertNotIn(self.thief.own_address, said)  # it is no agent of this mesh any more
        self.serving()
        self.mesh.write("gate", "")
        self.assertEqual(self.mesh.wait_finished(known)["outcome"], "succeeded")

    def test_what_it_says_when_agents_are_asked(self):
        """Others' attempts are not its own, and no number of its is beyond what can be."""
        known = self.running()
        self.thief.inventory = [Item(id=rpc.types.AttemptId(run=known, task=0, attempt=2), phase=Item.RUNNING)]
        self.thief.serve()
        said = self.recover()
        self.says(said, "2 agents answered", f"unknown, kept on agent bad: {known}/1/2")
        self.assertNotIn("adopted", said)
        self.assertNotIn("lost", said)
        self.thief.hello = {"seen_epoch": 2 ** 64 - 1}
        said = self.recover()
        self.says(said, f"not believed: agent bad at {self.thief.own_address}: ", "epoch 18446744073709551615", "1 agents answered")
        self.mesh.write("gate", "")
        (task,) = self.mesh.wait_finished(known)["tasks"]
        self.assertEqual((task["outcome"], task["attempt"]), ("succeeded", 1))
        self.serving()


if __name__ == "__main__":
    main()
