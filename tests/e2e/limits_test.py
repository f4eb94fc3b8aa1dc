#!/usr/bin/python3
"""Limits on plain jobs: what goes beyond them is ended and told so, and neither the agent nor other jobs are disturbed."""

import os
import re

from process import alive, read_text, wait_for
from story import Story, main

HOG = "perl -e '$x = \"a\" x 300000000'"
HOG_LINE = HOG.replace("'", "''")


class Limits(Story):
    def run_job(self, keys, flags=()):
        file = self.mesh.write("jobs.yaml", f"projects:\n  job:\n    {keys}\n")
        return self.mesh.cromt("run", file, *flags)

    def task(self):
        return self.mesh.show("last")["tasks"][0]

    def test_out_of_memory_is_an_outcome_with_a_reason(self):
        done = self.run_job(f"run: |\n      {HOG}\n    resources: {{memory: 64MiB}}")
        self.exited(1, done)
        self.says(done.err, "failed", "out of memory: it needed more than its limit of 64.0 MiB")

    def test_within_its_limits_it_succeeds(self):
        self.succeeded(self.run_job("run: echo fine\n    resources: {memory: 64MiB, cpus: 0.5, pids: 20}"))

    def test_a_limit_that_is_none(self):
        for key, words in (("memory: lots", "size"), ("cpus: -1", "number of cores"), ("pids: many", "number"),
                           ("memroy: 1GiB", "did you mean 'memory'")):
            with self.subTest(key):
                done = self.run_job(f"run: echo never\n    resources: {{{key}}}")
                self.exited(2, done)
                self.says(done.err, "jobs.yaml:4:", words)

    def test_a_fork_bomb_while_others_work(self):
        """It stays within its limit, the agent goes on with other jobs, and a cancel ends all of it."""
        self.mesh.start_all("host")
        self.mesh.apply("""
projects:
  bomb:
    run: |
      bomb() { bomb | bomb & }
      echo begun
      bomb 2>/dev/null
      exec sleep 1000
    resources: {pids: 50}
    grace: 1
  other: {run: echo other}
""")
        bomb = self.mesh.start("bomb")
        wait_for("it has begun", lambda: "begun" in self.mesh.cromt("logs", bomb).out)
        for _ in range(5):
            self.succeeded(self.mesh.cromt("start", "other", "--wait"))
        self.assertLess(len(self.mesh.jobs()), 60)
        self.succeeded(self.mesh.cromt("cancel", bomb))
        wait_for("all of it is gone", lambda: not self.mesh.jobs())

    def test_a_daemon_in_a_session_of_its_own_is_in_the_limits_too(self):
        pids = self.mesh.path("pids")
        file = self.mesh.write("jobs.yaml", f"""
projects:
  job:
    run: |
      setsid sh -c 'sh -c "echo \\$\\$ >{pids}; exec sleep 1000" &' >/dev/null 2>&1
      until [ -s {pids} ]; do sleep 0.01; done
      cat /proc/$(cat {pids})/cgroup >{self.mesh.path("theirs")}
      cat /proc/$$/cgroup >{self.mesh.path("own")}
    resources: {{pids: 50, memory: 1GiB}}
""")
        done = self.mesh.cromt("run", file)
        self.succeeded(done)
        self.assertEqual(read_text(self.mesh.path("theirs")), read_text(self.mesh.path("own")))
        self.assertFalse(alive(int(read_text(pids))))

    def test_a_hundred_thousand_files_are_gone_before_the_next_job(self):
        self.mesh.start_agent("host", "--slots", "1")
        self.mesh.start_coordinator()
        self.mesh.apply("""
projects:
  many:
    run: |
      perl -e 'for (1 .. 100000) { open my $f, ">", "f$_" or die }'
  next: {run: 'ls -A | wc -l'}
""")
        for project in ("many", "next"):
            self.succeeded(self.mesh.cromt("start", project, "--wait"))
        self.assertEqual(self.mesh.cromt("logs", "last", "--raw").out, "0\n")

    def test_one_that_spins_leaves_cores_to_others(self):
        """The agent answers, and what spins is slowed down: the kernel counts how often."""
        self.mesh.start_all("host")
        self.mesh.apply("""
projects:
  spin:
    run: |
      cat /proc/self/cgroup
      for i in 1 2 3 4; do (while :; do :; done) & done; wait
    resources: {cpus: 0.2}
    grace: 1
  other: {run: echo other}
""")
        spin = self.mesh.start("spin")
        groups = wait_for("its groups", lambda: [line.split(":", 2)[2] for line in self.mesh.cromt("logs", spin, "--raw").out.splitlines()
                                                 if "/cromt-" in line])
        stats = [path for group in groups for hierarchy in ("", "cpu", "unified")
                 if os.path.exists(path := f"/sys/fs/cgroup/{hierarchy}{group}/cpu.stat") and "nr_throttled" in read_text(path)]
        self.assertTrue(stats, groups)
        wait_for("it is slowed down", lambda: any(re.search("nr_throttled [1-9]", read_text(path)) for path in stats))
        self.succeeded(self.mesh.cromt("start", "other", "--wait"))
        self.succeeded(self.mesh.cromt("cancel", spin))
        self.assertEqual(self.mesh.wait_finished(spin)["outcome"], "canceled")

    def test_what_no_job_exceeds_is_the_agents_to_say(self):
        config = self.mesh.write("agent.yaml", "resources: {memory: 64MiB, pids: 100}\n")
        self.mesh.start_agent("host", "--config", config)
        self.mesh.start_coordinator()
        self.mesh.apply(f"""
projects:
  none: {{run: '{HOG_LINE}'}}
  more: {{run: '{HOG_LINE}', resources: {{memory: 1GiB}}}}
""")
        for project in ("none", "more"):
            self.exited(1, self.mesh.cromt("start", project, "--wait"))
            self.assertEqual(self.task()["reason"], "exit code 137: out of memory: it needed more than its limit of 64.0 MiB", project)

    def test_where_nothing_can_be_limited_it_is_not_begun(self):
        self.mesh.start_agent("host", "--cgroup", "none")
        self.mesh.start_coordinator()
        self.mesh.apply("projects: {job: {run: echo never, resources: {memory: 64MiB}}}\n")
        self.exited(1, self.mesh.cromt("start", "job", "--wait"))
        task = self.task()
        self.assertEqual(task["outcome"], "failed")
        self.says(task["reason"], "can't limit jobs: it runs with --cgroup none")
        self.assertNotIn("never", self.mesh.cromt("logs", "last").out)

    def test_nothing_of_the_limits_is_left(self):
        own = self.mesh.path("own")
        self.succeeded(self.run_job(f"run: cat /proc/self/cgroup >{own}\n    resources: {{memory: 1GiB, cpus: 1, pids: 50}}"))
        groups = {line.split(":", 2)[2] for line in read_text(own).splitlines() if "/cromt-" in line}
        self.assertTrue(groups)
        wait_for("the launcher has left", lambda: not self.mesh.launchers())
        for group in groups:
            for hierarchy in ("", *os.listdir("/sys/fs/cgroup")):
                self.assertFalse(os.path.exists(f"/sys/fs/cgroup/{hierarchy}{group}"), f"{hierarchy}{group}")


if __name__ == "__main__":
    main()
