#!/usr/bin/python3
"""Links in the place of directories, tokens in the place of users, sockets in the place of hosts: holes that were closed."""

import hashlib
import os
import shutil
import socket
import tempfile
import threading

import rpc
from fake_coordinator import FakeCoordinator
from process import wait_for
from story import Story, main


class Workspace(Story):
    """A job replaces its workspace by a link."""

    def setUp(self):
        super().setUp()
        self.mesh.start_agent("host", "--slots", "1")
        self.mesh.start_coordinator()
        self.swap = lambda target: f"W=$CROMT_WORKSPACE; cd /; rm -rf $W; ln -s {target} $W"

    def test_an_artifact_is_not_read_through_it(self):
        secret = self.mesh.write("secret/file", "a secret")
        self.mesh.apply(f"projects: {{p: {{run: '{self.swap(os.path.dirname(secret))}', artifacts: {{out: [{{file: x, path: file}}]}}}}}}\n")
        self.exited(1, self.mesh.cromt("start", "p", "--wait"))

    def test_the_next_jobs_files_are_not_put_through_it(self):
        victim = self.mesh.path("victim")
        os.mkdir(victim)
        self.mesh.commit("r", {"tasks/swap/task.bash": self.swap(victim) + "\n", "tasks/look/task.bash": "ls\n"})
        url = self.mesh.start_git_server()
        self.mesh.apply(f"projects:\n  swap: {{path: {url}/r.git, action: swap}}\n  look: {{path: {url}/r.git, action: look}}\n")
        for name in ("swap", "look"):
            self.mesh.cromt("start", name, "--wait")
        self.assertEqual(os.listdir(victim), [])


class Store(Story):
    """Links in the place of folders of the blob store."""

    def test_opening_it_empties_no_other_folder(self):
        agent = self.mesh.start_agent("host")
        kept = self.mesh.write("victim/file", "precious")
        agent.terminate()
        tmp = os.path.join(agent.data_dir, "blobs", "tmp")
        shutil.rmtree(tmp)
        os.symlink(os.path.dirname(kept), tmp)
        try:
            agent.restart()
        except AssertionError:
            pass  # refusing to start is fine, too
        self.assertTrue(os.path.exists(kept))

    def test_its_quota_removes_nothing_elsewhere(self):
        agent = self.mesh.start_agent("host", "--config", self.mesh.write("agent.yaml", "blob-quota: 10\n"))
        kept = self.mesh.write("victim/" + "a" * 62, "x" * 1000)
        os.utime(kept, (1, 1))
        os.symlink(os.path.dirname(kept), os.path.join(agent.data_dir, "blobs", "aa"))
        client = rpc.Client(agent.address)
        self.addCleanup(client.close)
        data = [b"one" * 10, b"two" * 10]
        for blob in data:
            client.put_blob([rpc.agent.BlobChunk(digest=rpc.digest(blob), data=blob)])
        one = rpc.digest(data[0]).sha256
        wait_for("the store is trimmed", lambda: not os.path.exists(os.path.join(agent.data_dir, "blobs", one[:2], one[2:])))
        self.assertTrue(os.path.exists(kept))


class Token(Story):
    def test_a_user_of_a_url_does_not_reach_the_job(self):
        """It may be a token."""
        self.mesh.start_all("host")
        self.mesh.commit("r", {"tasks/look/task.bash": "echo $SCM_URL\n"})
        url = self.mesh.start_git_server().replace("//", "//t0ken@")
        self.mesh.apply(f"projects: {{p: {{path: {url}/r.git, action: look}}}}\n")
        self.succeeded(self.mesh.cromt("start", "p", "--wait"))
        self.assertNotIn("t0ken", self.mesh.cromt("logs", "last", "--raw").out)


class Dialled(Story):
    def test_a_holders_address_is_a_host(self):
        """A lease names who holds an artifact; the agent dials whatever stands there, a Unix socket too."""
        agent = self.mesh.start_agent("host")
        path = self.mesh.path("sock")
        server = socket.socket(socket.AF_UNIX)
        self.addCleanup(server.close)
        server.bind(path)
        server.listen()
        server.settimeout(5)
        coordinator = FakeCoordinator(agent.address)
        self.addCleanup(coordinator.close)
        artifact = rpc.types.PublishedArtifact(name="x", digest=rpc.digest(b"x"), grant="g")
        given = rpc.types.LeaseInput(path="x", artifact=artifact, holder="h", address=path, host="h")
        def run():
            try:
                coordinator.run(rpc.shell("true"), [given], timeout=10)
            except Exception:  # how it refuses is not the point here
                pass

        thread = threading.Thread(target=run)
        thread.start()
        try:
            server.accept()
            dialled = True
        except TimeoutError:
            dialled = False
        thread.join()
        self.assertFalse(dialled)


class InPlace(Story):
    def test_artifacts_reach_a_directory_of_another_file_system(self):
        """Where the kernel copies nothing between two files."""
        place = tempfile.mkdtemp(dir="/dev/shm")
        self.addCleanup(shutil.rmtree, place)
        os.makedirs(place + "/tasks/look")
        with open(place + "/tasks/look/task.bash", "w") as file:
            file.write("cat .artifacts/x\n")
        self.mesh.start_all("host")
        self.mesh.apply("projects:\n  make: {run: 'echo made > f', artifacts: {out: [{file: x, path: f}]}}\n"
                        f"  take: {{path: {place}, action: look, artifacts: {{in: [x]}}, before: [{{name: make}}]}}\n")
        self.succeeded(self.mesh.cromt("start", "take", "--wait"))


if __name__ == "__main__":
    main()
