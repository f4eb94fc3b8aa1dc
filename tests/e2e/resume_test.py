#!/usr/bin/python3
"""`cromt run` is killed, and `--resume` goes on where the run is: no job starts twice, no output is lost."""

import json
import os
import signal
import time

from process import alive, read_text, wait_for
from story import Story, main

NUMBERS = "".join(f"{number}\n" for number in range(1, 2001))


class Killed(Story):
    """A job that waits in its middle while its `cromt run` is killed, and one after it."""

    flags = ()

    def setUp(self):
        super().setUp()
        self.starts, self.ends, self.gate = (self.mesh.path(name) for name in ("starts", "ends", "gate"))
        self.file = self.mesh.write("jobs.yaml", f"""
projects:
  slow:
    run: |
      echo $$ >>{self.starts}
      echo before
      until [ -e {self.gate} ]; do sleep 0.02; done
      seq 1 2000
      echo after
{self.hosts()}
  next:
    run: |
      echo next
      echo ended >>{self.ends}
    before: [{{name: slow}}]
""")
        self.start("next")

    def hosts(self):
        return ""

    def start(self, project):
        self.running = self.mesh.begin("run", project, "--conf", self.file, *self.flags)
        wait_for("the job runs", lambda: "before\n" in read_text(self.running.out_path))

    def kill(self):
        self.running.kill()
        self.running.wait()

    def resume(self, *flags):
        """Begins to; returns once it says so."""
        self.running = self.mesh.begin("run", "--resume", "last", *flags)
        wait_for("it is resumed", lambda: "resuming run" in read_text(self.running.err_path) or self.running.poll() is not None)
        return self.running

    def kept(self):
        """The newest run, as --local tells it."""
        return json.loads(self.mesh.cromt("show", "last", "--local", "-o", "json").out)

    def nothing_is_left(self):
        wait_for("the launcher has left", lambda: not self.mesh.launchers(), seconds=10)
        self.assertEqual(self.mesh.jobs(), [])

    def assert_output(self, text, **expected):
        """What each project printed: the last of one task may be shown after the first of the next."""
        printed, project = dict.fromkeys(expected, ""), None
        for line in text.splitlines(keepends=True):
            if line.startswith("==> "):
                project = line.split()[1]
            elif line != "\n":
                printed[project] += line
        self.assertEqual(printed, expected)

    def ends_as_if_nothing_had_happened(self):
        self.mesh.write("gate", "")
        self.assertEqual(self.running.wait(timeout=30), 0, read_text(self.running.err_path))
        self.assert_output(read_text(self.running.out_path), slow="before\n" + NUMBERS + "after\n", next="next\n")
        self.assertEqual(len(read_text(self.starts).splitlines()), 1, "the job started twice")
        self.assertEqual(read_text(self.ends), "ended\n")
        run = self.kept()
        self.assertEqual((run["outcome"], [task["attempt"] for task in run["tasks"]]), ("succeeded", [1, 1]))
        self.nothing_is_left()


class Resume(Killed):
    def test_while_a_job_runs(self):
        pid = int(read_text(self.starts))
        self.kill()
        self.assertTrue(alive(pid))
        self.resume()
        self.ends_as_if_nothing_had_happened()

    def test_after_a_job_has_ended_with_nobody_there(self):
        pid = int(read_text(self.starts))
        self.kill()
        self.mesh.write("gate", "")
        wait_for("the job has ended", lambda: pid not in self.mesh.jobs())
        self.resume()
        self.ends_as_if_nothing_had_happened()

    def test_again_and_again(self):
        for _ in range(4):
            self.kill()
            self.resume()
        self.ends_as_if_nothing_had_happened()

    def test_killed_while_it_resumes(self):
        self.kill()
        for pause in range(12):  # wherever that is
            call = self.mesh.begin("run", "--resume", "last")
            time.sleep(pause * 0.004)
            call.kill()
            call.wait()
        self.resume()
        self.ends_as_if_nothing_had_happened()

    def test_after_an_end_that_nobody_was_told_of(self):
        """Killed between the run's end and its own: all is shown, as what was shown of it nobody knows."""
        self.mesh.write("gate", "")
        self.running.wait(timeout=30)
        os.unlink(self.mesh.path("state", "cromt", "runs", self.kept()["id"], "run-finished"))
        self.resume()
        self.ends_as_if_nothing_had_happened()

    def test_the_run_as_json(self):
        self.kill()
        self.resume("-o", "json")
        self.mesh.write("gate", "")
        self.assertEqual(self.running.wait(timeout=30), 0)
        self.assertEqual(json.loads(read_text(self.running.out_path))["outcome"], "succeeded")

    def test_who_looks_is_told_how_to_go_on(self):
        self.assertNotIn("reason", self.kept())
        self.kill()
        run = self.kept()
        words = (f"interrupted; 'cromt run --resume {run['id']}' goes on with it; 10 minutes after the interruption its jobs are "
                 "ended, and it goes on with them lost")
        self.assertEqual((run["state"], run["reason"]), ("running", words))
        self.says(self.mesh.cromt("runs", "--local").out, f"cromt run --resume {run['id']}")
        done = self.mesh.begin("run", "--resume", run["id"][:8])
        self.mesh.write("gate", "")
        self.assertEqual(done.wait(timeout=30), 0)
        self.assertNotIn("reason", self.kept())

    def test_the_next_ctrl_c_cancels(self):
        self.kill()
        self.resume()
        self.running.send_signal(signal.SIGINT)
        self.assertEqual(self.running.wait(timeout=30), 130)
        self.assertEqual(self.kept()["outcome"], "canceled")
        self.nothing_is_left()

    def test_many_short_tasks(self):
        """Killed three times in their midst: each of them acts once, and all that they print is there once."""
        self.mesh.write("gate", "")
        self.running.wait(timeout=30)
        did = self.mesh.path("did")
        hosts = "".join(f"\n    - {{id: h{number}, vars: {{N: '{number}'}}}}" for number in range(300))
        job = self.mesh.write("many.yaml", f"projects:\n  many:\n    run: 'echo $N >>{did}; echo line $N'\n    hosts:{hosts}\n")
        self.running = self.mesh.begin("run", job, "--slots", "2")
        for at in (40, 120, 220):
            wait_for(f"{at} have acted", lambda at=at: len(read_text(did).splitlines()) >= at or self.running.poll() is not None)
            self.kill()
            self.running = self.mesh.begin("run", "--resume", "last")
        self.assertEqual(self.running.wait(timeout=60), 0, read_text(self.running.err_path))
        expected = sorted(range(300))
        self.assertEqual(sorted(int(line) for line in read_text(did).splitlines()), expected)
        said = [line for line in read_text(self.running.out_path).splitlines() if line.startswith("line ")]
        self.assertEqual(sorted(int(line.split()[1]) for line in said), expected)
        self.nothing_is_left()


class OnAnotherAgent(Killed):
    """The job runs on an agent of its own, which the run's configuration knows."""

    def hosts(self):
        self.mesh.start_agent("far")
        self.flags = ("--config", self.mesh.write_config())
        return "    hosts: [{url: 'http://far'}]"

    def test_it_goes_on_there(self):
        self.kill()
        os.unlink(self.mesh.path("mesh.yaml"))  # the run has kept what it said
        self.resume()
        self.mesh.write("gate", "")
        self.assertEqual(self.running.wait(timeout=30), 0, read_text(self.running.err_path))
        self.assert_output(read_text(self.running.out_path), slow="before\n" + NUMBERS + "after\n", next="next\n")
        self.assertEqual(len(read_text(self.starts).splitlines()), 1)
        self.assertEqual([task["host"] for task in self.kept()["tasks"]], ["far", "local"])


class NotResumed(Killed):
    def refused(self, code, *words, run="last"):
        done = self.mesh.cromt("run", "--resume", run)
        self.exited(code, done)
        self.says(done.err, *words)
        self.assertEqual(done.out, "")
        return done

    def test_an_unknown_run(self):
        self.refused(2, "there is no run nosuchrun", run="nosuchrun")
        done = self.mesh.cromt("run", "next", "--conf", self.file, "--resume", "last")
        self.exited(2, done)
        self.says(done.err, "goes on with what the run was started with")

    def test_one_that_never_began(self):
        directory = self.mesh.path("state", "cromt", "runs", "cut0short0before0it0began")
        os.makedirs(directory)
        self.refused(2, "there is no run", run=os.path.basename(directory))

    def test_one_that_goes_on_elsewhere(self):
        self.refused(2, "goes on in another 'cromt run'")
        self.ends_as_if_nothing_had_happened()

    def test_one_that_was_resumed_already(self):
        self.kill()
        self.resume()
        self.refused(2, "goes on in another 'cromt run'")
        self.ends_as_if_nothing_had_happened()

    def test_one_that_has_succeeded(self):
        self.mesh.write("gate", "")
        self.assertEqual(self.running.wait(timeout=30), 0)
        self.refused(0, "has ended already", "succeeded")

    def test_one_that_has_failed(self):
        self.mesh.write("gate", "")
        self.running.wait(timeout=30)
        self.exited(1, self.mesh.cromt("run", self.mesh.write("bad.yaml", "projects: {bad: {run: exit 7}}\n")))
        self.refused(1, "has ended already", "failed", "exit code 7")

    def test_after_a_restart_of_the_host(self):
        """Nothing has survived one; here only the id of the boot says that there was one."""
        self.kill()
        run = self.kept()["id"]
        self.mesh.write(f"state/cromt/runs/{run}/boot", "00000000-0000-0000-0000-000000000000\n")
        shown = self.kept()
        self.assertEqual((shown["state"], shown["outcome"]), ("finished", "failed"))
        self.assertEqual([task["outcome"] for task in shown["tasks"]], ["lost", "skipped"])
        self.refused(1, "the host was restarted before the run had ended")
        self.assert_output(self.mesh.cromt("logs", run, "--local").out, slow="before\n")
        self.refused(1, "the host was restarted before the run had ended")

    def test_one_that_was_given_up(self):
        """Its process could not go on, as on a full disk, and said so."""
        self.kill()
        run = self.kept()["id"]
        self.mesh.write(f"state/cromt/runs/{run}/run-finished", "")
        self.assertEqual((self.kept()["outcome"], self.kept()["reason"]), ("failed", "lost: 'cromt run' could not go on"))
        self.refused(1, "could not go on")

    def test_after_the_launcher_has_ended_the_jobs(self):
        """As after its ten minutes: launcher and jobs are gone. The attempt is lost, and the run ends as that asks."""
        pid = int(read_text(self.starts))
        self.kill()
        for process in self.mesh.launchers() + [pid]:
            os.kill(process, signal.SIGKILL)
        wait_for("all are gone", lambda: not self.mesh.launchers() and not self.mesh.jobs())
        self.resume()
        self.assertEqual(self.running.wait(timeout=30), 1, read_text(self.running.err_path))
        run = self.kept()
        self.assertEqual((run["outcome"], [task["outcome"] for task in run["tasks"]]), ("failed", ["lost", "skipped"]))
        self.assertEqual(len(read_text(self.starts).splitlines()), 1)
        self.nothing_is_left()

    def test_after_a_ctrl_c(self):
        """It was being canceled when it was killed, and still is."""
        stubborn = self.mesh.write("stubborn.yaml", """
projects:
  stubborn:
    grace: 2s
    run: |
      trap '' TERM
      echo before
      while :; do sleep 0.05; done
""")
        self.mesh.write("gate", "")
        self.running.wait(timeout=30)
        self.running = self.mesh.begin("run", stubborn)
        wait_for("the job runs", lambda: "before\n" in read_text(self.running.out_path))
        self.running.send_signal(signal.SIGINT)
        wait_for("it cancels", lambda: "canceling run" in read_text(self.running.err_path))
        wait_for("that is stored", lambda: self.kept()["tasks"][0]["state"] == "stopping")
        self.kill()
        self.resume()
        self.assertEqual(self.running.wait(timeout=30), 1, read_text(self.running.err_path))
        self.assertEqual(self.kept()["outcome"], "canceled")
        self.nothing_is_left()


if __name__ == "__main__":
    main()
