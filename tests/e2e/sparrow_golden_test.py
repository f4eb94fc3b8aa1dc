#!/usr/bin/python3
"""Outputs and exit codes of tasks and scenarios beside those of the original, recorded by tests/golden/sparrow/record from
Sparrow6 0.0.94 and Tomtit 0.1.37. What differs on purpose is listed here, with what cromt prints instead."""

import os
import shutil
import subprocess
import tempfile
import unittest

from process import read_text

GOLDEN = os.path.join(os.environ["CROMT_SOURCE"], "tests", "golden", "sparrow")
STEP = os.path.join(os.environ["CROMT_BIN"], "cromt-step")

HEAD = "[task run: task.bash - tasks/{0}]\n[task stdout]\n"
DIFFERENT = {
    "hook-fails": ("what a failed hook printed is shown whole, not only its stderr",
                   "hook exit status: 4\nhook tasks/hook-fails FAILED\n[hook stdout]\nhook speaks\n[hook stderr]\n"
                   "hook complains\nexit 101\n"),
    "killed": ("a killed task has failed",
               HEAD.format("killed") + "before\ntask killed by signal 9 (SIGKILL)\ntask exit status: 137\n"
               "task tasks/killed FAILED\nexit 137\n"),
    "perl-once": ("a task in Perl runs once, not twice",
                  "[task run: task.pl - tasks/perl-once]\n[task stdout]\n" + HEAD.format("perl-once-count") + "1\nexit 0\n"),
}


class BesideTheOriginal(unittest.TestCase):
    def test_every_scenario(self):
        names = sorted(name.removesuffix(".raku") for name in os.listdir(os.path.join(GOLDEN, "repository", ".tom")))
        with tempfile.TemporaryDirectory() as folder:
            copy = os.path.join(folder, "repository")
            shutil.copytree(os.path.join(GOLDEN, "repository"), copy)
            environment = {"PATH": os.environ["PATH"], "HOME": folder, "TMPDIR": folder}
            for name in names:
                done = subprocess.run([STEP, "--root", copy, name], env=environment, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
                ours = done.stdout.decode() + f"exit {done.returncode}\n"
                original = read_text(os.path.join(GOLDEN, "expected", name + ".txt"))
                with self.subTest(name):
                    if name in DIFFERENT:
                        self.assertNotEqual(ours, original, "it is listed as different")
                        self.assertEqual(ours, DIFFERENT[name][1])
                    else:
                        self.assertEqual(ours, original)
        self.assertGreaterEqual(len(names), 50)
        print(f"\nshare: {len(names) - len(DIFFERENT)} of {len(names)} tasks and scenarios print what the original prints; the others:")
        for name, (why, _) in sorted(DIFFERENT.items()):
            print(f"share:   {name}: {why}")


if __name__ == "__main__":
    unittest.main()
