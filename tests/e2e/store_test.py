#!/usr/bin/python3
"""The coordinator's store: backups while it works, put back in mid-run; a damaged one is refused, not believed."""

import os
import shutil
import subprocess

from mesh import BIN, Finished
from process import alive, read_text, wait_for
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

    def test_where_there_is_no_store_recover_makes_none(self):
        wrong = self.mesh.path("wrong")
        refused = self.coordinator("recover", data_dir=wrong)
        self.exited(2, refused)
        self.says(refused.err, "there is no store in ", "--data-dir")
        self.assertFalse(os.path.exists(wrong))

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



class Recovery(Store):
    """A store that went back in mid-run: nothing that agents know is lost, and nothing is leased before `recover`."""

    def setUp(self):
        super().setUp()
        self.mesh.start_all("host")
        wait = lambda name: f"echo $$ >>{self.mesh.path(name)}.pid; until [ -e {self.mesh.path(name)} ]; do sleep 0.02; done"
        self.mesh.apply(f"""
projects:
  a: {{run: "{wait('a')}", queue-id: lane}}
  b: {{run: "{wait('b')}", queue-id: lane}}
  c: {{run: "{wait('c')}"}}
  all: {{run: echo all, before: [{{name: a}}, {{name: b}}, {{name: c}}]}}
  later: {{run: "{wait('later')}; echo ends"}}
  short: {{run: echo short}}
  says: {{run: "cat {self.mesh.path('words')}", queue-id: lane}}
""")

    def began(self, name):
        """The pids of its processes, once there is one."""
        wait_for(f"{name} runs", lambda: read_text(self.mesh.path(name + ".pid")).endswith("\n"))
        return [int(pid) for pid in read_text(self.mesh.path(name + ".pid")).split()]

    def recover(self, *flags):
        done = self.coordinator("recover", *flags, "--config", self.mesh.path("mesh.yaml"))
        self.succeeded(done)
        return done.out

    def refuses(self):
        done = self.mesh.cromt("start", "short")
        self.exited(3, done)
        self.says(done.err, "went back", "cromt-coordinator recover")

    def test_in_mid_run(self):
        run = self.mesh.start("all")
        self.began("c")
        started = lambda: [name for name in "ab" if os.path.exists(self.mesh.path(name + ".pid"))]
        first = wait_for("one has the lane", started)[0]
        second = "b" if first == "a" else "a"
        self.began(first)
        wait_for("its start is known", lambda: self.mesh.tasks(run)[first]["state"] == "running")
        self.succeeded(self.coordinator("backup", self.backup))
        # What the backup does not know: the one ends and the other gets the lane, and a whole run.
        self.mesh.write(first, "")
        self.began(second)
        unknown = self.mesh.start("later")
        later = self.began("later")[0]
        tasks = {name: task["id"] for name, task in self.mesh.tasks(run).items()}
        self.mesh.coordinator.terminate()
        self.says(self.coordinator("restore", self.backup).out, "nothing is leased until `cromt-coordinator recover`")
        self.mesh.coordinator.restart()
        self.refuses()
        self.assertEqual(self.mesh.show(run)["state"], "running")
        self.says(self.mesh.coordinator.log(), "went back")
        self.says(self.mesh.cromt("why", "last", "-o", "json").out, '"kind":"held","text":"', "cromt-coordinator recover")
        self.mesh.coordinator.terminate()
        said = self.recover()
        self.says(said, f"adopted: {run}/{tasks[second]}/1", f"lost: store restored: {run}/{tasks[first]}/1",
                  f": {unknown}/1/1", "--stop-unknown")
        self.mesh.coordinator.restart()
        self.mesh.write(second, "")
        self.mesh.write("c", "")
        ended = self.mesh.wait_finished(run)
        outcomes = {task["name"]: (task["outcome"], task["attempt"]) for task in ended["tasks"]}
        self.assertEqual((outcomes[first], outcomes[second], outcomes["c"], outcomes["all"][0]),
                         (("lost", 1), ("succeeded", 1), ("succeeded", 1), "skipped"))
        for name in ("a", "b", "c"):
            self.assertEqual(len(self.began(name)), 1, f"{name} was started twice")
        self.assertTrue(alive(later), "what the store does not know was stopped")
        self.succeeded(self.mesh.cromt("start", "short", "--wait"))
        self.mesh.coordinator.terminate()
        self.assertNotIn(unknown, self.recover("--stop-unknown"))
        self.mesh.coordinator.restart()
        wait_for("what is unknown is stopped", lambda: not alive(later))
        self.succeeded(self.mesh.cromt("start", "short", "--wait"))

    def test_output_of_what_was_kept(self):
        self.succeeded(self.coordinator("backup", self.backup))
        unknown = self.mesh.start("later")
        self.began("later")
        self.mesh.coordinator.terminate()
        self.succeeded(self.coordinator("restore", self.backup))
        self.says(self.recover(), f": {unknown}/1/1", "--stop-unknown")
        self.mesh.coordinator.restart()
        self.mesh.write("later", "")
        wait_for("its output is dropped", lambda: f"sent output of attempt {unknown}/1/1" in self.mesh.coordinator.log())
        self.says(self.mesh.coordinator.log(), f"sent output of attempt {unknown}/1/1, which is not in the store: dropped")

    def test_output_of_what_is_done_again(self):
        """By another number: that of before has output, which is not its own."""
        self.mesh.write("words", "the first that it said\n")
        self.mesh.start("a")
        self.began("a")
        run = self.mesh.start("says")
        self.succeeded(self.coordinator("backup", self.backup))
        self.mesh.write("a", "")
        self.mesh.wait_finished(run)
        wait_for("its output is there", lambda: "the first" in self.mesh.cromt("logs", run).out)
        self.mesh.coordinator.terminate()
        self.succeeded(self.coordinator("restore", self.backup))
        self.mesh.write("words", "another\n")
        self.recover()
        self.mesh.coordinator.restart()
        (task,) = self.mesh.wait_finished(run)["tasks"]
        self.assertEqual((task["outcome"], task["attempt"]), ("succeeded", 2))
        wait_for("its output is there", lambda: "another\n" in self.mesh.cromt("logs", run).out)

    def test_an_agent_proves_it(self):
        self.mesh.coordinator.terminate()
        for name in ("store.db", "store.db-mark"):
            shutil.copy(self.mesh.path("coordinator", name), self.mesh.path(name))
        self.mesh.coordinator.restart()
        self.succeeded(self.mesh.cromt("start", "short", "--wait"))
        self.mesh.coordinator.terminate()
        for name in self.names():
            os.unlink(self.mesh.path("coordinator", name))
        for name in ("store.db", "store.db-mark"):
            shutil.copy(self.mesh.path(name), self.mesh.path("coordinator", name))
        self.mesh.coordinator.restart()
        wait_for("it knows", lambda: "has seen commit" in self.mesh.coordinator.log())
        self.refuses()
        self.mesh.coordinator.kill()
        self.mesh.coordinator.restart()
        self.refuses()
        self.mesh.coordinator.terminate()
        self.recover()
        self.mesh.coordinator.restart()
        self.succeeded(self.mesh.cromt("start", "short", "--wait"))

    def test_an_agent_that_does_not_answer(self):
        run = self.mesh.start("c")
        self.began("c")
        wait_for("its start is known", lambda: self.mesh.tasks(run)["c"]["state"] == "running")
        self.mesh.coordinator.terminate()
        self.mesh.agents["host"].kill()
        refused = self.coordinator("recover", "--config", self.mesh.path("mesh.yaml"))
        self.exited(2, refused)
        self.says(refused.err, "was not reached", "--without-agents")
        self.says(self.recover("--without-agents"), f"lost: store restored: {run}/1/1")
        self.mesh.coordinator.restart()
        self.assertEqual(self.mesh.wait_finished(run)["tasks"][0]["reason"], "lost: store restored")


if __name__ == "__main__":
    main()
