#!/usr/bin/python3
"""A disk that is full: nothing hangs, nothing is lost in silence, and once there is room it goes on.

Runs in a mount namespace of its own, where small file systems can be mounted.
"""

import os
import signal
import subprocess
import threading

import grpc

import namespaces
import rpc
from process import read_text, wait_for
from story import Story, main


class Disk(Story):
    def mount(self, *names, size):
        """A file system of this size in the mesh's folder."""
        path = self.mesh.path(*names)
        os.makedirs(path, exist_ok=True)
        namespaces.mount_tmpfs(path, size)
        self.addCleanup(subprocess.run, ["umount", "--lazy", path], check=True)
        return path

    def state(self, run):
        """Of its only task."""
        (task,) = self.mesh.show(run)["tasks"]
        return task["state"]

    def client(self, address):
        client = rpc.Client(address)
        self.addCleanup(client.close)
        return client

    def fill(self, path):
        """Takes what room there is; the file to remove."""
        filler = os.path.join(path, "filler")
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass
        return filler


class FullDisk(Disk):
    def test_output_waits_for_the_coordinators_disk(self):
        logs = self.mount("coordinator", "logs", size="1m")
        self.mesh.start_all("host")
        gate, printed = self.mesh.path("gate"), self.mesh.path("printed")
        self.mesh.apply(f"""
projects:
  p:
    run: |
      seq 1 100
      until [ -e {gate} ]; do sleep 0.02; done
      seq 101 20000
      touch {printed}
""")
        run = self.mesh.start("p")
        wait_for("its first output is kept", lambda: self.mesh.cromt("logs", run, "--raw").out.endswith("100\n"))
        filler = self.fill(logs)
        self.mesh.write("gate", "")
        wait_for("it has printed", lambda: os.path.exists(printed))
        wait_for("the operator is told", lambda: "output can't be kept" in self.mesh.coordinator.log())
        os.unlink(filler)
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "succeeded")
        self.assertEqual(self.mesh.cromt("logs", run, "--follow", "--raw").out, "".join(f"{n}\n" for n in range(1, 20001)))

    def test_output_leaves_room_for_a_cancel(self):
        path = self.mount("coordinator", size="32m")
        self.mesh.start_all("host")
        self.mesh.apply("""
projects:
  p: {run: "seq 1 5000000; exec sleep 1000"}
  q: {run: echo hello}
""")
        run = self.mesh.start("p")
        waits = "what it says waits: the coordinator's disk ("
        wait_for("its output waits", lambda: waits in self.mesh.cromt("why", run, "p").out)
        self.says(self.mesh.coordinator.log(), "output can't be kept and waits", "and output leaves 8.0 MiB of it for what is decided")
        self.succeeded(self.mesh.cromt("start", "q", "--wait"))
        self.succeeded(self.mesh.cromt("cancel", run))
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "canceled")
        subprocess.run(["mount", "-o", "remount,size=128m", path], check=True)
        kept = self.mesh.cromt("logs", run, "--follow", "--raw").out
        self.assertGreater(len(kept), 8 << 20)
        self.assertTrue("".join(f"{n}\n" for n in range(1, 5000001)).startswith(kept))
        self.assertNotIn(waits, self.mesh.cromt("why", run, "p").out)

    def test_an_agent_goes_on_with_what_has_begun(self):
        path = self.mount("host", size="24m")
        self.mesh.start_all("host")
        agent = self.mesh.agents["host"]
        client = self.client(agent.address)
        gate = self.mesh.path("gate")
        self.mesh.apply(f"""
projects:
  begun: {{run: "until [ -e {gate} ]; do sleep 0.02; done; exit 3"}}
  new: {{run: "true"}}
""")
        begun = self.mesh.start("begun")
        wait_for("it has begun", lambda: self.state(begun) == "running")
        filler = self.fill(path)
        with self.assertRaises(grpc.RpcError) as caught:
            for number in range(5000):  # until the journal can't be given more room
                client.call("Submit", request_id=f"r{number}", spec=rpc.shell("true", variables=[]))
        self.assertEqual(caught.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        self.says(caught.exception.details(), "the agent takes nothing new: keeping 8.0 MiB free for ", "No space left on device")
        self.assertEqual(client.health("cromt.v1.AgentService"), rpc.NOT_SERVING)
        self.assertEqual(client.health(), rpc.SERVING)
        new = self.mesh.start("new")
        wait_for("why names the disk", lambda: "No space left on device" in self.mesh.cromt("why", new, "1").out)
        self.says(self.mesh.cromt("agents").out, "No space left on device")
        self.mesh.write("gate", "")
        self.assertEqual(self.mesh.wait_finished(begun)["outcome"], "failed")  # its end found room
        self.says(self.mesh.cromt("show", begun).out, "exit code 3")
        self.assertEqual(self.state(new), "ready")
        agent.kill()  # the room that is kept is there for the next one too
        agent.restart()
        self.says(agent.log(), "nothing new is taken or begun for now: ")
        self.assertEqual(self.state(new), "ready")
        os.unlink(filler)
        self.assertEqual(self.mesh.wait_finished(new)["outcome"], "succeeded")
        wait_for("it is healthy again", lambda: self.client(agent.address).health("cromt.v1.AgentService") == rpc.SERVING)

    def held_back(self, prints):
        """A run whose output has no room at its agent, and what is to be removed to make some."""
        path = self.mount("host", size="24m")
        self.mesh.start_all("host")
        gate = self.mesh.path("gate")
        self.mesh.apply(f"""
projects:
  talks: {{run: "until [ -e {gate} ]; do sleep 0.02; done; {prints}"}}
  new: {{run: "true"}}
""")
        talks = self.mesh.start("talks")
        wait_for("it has begun", lambda: self.state(talks) == "running")
        filler = self.fill(path)
        self.mesh.write("gate", "")
        wait_for("the coordinator is told", lambda: "output of jobs is held back" in self.mesh.cromt("agents").out)
        return talks, filler

    def test_an_agent_takes_nothing_new_while_output_is_held_back(self):
        talks, filler = self.held_back("seq 1 20000")
        new = self.mesh.start("new")
        self.says(self.mesh.cromt("why", new, "1").out, "output of jobs is held back", "No space left on device")
        self.says(self.mesh.cromt("why", talks, "1").out, "output of jobs is held back")
        os.unlink(filler)
        self.assertEqual(self.mesh.wait_finished(talks)["outcome"], "succeeded")
        self.assertEqual(self.mesh.wait_finished(new)["outcome"], "succeeded")
        self.assertEqual(self.mesh.cromt("logs", talks, "--follow", "--raw").out, "".join(f"{n}\n" for n in range(1, 20001)))

    def test_a_launcher_that_dies_on_a_full_disk_takes_its_word_along(self):
        talks, _ = self.held_back("yes")
        for launcher in self.mesh.launchers():
            os.kill(launcher, signal.SIGKILL)
        self.assertEqual(self.mesh.wait_finished(talks)["outcome"], "failed")
        self.says(self.mesh.cromt("show", talks).out, "lost: the launcher died")
        self.succeeded(self.mesh.cromt("start", "new", "--wait"))  # it prints nothing

    def test_a_run_without_server_says_so_and_ends(self):
        self.mount("state", size="3m")
        text = "projects: {p: {run: \"yes | head -c 50000000\"}}\n"
        going = self.mesh.begin("run", self.mesh.write("big.yaml", text))
        drain = threading.Thread(target=going.wait)
        drain.start()
        wait_for("it says why", lambda: "No space left" in read_text(going.err_path) or "full" in read_text(going.err_path))
        going.send_signal(2)
        drain.join(timeout=60)
        self.assertIn(going.returncode, (3, 130), read_text(going.err_path))


class FullStores(Disk):
    """Attack 37, each place where files and artifacts come to lie: the run fails with the reason, nothing half is
    visible, and with room again it works."""

    def small(self, program, *parts):
        """One file system of 1 MiB for these folders of the program's data."""
        full = self.mount(f"small-{program}-{parts[0]}", size="1m")
        for part in parts:
            os.mkdir(os.path.join(full, part))
            os.makedirs(self.mesh.path(program, part))
            self.bind(os.path.join(full, part), self.mesh.path(program, part))
        return full

    def bind(self, path, place):
        subprocess.run(["mount", "--bind", path, place], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", place], check=True)

    def fails(self, project, full, *said):
        """The run fails for want of room in `full` and leaves nothing of its own there; then there is more room."""
        self.exited(1, self.mesh.cromt("start", project, "--wait"))
        self.says(self.mesh.cromt("show", "last").out, "No space left on device", *said)
        used = lambda: (now := os.statvfs(full)).f_bsize * (now.f_blocks - now.f_bfree)
        wait_for("there is room again", lambda: used() < 256 << 10)
        subprocess.run(["mount", "-o", "remount,size=64m", full], check=True)

    def test_where_artifacts_come_to_lie(self):
        published, taken = self.small("one", "blobs"), self.small("two", "blobs", "work")
        self.mesh.start_all("one", "two")
        self.mesh.apply("""
projects:
  make: {run: "head -c 4M /dev/urandom > f", hosts: [{url: "http://one"}], artifacts: {out: [{file: x, path: f}]}}
  take: {run: "test $(wc -c < .artifacts/x) = 4194304", hosts: [{url: "http://two"}], artifacts: {in: [x]}, before: [{name: make}]}
""")
        self.fails("make", published, "artifact 'x': ")
        self.fails("take", taken, "artifact 'x' of one", "nor through the coordinator")
        self.succeeded(self.mesh.cromt("start", "take", "--wait"))

    def test_where_files_of_a_repository_come_to_lie(self):
        """The mirror, the packed files, and the workspace, one after the other."""
        self.mesh.commit("r", {"tasks/look/task.bash": "test $(wc -c < big) = 3000000\n", "big": os.urandom(1_500_000).hex()})
        full = [self.small("coordinator", "git"), self.small("coordinator", "blobs"), self.small("host", "work")]
        self.mesh.start_all("host")
        self.mesh.apply(f"projects: {{p: {{path: {self.mesh.start_git_server()}/r.git, action: look}}}}\n")
        for path in full:
            self.fails("p", path)
        self.succeeded(self.mesh.cromt("start", "p", "--wait"))


class NearlyFullCoordinator(Disk):
    def test_a_start_waits_for_room(self):
        path = self.mount("coordinator", size="24m")
        self.mesh.start_agent("host")
        filler = self.fill(path)
        starting = threading.Thread(target=self.mesh.start_coordinator)
        starting.start()
        wait_for("it says why", lambda: "there is no room to start, which is tried again" in read_text(self.mesh.path("coordinator.log")))
        os.unlink(filler)
        starting.join()
        self.mesh.apply("projects: {p: {run: 'true'}}\n")
        self.succeeded(self.mesh.cromt("start", "p", "--wait"))

    def test_a_run_that_is_too_large_for_its_disk_is_refused(self):
        self.mount("coordinator", size="24m")
        self.mesh.start_all("host")
        hosts = "".join(f"  - {{id: h{number}}}\n" for number in range(50_000))
        self.mesh.apply(f"x-hosts: &hosts\n{hosts}projects:\n  wide: {{run: 'true', hosts: *hosts}}\n  one: {{run: 'true'}}\n")
        refused = self.mesh.cromt("start", "wide")
        self.exited(3, refused)
        self.says(refused.err, "a run of 50000 tasks takes about 48.8 MiB of the coordinator's disk", "are free")
        self.succeeded(self.mesh.cromt("start", "one", "--wait"))

    def test_a_run_that_does_much_is_refused_as_well(self):
        self.mount("coordinator", size="24m")
        self.mesh.start_all("host")
        hosts = "".join(f"      - {{id: h{number}, vars: {{x: {'x' * 6000}{number}}}}}\n" for number in range(500))
        self.mesh.apply(f"projects:\n  much:\n    run: 'true'\n    hosts:\n{hosts}")
        refused = self.mesh.cromt("start", "much")
        self.exited(3, refused)
        self.says(refused.err, "a run of 500 tasks takes about ", "are free")

    def test_the_largest_decision_finds_room(self):
        path = self.mount("coordinator", size="192m")
        self.mesh.start_coordinator(local="127.0.0.1:1")
        hosts = "".join(f"  - {{id: h{number}}}\n" for number in range(50_000))
        self.mesh.apply(f"x-hosts: &hosts\n{hosts}projects:\n  wide: {{run: 'true', hosts: *hosts, on_unreachable: wait 1h}}\n")
        wide = self.mesh.start("wide")
        self.assertEqual(self.mesh.coordinator.terminate(), 0)
        self.mesh.coordinator.restart()  # its write-ahead log is empty
        self.fill(path)
        self.succeeded(self.mesh.cromt("cancel", wide))
        self.assertEqual(self.mesh.show(wide)["outcome"], "canceled")
        self.exited(3, self.mesh.cromt("start", "wide"))
        self.assertIsNone(self.mesh.coordinator.process.poll())


class FullCoordinator(Disk):
    def setUp(self):
        super().setUp()
        self.path = self.mount("coordinator", size="24m")
        self.mesh.start_all("host")
        gate = self.mesh.path("gate")
        self.mesh.apply(f"""
projects:
  p: {{run: echo hello}}
  slow: {{run: "until [ -e {gate} ]; do sleep 0.02; done; echo done"}}
""")
        self.succeeded(self.mesh.cromt("start", "p", "--wait"))
        self.slow = self.mesh.start("slow")
        wait_for("it has begun", lambda: self.state(self.slow) == "running")
        self.filler = self.fill(self.path)
        self.said = []
        while (done := self.mesh.cromt("start", "p", "-o", "quiet")).code == 0:
            self.said.append(done.out.strip())
        self.refusal = done

    def test_it_holds_still_and_goes_on_by_itself(self):
        self.exited(3, self.refusal)
        self.says(self.refusal.err, "the coordinator's disk is full, and nothing is started, canceled or leased until there is room", "No space left on device")
        self.exited(3, self.mesh.cromt("cancel", self.slow))
        client = self.client(self.mesh.coordinator.address)
        self.assertEqual(client.health("cromt.v1.CoordinatorService"), rpc.NOT_SERVING)
        self.assertEqual(client.health(), rpc.SERVING)
        self.says(self.mesh.cromt("why", self.slow).out, "the coordinator's disk is full")
        self.mesh.write("gate", "")  # its agent keeps its end
        wait_for("its process has ended", lambda: not self.mesh.jobs())
        self.assertEqual(self.state(self.slow), "running")
        os.unlink(self.filler)
        for run in [self.slow, *self.said]:
            self.assertEqual(self.mesh.wait_finished(run)["outcome"], "succeeded")
        self.assertEqual(self.mesh.cromt("logs", self.slow, "--follow", "--raw").out, "done\n")
        self.succeeded(self.mesh.cromt("start", "p", "--wait"))
        self.assertEqual(client.health("cromt.v1.CoordinatorService"), rpc.SERVING)
        self.says(self.mesh.coordinator.log(), "there is room again, and it goes on")

    def test_it_can_be_started_and_then_holds_still(self):
        self.mesh.coordinator.kill()
        self.mesh.coordinator.restart()
        self.exited(3, self.mesh.cromt("start", "p"))
        self.says(self.mesh.cromt("show", self.slow).out, "running")
        self.mesh.write("gate", "")
        os.unlink(self.filler)
        for run in [self.slow, *self.said]:
            self.assertEqual(self.mesh.wait_finished(run)["outcome"], "succeeded")


if __name__ == "__main__":
    namespaces.enter()
    main()
