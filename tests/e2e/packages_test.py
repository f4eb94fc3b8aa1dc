#!/usr/bin/python3
"""From packages to jobs on booted hosts: install, restart and upgrade amid a job, hang, reboot, go back, remove, purge.

The commands are those of docs/install.md, as they stand there. One story on two hosts, in the order of its tests.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import packages
from booted import Site
from docs_test import commands, page, section
from process import wait_for
from story import main

JOBS = """
projects:
  hello: {run: echo hello from $(hostname), hosts: [{url: 'http://hostb:4000'}]}
  long: {run: 'echo $$ >/tmp/pid; until [ -e /tmp/go ]; do sleep 0.1; done; echo went on; id -un', hosts: [{url: 'http://hostb:4000'}]}
  code:
    path: file:///srv/r.git
    run: cat greeting && mkdir made && id -un >made/by
    artifacts: {out: [{file: made, path: made}]}
    hosts: [{url: 'http://hostb:4000'}]
  greedy: {run: 'head -c 200M /dev/zero | tail -n 1', resources: {memory: 32MiB}, hosts: [{url: 'http://hostb:4000'}]}
"""
# What stands in for credentials between the hosts of the test.
OPEN_AGENT = "job_user: cromt-job\nlisten: 0.0.0.0:4000\ninsecure: true\n"
OPEN_COORDINATOR = "insecure: true\nallow_local_git: true\nagents: {hostb: 'hostb:4000'}\n"
UNITS = ("cromt-agent", "cromt-launcher", "cromt-coordinator")


def documented(title):
    return list(commands(section(page("docs/install.md"), title), "apt-get", "systemctl", "cromt-agent", "cromt", "journalctl", "tar"))


class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="cromt-packages-", dir="/var/tmp")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        packages.build(cls.folder + "/now", "deb")
        packages.variant(cls.folder + "/now", cls.folder + "/newer", "0.1.1")
        packages.variant(cls.folder + "/now", cls.folder + "/older", "0.0.9")
        cls.site = Site({"/packages": cls.folder})
        cls.addClassCleanup(cls.site.close)
        cls.a, cls.b = cls.site.boot("hosta", "hostb")

    def cromt(self, line, check=True):
        return self.a.run("cromt " + line, check=check)

    def show(self, run):
        return json.loads(self.cromt(f"show {run} -o json").out)

    def begun(self):
        """A run of the long job that has begun, and the pid of its shell."""
        self.b.run("rm -f /tmp/pid /tmp/go")
        run = self.cromt("start long -o quiet").out.strip()
        pid = wait_for("the job runs", lambda: self.b.run("cat /tmp/pid", check=False).out.strip())
        return run, int(pid)

    def finished(self, run):
        return wait_for("it has finished", lambda: (shown := self.show(run))["state"] == "finished" and shown)

    def lives(self, pid):
        return self.b.run(f"kill -0 {pid}", check=False).code == 0

    def test_1_install(self):
        for host, title in ((self.b, "A host that runs jobs"), (self.a, "The coordinator's host")):
            for line in documented(title):
                host.run("cd /packages/now && " + line)
        for unit in UNITS[:2]:
            self.assertTrue(self.b.active(unit), unit)
        for line in documented("The services"):
            if "stop" not in line:
                self.b.run(line)
        # The launcher has moved out of the group that it divides.
        self.assertIn("cromt-launcher.service/launcher", self.b.run(f"cat /proc/{self.b.pid('cromt-launcher')}/cgroup").out)
        self.a.run("test -S /run/cromt/coordinator.sock")
        self.assertEqual(self.a.run(f"stat -c %U /proc/{self.a.pid('cromt-coordinator')}").out.strip(), "cromt")

    def test_2_the_doctor(self):
        found = json.loads(self.b.run("cromt-agent doctor -o json").out)
        states = {check["check"]: check["state"] for check in found["checks"]}
        self.assertTrue(found["ok"], found)
        for name in ("programs", "data directory", "users", "launcher", "control groups", "port"):
            self.assertEqual(states[name], "ok", found)
        self.b.run("chmod 0777 /var/lib/cromt-agent")
        done = self.b.run("cromt-agent doctor", check=False)
        self.assertEqual(done.code, 1)
        self.assertIn("-> chmod 0711 /var/lib/cromt-agent", done.out)
        self.b.run("chmod 0711 /var/lib/cromt-agent")

    def test_3_a_job_on_another_host(self):
        self.b.write("/etc/cromt/agent.yaml", OPEN_AGENT)
        self.a.write("/etc/cromt/coordinator.yaml", OPEN_COORDINATOR)
        self.b.run("systemctl restart cromt-agent")
        self.a.run("systemctl restart cromt-coordinator")
        self.a.write("/srv/jobs.yaml", JOBS)
        self.cromt("--conf /srv/jobs.yaml")
        self.assertIn("hello from hostb", self.cromt("start hello --follow").out)

    def test_3a_a_job_out_of_a_repository(self):
        """Fetched by cromt-git, unpacked and published by the agent, all of which are confined as their units say."""
        tree = os.path.join(self.folder, "tree")
        os.mkdir(tree)
        with open(tree + "/greeting", "w", encoding="utf-8") as file:
            file.write("hello from a repository\n")
        for line in ("init -q -b main", "add greeting", "-c user.name=t -c user.email=t@example.org commit -q -m greeting", "clone -q --bare . ../r.git"):
            subprocess.run(["git", "-C", tree, *line.split()], check=True)
        self.a.run("cp -r /packages/r.git /srv/r.git && chown -R cromt: /srv/r.git")
        self.assertIn("hello from a repository", self.cromt("start code --follow").out)
        self.cromt("get last made --to /srv/made")
        self.assertEqual(self.a.run("cat /srv/made/by").out, "cromt-job\n")

    def test_4_a_job_that_is_out_of_memory_fails_alone(self):
        launcher = self.b.pid("cromt-launcher")
        shown = self.finished(self.cromt("start greedy -o quiet").out.strip())
        self.assertIn("out of memory", shown["tasks"][0]["reason"])
        self.assertEqual(self.b.pid("cromt-launcher"), launcher)

    def test_5_restart_crash_hang_and_upgrade_amid_a_job(self):
        run, pid = self.begun()
        launcher = self.b.pid("cromt-launcher")
        agents = [self.b.pid("cromt-agent")]

        def another_agent(by):
            wait_for(f"another agent by {by}", lambda: self.b.active("cromt-agent") and self.b.pid("cromt-agent") not in (0, *agents))
            agents.append(self.b.pid("cromt-agent"))
            self.assertTrue(self.lives(pid), by)

        self.b.run("systemctl restart cromt-agent")
        another_agent("restart")
        self.b.run("systemctl kill -s KILL cromt-agent")
        another_agent("crash")
        for host in (self.a, self.b):
            for line in documented("Upgrade"):
                # Of the packages that are there, as one would have them in the folder.
                there = " ".join(f"/packages/newer/{name}_0.1.1_amd64.deb" for name in self.installed(host))
                host.run(line.replace("./cromt*_*.deb", there))
        another_agent("upgrade")
        self.b.run("mkdir -p /run/systemd/system/cromt-agent.service.d && printf '[Service]\\nWatchdogSec=2s\\nTimeoutAbortSec=1s\\n' "
                   ">/run/systemd/system/cromt-agent.service.d/test.conf && systemctl daemon-reload && systemctl restart cromt-agent")
        another_agent("a shorter watchdog")
        self.b.run(f"kill -STOP {agents[-1]}")
        another_agent("watchdog")
        self.assertIn("Watchdog timeout", self.b.run("journalctl -u cromt-agent").out)
        self.assertEqual(self.b.pid("cromt-launcher"), launcher)
        self.b.run("touch /tmp/go")
        self.assertEqual(self.finished(run)["outcome"], "succeeded")
        self.assertIn("went on\ncromt-job\n", self.cromt(f"logs {run} --raw").out)
        # Now that it has no job, the launcher of before makes room for the new one.
        self.b.run("systemctl restart cromt-agent")
        wait_for("a new launcher", lambda: self.b.active("cromt-launcher") and self.b.pid("cromt-launcher") not in (0, launcher))
        self.assertIn("hello from hostb", self.cromt("start hello --follow").out)

    def installed(self, host):
        return host.run("dpkg-query -W -f '${Package}\\n' 'cromt*'").out.split()

    def test_6_the_journal_has_fields(self):
        said = [entry for entry in self.b.journal_fields("cromt-agent") if "CROMT_PROGRAM" in entry]
        self.assertTrue(said)
        self.assertEqual({(entry["CROMT_PROGRAM"], entry["SYSLOG_IDENTIFIER"]) for entry in said}, {("cromt-agent", "cromt-agent")})
        self.assertIn("CROMT_AGENT", said[0])

    def test_7_a_reboot(self):
        run, _ = self.begun()
        self.b.restart()
        wait_for("the agent is back", lambda: self.b.active("cromt-agent"))
        shown = self.finished(run)
        self.assertEqual(shown["tasks"][0]["outcome"], "lost")
        self.assertIn("hello from hostb", self.cromt("start hello --follow").out)

    def test_8_to_stop_the_launcher_is_to_stop_the_jobs(self):
        run, pid = self.begun()
        for line in documented("The services"):
            if "stop" in line:
                self.b.run(line)
        self.assertFalse(self.lives(pid))
        self.b.run("systemctl start cromt-agent")
        self.assertEqual(self.finished(run)["tasks"][0]["outcome"], "lost")

    def test_9_an_older_coordinator_is_refused_until_its_store_is_back(self):
        older = "apt-get install -y --allow-downgrades /packages/older/cromt-coordinator_0.0.9_amd64.deb"
        store = "/var/lib/cromt-coordinator/store.db"
        self.a.run("systemctl stop cromt-coordinator")
        schema = int(self.a.run(f"od -An -j60 -N4 -tu1 {store}").out.split()[3])
        # What an upgrade leaves that changes the store: the copy of before, and a store of another version.
        self.a.run(f"cp -p {store} {store}.v{schema} && printf '\\0\\0\\0\\{schema + 1:o}' | dd of={store} bs=1 seek=60 conv=notrunc")
        done = self.a.run(older, check=False)
        self.assertNotEqual(done.code, 0)
        said = done.out + done.err
        self.assertIn(f"knows stores up to schema version {schema}, and {store} has version {schema + 1}.", said)
        self.assertEqual(self.version("cromt-coordinator"), "0.1.1")
        (back,) = re.findall(r"(?m)^    (runuser .*)$", said)
        self.a.run(back)
        self.a.run(older)
        self.assertEqual(self.version("cromt-coordinator"), "0.0.9")
        self.a.run("systemctl start cromt-coordinator")
        self.assertIn("hello from hostb", self.cromt("start hello --follow").out)

    def version(self, package):
        return self.a.run(f"dpkg-query -W -f '${{Version}}' {package}").out

    def test_a_remove_and_purge(self):
        remove, purge = documented("Remove")
        for host in (self.a, self.b):
            there = self.installed(host)
            host.run(" ".join(word for word in remove.split() if not word.startswith("cromt") or word in there))
            for unit in UNITS:
                self.assertFalse(host.active(unit), unit)
        self.b.run("test -e /etc/cromt/agent.yaml -a -e /var/lib/cromt-agent/journal")
        for host in (self.a, self.b):
            there = self.installed(host)
            host.run(" ".join(word for word in purge.split() if not word.startswith("cromt") or word in there))
            left = host.run("find / -xdev -name 'cromt*' -not -path '/proc/*' -not -path '/sys/*' -not -path '/packages/*' -not -path '/tmp/*'").out
            self.assertEqual(left, "")


if __name__ == "__main__":
    main()
