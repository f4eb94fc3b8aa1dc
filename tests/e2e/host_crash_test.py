#!/usr/bin/python3
"""A host that crashes: what its jobs have printed and its disk has kept reaches the run, and where it may not be all is said.

Runs in a mount namespace of its own, where a host can be given another boot id.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import uuid

import namespaces
import rpc
from process import wait_for
from story import Story, main

NOTE = "the host was restarted: what was printed in the last moments before may be missing here\n"
LAST = 200_000
ALL = "".join(f"{n}\n" for n in range(1, LAST + 1))


class HostCrash(Story):
    def setUp(self):
        super().setUp()
        self.boot()
        self.mesh.start_agent("host", before=namespaces.with_boot_id(self.mesh.path("boot")))
        self.mesh.start_coordinator()

    def boot(self):
        self.mesh.write("boot", f"{uuid.uuid4()}\n")

    def crash(self, keep=None):
        """All of the host is gone at once; of its log so many bytes are on the disk."""
        self.mesh.agents["host"].kill()
        for pid in [*self.mesh.launchers(), *self.mesh.jobs()]:
            os.kill(pid, signal.SIGKILL)
        wait_for("nothing runs", lambda: not self.mesh.launchers() and not self.mesh.jobs())
        if keep is not None:
            os.truncate(self.newest_segment(), keep)
        self.boot()

    def log_on_another_disk(self, size):
        """Its folder, moved to a file system of this size."""
        folder = self.mesh.path("host", "log")
        os.rename(folder, f"{folder}-before")
        os.mkdir(folder)
        namespaces.mount_tmpfs(folder, size)
        self.addCleanup(subprocess.run, ["umount", "--lazy", folder], check=True)
        shutil.copytree(f"{folder}-before", folder, dirs_exist_ok=True)
        return folder

    def newest_segment(self):
        folder = self.mesh.path("host", "log")
        return os.path.join(folder, max(os.listdir(folder)))

    def prints(self, text):
        """A run that prints this and goes on."""
        self.mesh.apply(f"projects: {{p: {{run: '{text}; sleep 1000'}}, next: {{run: echo next}}}}")
        return self.mesh.start("p")

    def read_by_the_launcher(self, text):
        with open(self.newest_segment(), "rb") as log:
            return log.read().endswith(text.encode())

    def is_lost(self, run):
        (task,) = self.mesh.wait_finished(run)["tasks"]
        self.assertEqual((task["outcome"], task["reason"]), ("lost", "lost: the host was restarted"))

    def logs(self, run, stream):
        """What the run's output is on this stream, by who waits for all of it."""
        done = self.mesh.cromt("logs", run, "--follow", "-o", "json")
        self.succeeded(done)
        pieces = [json.loads(line) for line in done.out.splitlines()]
        return "".join(piece["data"] for piece in pieces if piece["stream"] == stream)

    def goes_on(self):
        run = self.mesh.start("next")
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "succeeded")
        self.assertEqual(self.mesh.cromt("logs", run, "--follow", "--raw").out, "next\n")

    def test_what_its_disk_has_reaches_the_run(self):
        run = self.prints("sleep 1; seq 1 200000")
        wait_for("the job runs", self.mesh.jobs)
        self.mesh.coordinator.kill()
        wait_for("it is in the log", lambda: self.read_by_the_launcher(f"\n{LAST}\n"))
        self.crash()
        self.mesh.agents["host"].restart()
        self.mesh.coordinator.restart()
        self.is_lost(run)
        self.assertTrue(self.logs(run, "stdout") == ALL)
        self.assertEqual(self.logs(run, "note"), NOTE)
        self.goes_on()

    def test_what_its_disk_never_got_is_told_to_be_missing(self):
        run = self.prints("sleep 1; seq 1 200000")
        wait_for("the job runs", self.mesh.jobs)
        self.mesh.coordinator.kill()
        wait_for("it is in the log", lambda: self.read_by_the_launcher(f"\n{LAST}\n"))
        self.crash(keep=os.path.getsize(self.newest_segment()) // 2)
        self.mesh.agents["host"].restart()
        self.mesh.coordinator.restart()
        self.is_lost(run)
        kept = self.logs(run, "stdout")
        self.assertTrue(ALL.startswith(kept) and len(ALL) > len(kept) > len(ALL) // 4, f"{len(kept)} of {len(ALL)}")
        self.assertEqual(self.logs(run, "note"), NOTE)
        self.goes_on()

    def test_what_the_coordinator_has_already_is_not_lost_nor_what_comes_after(self):
        run = self.prints("seq 1 200000")
        wait_for("all of it has come", lambda: self.mesh.cromt("logs", run, "--raw").out == ALL)
        self.crash(keep=1000)
        self.mesh.agents["host"].restart()
        self.is_lost(run)
        self.assertTrue(self.logs(run, "stdout") == ALL)
        self.assertEqual(self.logs(run, "note"), NOTE)
        self.says(self.mesh.cromt("logs", run).out, NOTE)
        self.goes_on()

    def test_a_log_that_cannot_go_on_ends_the_start_and_loses_nothing(self):
        run = self.prints("sleep 1; seq 1 200000")
        wait_for("the job runs", self.mesh.jobs)
        self.mesh.coordinator.kill()
        wait_for("it is in the log", lambda: self.read_by_the_launcher(f"\n{LAST}\n"))
        self.crash()
        folder = self.log_on_another_disk("4m,nr_inodes=2")  # the folder itself and what is in it
        agent = self.mesh.agents["host"]
        with self.assertRaises(AssertionError):
            agent.restart()
        self.says(agent.log(), "the log can't go on behind the output from before the restart of the host", "00000002.seg: No space left")
        subprocess.run(["mount", "-o", "remount,nr_inodes=9", folder], check=True)
        agent.restart()
        self.mesh.coordinator.restart()
        self.is_lost(run)
        self.assertTrue(self.logs(run, "stdout") == ALL)
        self.assertEqual(self.logs(run, "note"), NOTE)
        self.goes_on()

    def test_without_room_for_the_note_what_is_there_reaches_the_run(self):
        run = self.prints("sleep 1; seq 1 200000")
        wait_for("the job runs", self.mesh.jobs)
        self.mesh.coordinator.kill()
        wait_for("it is in the log", lambda: self.read_by_the_launcher(f"\n{LAST}\n"))
        self.crash()
        filler = os.path.join(self.log_on_another_disk("4m"), "filler")
        with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"x" * 4096)
        agent = self.mesh.agents["host"]
        agent.restart()
        self.says(agent.log(), "no note can say where output may end before it should", "No space left on device")
        self.mesh.coordinator.restart()
        self.is_lost(run)
        self.assertTrue(self.logs(run, "stdout") == ALL)
        self.assertEqual(self.logs(run, "note"), "")
        os.unlink(filler)
        self.goes_on()

    def test_of_a_plain_job(self):
        def call(method, **fields):
            client = rpc.Client(self.mesh.agents["host"].address)
            self.addCleanup(client.close)
            return client.call(method, **fields)

        job = call("Submit", request_id="request", spec=rpc.shell("echo printed; sleep 1000")).job_id
        wait_for("it has printed", lambda: self.read_by_the_launcher("printed\n"))
        self.crash()
        self.mesh.agents["host"].restart()
        self.assertEqual(b"".join(chunk.data for chunk in call("Logs", job_id=job)).decode(), "printed\n" + NOTE)
        self.assertEqual(call("Get", job_id=job).result.log_bytes, len("printed\n" + NOTE))


if __name__ == "__main__":
    namespaces.enter()
    main()
