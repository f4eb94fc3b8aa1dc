#!/usr/bin/python3
"""From packages to a mesh on booted hosts: install, found, log in, invite, join, run; then one is upgraded amid a job, one is
rebooted, one cut off, one removed. The commands are those of docs/install.md and docs/mesh.md."""

import json
import re
import shutil
import tempfile
import unittest

import packages
from booted import Site
from docs_test import commands, page, section
from process import wait_for
from story import main

HOSTS = ("hosta", "hostb", "hostc")


def documented(document, title, **words):
    lines = commands(section(page(document), title), "apt-get", "systemctl", "cromt", "cromt-agent", "cromt-coordinator")
    for line in lines:
        for word, value in words.items():
            line = re.sub(rf"\b{word}\b", value, line)
        yield line


class Mesh(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="cromt-mesh-", dir="/var/tmp")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        packages.build(cls.folder + "/now", "deb")
        packages.variant(cls.folder + "/now", cls.folder + "/newer", "0.1.1")
        cls.site = Site({"/packages": cls.folder})
        cls.addClassCleanup(cls.site.close)
        cls.hosts = cls.site.boot(*HOSTS)
        cls.a, cls.b, cls.c = cls.hosts

    def cromt(self, line, check=True):
        return self.a.run("cromt " + line, check=check)

    def show(self, run):
        return json.loads(self.cromt(f"show {run} -o json").out)

    def finished(self, run):
        return wait_for("it has finished", lambda: (shown := self.show(run))["state"] == "finished" and shown)

    def begun(self, host):
        """A run of the long job on this host that has begun."""
        host.run("rm -f /tmp/begun /tmp/go")
        run = self.cromt(f"start long-{host.name} -o quiet").out.strip()
        wait_for("the job runs", lambda: host.run("test -e /tmp/begun", check=False).code == 0)
        return run

    def states(self):
        return {line["agent"] or line["address"]: line for line in map(json.loads, self.cromt("agents -o json").out.splitlines())}

    def test_1_install_found_and_join(self):
        for line in documented("docs/install.md", "The coordinator's host"):
            self.a.run("cd /packages/now && " + line)
        said = ""
        for line in documented("docs/mesh.md", "Found it"):
            said += self.a.run(line).out
        type(self).fingerprint = re.search(r"\b[0-9a-f]{64}\b", said).group()
        token = re.search(r"\bcromt_user_\w+", said).group()
        self.a.write("/srv/token.txt", token)
        known = {"COORDINATOR": "hosta", "FINGERPRINT": self.fingerprint}
        for line in documented("docs/mesh.md", "Log in", **known):
            self.a.run("cd /srv && " + line)
        self.assertEqual(self.a.run("stat -c '%U %a' /var/lib/cromt-coordinator/access/ca.key").out, "cromt 600\n")
        for host in self.hosts:
            for line in documented("docs/install.md", "A host that runs jobs"):
                host.run("cd /packages/now && " + line)
            self.join(host)
        for line in documented("docs/mesh.md", "Users"):
            self.a.run(line)
        jobs = "".join(f"  hello-{name}: {{run: echo hello from $(hostname), hosts: [{{url: 'http://{name}:4000'}}]}}\n"
                       f"  long-{name}: {{run: 'touch /tmp/begun; until [ -e /tmp/go ]; do sleep 0.1; done; echo went on', hosts: [{{url: 'http://{name}:4000'}}]}}\n"
                       for name in HOSTS)
        self.a.write("/srv/jobs.yaml", "projects:\n" + jobs)
        self.cromt("--conf /srv/jobs.yaml")
        for name in HOSTS:
            self.assertIn(f"hello from {name}", self.cromt(f"start hello-{name} --follow").out)
        for line in documented("docs/mesh.md", "Who did what"):
            self.a.run(line)

    def join(self, host):
        said = self.cromt(f"agents invite {host.name}").out
        host.write("/srv/token.txt", re.search(r"\bcromt_join_\w+", said).group())
        *_, line = documented("docs/mesh.md", "Let hosts join", COORDINATOR="hosta:4001", HOST=host.name, FINGERPRINT=self.fingerprint)
        self.assertIn(line.split(" --token-file")[0], said)
        joined = host.run("cd /srv && " + line)
        self.assertIn(f"ok: the coordinator reaches this host at {host.name}:4000", joined.out)
        self.assertTrue(host.active("cromt-agent"))

    def test_2_an_upgrade_amid_a_job(self):
        run = self.begun(self.b)
        there = self.b.run("dpkg-query -W -f '${Package}\\n' 'cromt*'").out.split()
        for line in documented("docs/install.md", "Upgrade"):
            self.b.run(line.replace("./cromt*_*.deb", " ".join(f"/packages/newer/{name}_0.1.1_amd64.deb" for name in there)))
        self.b.run("touch /tmp/go")
        self.assertEqual(self.finished(run)["outcome"], "succeeded")

    def test_3_a_reboot(self):
        self.b.restart()
        wait_for("it is back", lambda: self.states()["hostb"]["state"] == "up")
        self.assertIn("hello from hostb", self.cromt("start hello-hostb --follow").out)

    def test_4_a_partition_amid_a_job(self):
        run = self.begun(self.c)
        self.site.engine.docker("network", "disconnect", "hosts", "hostc")
        wait_for("it is seen to be gone", lambda: self.states()["hostc"]["state"] != "up")
        self.c.run("touch /tmp/go")
        self.site.engine.docker("network", "connect", "hosts", "hostc")
        self.assertEqual(self.finished(run)["outcome"], "succeeded")
        self.assertIn("went on", self.cromt(f"logs {run} --raw").out)

    def test_5_one_is_removed(self):
        self.cromt("agents remove hostc")
        wait_for("it is out", lambda: self.states().get("hostc", {}).get("state") != "up")
        run = self.cromt("start hello-hostc -o quiet").out.strip()
        wait_for("it says why", lambda: "no agent of this mesh has the name or address hostc:4000" in self.cromt("agents").out + self.cromt(f"why {run}").out)
        self.cromt(f"cancel {run}")
        for name in ("hosta", "hostb"):
            self.assertIn(f"hello from {name}", self.cromt(f"start hello-{name} --follow").out)


if __name__ == "__main__":
    main()
