#!/usr/bin/python3
"""The units in deploy/systemd/: systemd understands every word of them, and they are exposed no more than they say.

Needs systemd's tools, and no systemd that runs.
"""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

from mesh import SOURCE
from process import read_text
from story import main

UNITS = os.path.join(SOURCE, "deploy", "systemd")
# The most that each may have; what is above 3 is reasoned in the unit.
EXPOSURE = {"cromt-coordinator.service": 3.0, "cromt-agent.service": 3.5, "cromt-launcher.service": 9.7}


def analyze(*words, root=None):
    return subprocess.run(["systemd-analyze", "--no-pager", *([f"--root={root}"] if root else []), *words], capture_output=True, text=True,
                          check=False, timeout=60)


class Units(unittest.TestCase):
    def setUp(self):
        # A root in which the programs are where the units look for them.
        self.root = tempfile.mkdtemp(prefix="cromt-units-")
        self.addCleanup(shutil.rmtree, self.root)
        os.makedirs(self.root + "/usr/bin")
        self.units = self.root + "/etc/systemd/system"
        shutil.copytree(UNITS, self.units)
        for target in ("network-online", "multi-user", "basic", "sysinit", "shutdown"):
            with open(f"{self.units}/{target}.target", "w", encoding="utf-8") as file:
                file.write(f"[Unit]\nDescription={target}\n")
        for name in EXPOSURE:
            shutil.copy("/bin/true", f"{self.root}/usr/bin/{name.removesuffix('.service')}")

    def verify(self):
        done = analyze("verify", "--man=no", "--recursive-errors=yes", *(f"{self.units}/{name}" for name in EXPOSURE), root=self.root)
        return done.returncode, done.stdout + done.stderr

    def test_systemd_understands_them(self):
        self.assertEqual(self.verify(), (0, ""))

    def test_a_word_that_it_does_not_know_would_be_found(self):
        with open(self.units + "/cromt-agent.service", "a", encoding="utf-8") as file:
            file.write("[Service]\nNoSuchWord=yes\n")
        self.assertIn("NoSuchWord", self.verify()[1])

    def test_how_exposed_they_are(self):
        for name, most in EXPOSURE.items():
            with self.subTest(name):
                done = analyze("security", "--offline=true", f"--threshold={int(most * 10)}", os.path.join(UNITS, name))
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                measured = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout).group(1)
                print(f"share: {name} is exposed to {measured} of 10", flush=True)
                stated = re.findall(r"exposure is ([\d.]+)", re.sub(r"\n# ", " ", read_text(os.path.join(UNITS, name))))
                self.assertEqual(stated, [measured] if most > 3 else [])

    def test_jobs_outlive_the_agent_by_where_they_are(self):
        agent, launcher = (read_text(os.path.join(UNITS, f"cromt-{name}.service")) for name in ("agent", "launcher"))
        self.assertNotIn("Delegate", agent)
        self.assertRegex(launcher, r"(?m)^Delegate=yes$")
        self.assertRegex(launcher, r"(?m)^OOMPolicy=continue$")
        for word in ("Requires", "BindsTo", "PartOf"):
            self.assertNotRegex(agent + launcher, rf"(?m)^{word}=")


if __name__ == "__main__":
    main()
