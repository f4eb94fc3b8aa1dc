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


class FullDisk(Story):
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
        self.assertRegex(caught.exception.details(), "No space left on device|the agent has stopped working|Cancelling all calls")
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


if __name__ == "__main__":
    namespaces.enter()
    main()
