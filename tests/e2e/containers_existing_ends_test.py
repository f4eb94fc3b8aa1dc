#!/usr/bin/python3
"""Jobs in a container that runs already: however they end, it is as it was after."""

import os
import signal
import subprocess

from existing import Existing
from process import wait_for
from story import main


def setUpModule():
    Existing.begin()


def tearDownModule():
    Existing.end()


class Ends(Existing):
    def test_a_cancel_is_term_then_kill(self):
        run = self.begun("(trap 'echo child got it; exit 0' TERM; while true; do sleep 0.05; done) & trap 'echo got it; wait; exit 3' TERM; echo begun; while true; do sleep 0.05; done")
        self.succeeded(self.mesh.cromt("cancel", run))
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "canceled")
        self.says(self.mesh.cromt("logs", run, "--raw").out, "got it\n", "child got it\n")
        self.is_as_it_was()
        run = self.begun("trap '' TERM; setsid sh -c 'sleep 1000; sleep 1000' & echo begun; while true; do sleep 0.05; done", more="    grace: 1s\n")
        self.succeeded(self.mesh.cromt("cancel", run))
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "canceled")
        self.is_as_it_was()

    def test_a_container_without_room_for_one_more_process(self):
        self.engine.docker("rm", "-f", "db1")
        self.run_container("db1", "--pids-limit", "20")
        # Its first fork that fails ends the inner shell, and what it has made stays.
        run = self.begun("trap '' TERM; sh -c 'while true; do sleep 1000 & done' 2>/dev/null || echo begun; while true; do :; done", more="    grace: 1s\n")
        self.succeeded(self.mesh.cromt("cancel", run))
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "canceled")
        self.is_as_it_was()

    def test_a_timeout_also_of_another_user(self):
        self.job("echo begun; sleep 1000", more="    timeout: 1s\n    grace: 1s\n    container: {user: app}\n")
        self.assertEqual(self.mesh.wait_finished(self.mesh.start("p"))["outcome"], "failed")
        self.assertEqual(self.task()["outcome"], "timed_out")
        self.is_as_it_was()

    def test_it_outlives_the_agent(self):
        run = self.begun("echo begun; until [ -e /tmp/go ]; do sleep 0.05; done; seq 1 1000; exit 4")
        self.host.kill()
        self.host.restart()
        self.inside("touch", "/tmp/go")
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "failed")
        self.assertEqual(self.task(run)["exit_code"], 4)
        out = wait_for("its output", lambda: (text := self.mesh.cromt("logs", run, "--raw").out).endswith("1000\n") and text)
        self.assertEqual(out[out.index("1\n"):], "".join(f"{n}\n" for n in range(1, 1001)))
        self.is_as_it_was()

    def test_killed_launchers_and_runners_leave_nothing(self):
        run = self.begun("trap '' TERM; setsid sleep 1000 & echo begun; sleep 1000; sleep 1000")
        (launcher,) = self.mesh.launchers()
        os.kill(launcher, signal.SIGKILL)
        self.mesh.wait_finished(run)
        self.assertEqual(self.task(run)["outcome"], "lost")
        self.is_as_it_was()
        for user in ("root", "app"):
            run = self.begun("trap '' TERM; setsid sleep 1000 & echo begun; sleep 1000; sleep 1000", more=f"    container: {{user: {user}}}\n")
            boxes = os.path.join(self.host.data_dir, "work", "slot-")
            (runner,) = subprocess.run(["pgrep", "-f", f"^[^ ]*cromt-container {boxes}"], capture_output=True, check=True, text=True).stdout.split()
            os.kill(int(runner), signal.SIGKILL)
            self.mesh.wait_finished(run)
            self.says(self.task(run)["reason"], "killed by signal 9 (KILL)")
            self.is_as_it_was()
        self.succeeded(self.run_job("echo again"))

    def test_what_kills_its_own_keeper_leaves_nothing(self):
        self.run_job("setsid sleep 1000 & setsid sh -c 'sleep 1000 & sleep 1000' & kill -9 $PPID; sleep 1000", more="    container: {user: app}\n")
        self.assertEqual(self.task()["exit_code"], 137)
        self.is_as_it_was()

    def test_a_container_that_stops_and_an_engine_that_is_restarted(self):
        run = self.begun("echo begun; sleep 1000")
        self.engine.docker("kill", "db1")
        self.mesh.wait_finished(run)
        self.assertEqual((self.task(run)["exit_code"], self.task(run)["reason"]), (125, "exit code 125: the container db1 was stopped while the job ran in it"))
        self.engine.docker("rm", "db1")
        self.run_container("db1")
        run = self.begun("trap '' TERM PIPE; echo begun; while true; do sleep 0.05; done")
        self.engine.stop(kill=True)
        self.engine.start()
        self.mesh.wait_finished(run)
        self.says(self.task(run)["reason"], "the container engine went away while the job ran in the container db1")
        self.is_as_it_was()
        self.succeeded(self.run_job("echo again"))


if __name__ == "__main__":
    main()
