#!/usr/bin/python3
"""The coordinator's store: backups while it works, put back in mid-run; a damaged one is refused, not believed."""

import os
import subprocess

from mesh import BIN, Finished
from process import wait_for
from story import Story, main


class Store(Story):
    def setUp(self):
        super().setUp()
        self.store = self.mesh.path("coordinator", "store.db")
        self.backup = self.mesh.path("backup.db")

    def coordinator(self, *arguments, data_dir=None):
        """A call of cromt-coordinator that ends by itself."""
        command = [os.path.join(BIN, "cromt-coordinator"), *arguments, "--data-dir", data_dir or self.mesh.path("coordinator")]
        return Finished(command, subprocess.run(command, env=self.mesh.environment, cwd=self.mesh.folder, stdin=subprocess.DEVNULL,
                                                capture_output=True, timeout=60))

    def refused_to_start(self, *said):
        """It ends by itself, says why, and nothing is served."""
        done = self.coordinator("--listen", "127.0.0.1:0", "--config", self.mesh.path("mesh.yaml"))
        self.exited(1, done)
        self.says(done.err, *said)

    def names(self):
        return sorted(name for name in os.listdir(self.mesh.path("coordinator")) if name.startswith("store.db"))


class Damage(Store):
    """Whoever starts it again is told what is wrong and what to do."""

    def setUp(self):
        super().setUp()
        self.mesh.start_all("host")
        self.gate = self.mesh.path("gate")
        self.mesh.apply(f"projects: {{p: {{run: 'until [ -e {self.gate} ]; do sleep 0.02; done'}}}}\n")
        self.run_id = self.mesh.start("p")
        wait_for("it runs", lambda: self.mesh.tasks(self.run_id)["p"]["state"] == "running")

    def test_a_wal_that_is_cut_or_gone(self):
        self.mesh.coordinator.kill()
        wal = self.store + "-wal"
        with open(wal, "rb") as file:
            whole = file.read()
        for rest in (len(whole) - 4000, len(whole) // 2, 0):
            with open(wal, "r+b") as file:
                file.truncate(rest)
            self.refused_to_start("its newest part is gone", "cromt-coordinator restore FILE", "cromt-coordinator recover")
        os.unlink(wal)
        self.refused_to_start("its newest part is gone")
        with open(wal, "wb") as file:
            file.write(whole)
        self.mesh.coordinator.restart()
        self.mesh.write("gate", "")
        self.assertEqual(self.mesh.wait_finished(self.run_id)["outcome"], "succeeded")

    def test_a_bit_of_a_row(self):
        self.mesh.coordinator.terminate()
        with open(self.store, "rb") as file:
            whole = file.read()
        at = whole.rindex(b"running")
        with open(self.store, "r+b") as file:
            file.seek(at)
            file.write(b"runninc")
        self.refused_to_start("store.db is damaged", "is not what was written", "cromt-coordinator restore FILE")
        self.exited(1, self.coordinator("backup", self.backup))
        self.assertFalse(os.path.exists(self.backup))

    def test_a_store_that_is_gone(self):
        self.mesh.coordinator.terminate()
        os.unlink(self.store)
        self.refused_to_start("store.db is missing")
        self.assertNotIn("store.db", self.names())


class Backup(Store):
    def test_what_is_refused(self):
        self.exited(2, self.coordinator("backup", self.backup))  # there is no store yet
        self.mesh.start_all("host")
        self.succeeded(self.coordinator("backup", self.backup))
        again = self.coordinator("backup", self.backup)
        self.exited(2, again)
        self.says(again.err, "is there already")
        running = self.coordinator("restore", self.backup)
        self.exited(2, running)
        self.says(running.err, "stop its coordinator first")
        self.mesh.coordinator.terminate()
        letter = self.coordinator("restore", self.mesh.write("letter", "dear aunt"))
        self.exited(2, letter)
        self.says(letter.err, "is not a store of cromt")
        self.exited(2, self.coordinator("restore"))
        self.exited(2, self.coordinator("restore", self.mesh.path("nothing")))
        with open(self.backup, "r+b") as file:
            file.truncate(8192)
        cut = self.coordinator("restore", self.backup)
        self.exited(1, cut)
        self.says(cut.err, "backup.db is damaged")
        self.mesh.coordinator.restart()
        self.assertEqual(self.mesh.cromt("runs").code, 0)

    def test_a_backup_of_the_end_is_put_back_and_work_goes_on(self):
        self.mesh.start_all("host")
        self.mesh.apply("projects: {p: {run: echo hello}}\n")
        self.succeeded(self.mesh.cromt("start", "p", "--wait"))
        self.mesh.coordinator.terminate()
        self.succeeded(self.coordinator("backup", self.backup))
        done = self.coordinator("restore", self.backup)
        self.succeeded(done)
        self.says(done.out, "restored ", "is kept as ")
        self.assertNotIn("recover", done.out)
        self.mesh.coordinator.restart()
        self.succeeded(self.mesh.cromt("start", "p", "--wait"))
        self.assertEqual(len(self.mesh.cromt("runs", "-o", "json").out.splitlines()), 2)

    def test_while_many_runs_are_made(self):
        self.mesh.start_all("host")
        self.mesh.apply("projects: {p: {run: 'true'}}\n")
        for number in range(5):
            self.mesh.start("p")
            self.succeeded(self.coordinator("backup", self.mesh.path(f"backup{number}.db")))
        self.assertEqual([name for name in os.listdir(self.mesh.folder) if "partial" in name], [])


if __name__ == "__main__":
    main()
