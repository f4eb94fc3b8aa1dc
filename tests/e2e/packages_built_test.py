#!/usr/bin/python3
"""What script/package makes: packages without errors of Debian's own, manual pages that say what --help says, and an archive
that runs on other systems: a newer Debian, and one that has nothing but glibc and busybox."""

import gzip
import glob
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import debian
import packages
from docs_test import commands, page, section
from engine import APPLETS, Engine, busybox
from mesh import BIN
from story import main

NEWER = "trixie"
JOB = "projects: {hello: {run: echo hello from $CROMT_HOST}}\n"
# glibc's own, and what it loads to look up names and users.
GLIBC = ("libc.so.6", "libm.so.6", "libresolv.so.2", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libnss_files.so.2", "libnss_dns.so.2")


class Built(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="cromt-packages-", dir="/var/tmp")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        packages.build(cls.folder)

    def test_lintian_finds_no_error(self):
        done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error", *glob.glob(self.folder + "/*.deb")], capture_output=True, text=True,
                              check=False, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_each_flag_is_in_the_manual(self):
        tree = os.path.join(self.folder, "tree")
        for package in glob.glob(self.folder + "/*.deb"):
            subprocess.run(["dpkg-deb", "-x", package, tree], check=True)
        programs = sorted(os.listdir(tree + "/usr/bin"))
        self.assertEqual(len(programs), 7)
        for name in programs:
            path = f"{tree}/usr/share/man/man1/{name}.1.gz"
            done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", path], capture_output=True, text=True, check=False, timeout=60,
                                  env={**os.environ, "MANWIDTH": "200", "LC_ALL": "C.UTF-8"})
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)
            help_text = subprocess.run([os.path.join(BIN, name), "--help"], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL).stdout
            for flag in re.findall(r"--[a-z][a-z-]+", help_text):
                self.assertIn(flag, done.stdout.replace("\u2010", "-"), name)
        with gzip.open(f"{tree}/usr/share/man/man1/cromt-agent.1.gz", "rt", encoding="utf-8") as file:
            self.assertIn('.SS "cromt-agent doctor"', file.read())

    def hello(self, engine, image):
        """The archive's commands of docs/install.md, and a job."""
        lines = list(commands(section(page("docs/install.md"), "Other Linux systems"), "tar", "/opt/cromt/bin/cromt"))
        self.assertEqual(len(lines), 2)
        lines = [lines[0].replace("cromt-*", "/packages/cromt-*"), *lines[1:], "/opt/cromt/bin/cromt run /hello.yaml",
                 "/opt/cromt/bin/cromt-agent --version", "/opt/cromt/bin/cromt-coordinator --version", "/opt/cromt/bin/cromt-step --help | head -n 1",
                 "/opt/cromt/bin/cromt-git </dev/null || [ $? -ne 127 ]"]
        with open(self.folder + "/hello.yaml", "w", encoding="utf-8") as file:
            file.write(JOB)
        return engine.docker("run", "--rm", "--network", "none", "-v", f"{self.folder}:/packages:ro", "-v", f"{self.folder}/hello.yaml:/hello.yaml:ro",
                             image, "/bin/sh", "-ec", "mkdir -p /opt; " + "; ".join(lines))

    def test_programs_say_of_which_commit_they_are(self):
        for name in ("cromt", "cromt-agent", "cromt-coordinator", "cromt-launcher"):
            said = subprocess.run([os.path.join(BIN, name), "--version"], capture_output=True, text=True, check=True).stdout
            self.assertRegex(said, rf"^{name} {packages.VERSION} \([0-9a-f]{{10}}\+?\)\n$")

    def test_the_archive_runs_where_there_is_only_glibc_and_busybox(self):
        engine = Engine()
        self.addCleanup(engine.close)
        root = os.path.join(self.folder, "glibc")
        os.makedirs(root)
        subprocess.run(["tar", "-C", root, "-x"], input=busybox(applets=[*APPLETS, "tar", "gzip", "gunzip", "head", "hostname"]), check=True)
        for place in ("lib/x86_64-linux-gnu", "lib64"):
            os.makedirs(f"{root}/{place}")
        for name in GLIBC:
            shutil.copy(f"/lib/x86_64-linux-gnu/{name}", f"{root}/lib/x86_64-linux-gnu/")
        shutil.copy("/lib64/ld-linux-x86-64.so.2", f"{root}/lib64/")
        tar = subprocess.run(["tar", "-C", root, "-c", "."], check=True, capture_output=True).stdout
        engine.docker("import", "-", "glibc:1", data=tar)
        self.assertIn("hello from local", self.hello(engine, "glibc:1"))

    def test_the_archive_runs_on_a_newer_debian(self):
        engine = Engine()
        self.addCleanup(engine.close)
        engine.docker("import", debian.root(release=NEWER), "newer:1")
        self.assertIn("hello from local", self.hello(engine, "newer:1"))


if __name__ == "__main__":
    main()
