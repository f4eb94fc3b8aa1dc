#!/usr/bin/python3
"""A disk that is full: nothing hangs, nothing is lost in silence, and once there is room it goes on.

Runs in a mount namespace of its own, where small file systems can be mounted.
"""

import os
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

    def test_an_agent_that_can_keep_no_journal_ends_and_answers(self):
        path = self.mount("agent", size="2m")
        agent = self.mesh.start_agent("agent")
        client = rpc.Client(agent.address)
        self.addCleanup(client.close)
        filler = self.fill(path)
        with self.assertRaises(grpc.RpcError) as caught:
            for number in range(1000):  # until the last block of the journal is full
                client.call("Submit", request_id=f"r{number}", spec=rpc.shell("true", variables=[]))
        # The job's own record found no room, or that of the one before, and by now the agent may have gone.
        self.assertRegex(caught.exception.details(), "No space left on device|the agent has stopped working|Cancelling all calls|CANCELLED")
        self.assertEqual(agent.process.wait(timeout=15), 1)
        self.says(agent.log(), "can't go on")
        os.unlink(filler)
        agent.restart()

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

    def test_the_coordinators_store(self):
        """It ends before it says something that it can't keep; what it has said is there when it starts again."""
        path = self.mount("coordinator", size="3m")
        self.mesh.start_all("host")
        self.mesh.apply("projects: {p: {run: echo hello}}\n")
        self.succeeded(self.mesh.cromt("start", "p", "--wait"))
        filler = self.fill(path)
        said = []
        while (done := self.mesh.cromt("start", "p", "-o", "quiet")).code == 0:
            said.append(done.out.strip())
        self.exited(3, done)
        self.assertEqual(self.mesh.coordinator.process.wait(timeout=15), 1)
        self.says(self.mesh.coordinator.log(), "can't go on: ", "full")
        os.unlink(filler)
        self.mesh.coordinator.restart()
        for run in said:
            self.assertEqual(self.mesh.wait_finished(run)["outcome"], "succeeded")
        self.succeeded(self.mesh.cromt("start", "p", "--wait"))


if __name__ == "__main__":
    namespaces.enter()
    main()
