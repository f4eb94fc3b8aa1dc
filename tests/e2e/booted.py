"""Hosts with a systemd of their own, booted from a Debian root in a container engine of the test's, on one network.

What is in the image is what a fresh Debian server has, and what the packages depend on: there is no mirror to ask.
"""

import json
import os
import subprocess

import debian
from engine import Engine
from process import wait_for

PACKAGES = ("systemd", "systemd-sysv", "dbus", "libssl3", "zlib1g", "libcurl4", "libgit2-1.5")
IMAGE = "booted:1"
NETWORK = "hosts"
# A container's own cgroups are mounted read-only; a host's are not.
BOOT = "for d in /sys/fs/cgroup /sys/fs/cgroup/*; do mount -o remount,rw $d 2>/dev/null || mount -o remount,bind,rw $d; done; exec /sbin/init"


class Site:
    """An engine with an image, and the hosts that were booted of it; close() ends all of it."""

    def __init__(self, mounts=None):
        """`mounts`: folder on the host → folder here, which it may only read."""
        self.mounts = mounts or {}
        self.hosts = {}
        self.engine = Engine()
        try:
            self.engine.network(NETWORK)
            self.engine.docker("import", debian.root(PACKAGES), IMAGE)
        except BaseException:
            self.engine.close()
            raise

    def boot(self, *names):
        """Booted hosts of these names, by which they know each other."""
        for name in names:
            volumes = [word for there, here in self.mounts.items() for word in ("-v", f"{here}:{there}:ro")]
            self.engine.docker("run", "-d", "--name", name, "--hostname", name, "--network", NETWORK, "--cap-add", "SYS_ADMIN",
                               "--cap-add", "SYS_PTRACE", "--security-opt", "seccomp=unconfined", "--cgroupns", "private", "--tmpfs", "/run", "--tmpfs", "/run/lock",
                               "--tmpfs", "/tmp:exec", "-e", "container=docker", "--stop-signal", "SIGRTMIN+3", *volumes, IMAGE, "/bin/sh", "-c", BOOT)
            self.hosts[name] = Host(self.engine, name)
        for name in names:
            self.hosts[name].wait_booted()
        return [self.hosts[name] for name in names]

    def close(self):
        self.engine.close()


class Host:
    def __init__(self, engine, name):
        self.engine = engine
        self.name = name

    def wait_booted(self):
        # "degraded" is up, too: some unit of a server has nothing to do in a container.
        wait_for(f"{self.name} is booted", lambda: self.run("systemctl is-system-running", check=False).out.strip() in ("running", "degraded"))

    def run(self, line, check=True, timeout=120):
        """A command line of root's; AssertionError unless it succeeds, if `check`."""
        done = subprocess.run(["docker", "exec", self.name, "/bin/bash", "-c", line], capture_output=True, text=True, check=False, timeout=timeout,
                              stdin=subprocess.DEVNULL, env={**os.environ, "DOCKER_HOST": self.engine.address})
        result = Result(line, done)
        if check and result.code != 0:
            raise AssertionError(f"on {self.name}: {result}\n{self.journal()}")
        return result

    def write(self, path, text):
        subprocess.run(["docker", "exec", "-i", self.name, "/bin/sh", "-c", f"mkdir -p $(dirname {path}); cat > {path}"], input=text, text=True,
                       check=True, env={**os.environ, "DOCKER_HOST": self.engine.address})

    def unit(self, name, *properties):
        """Properties of a unit, by name."""
        text = self.run(f"systemctl show {name} " + " ".join(f"-p {one}" for one in properties)).out
        return dict(line.split("=", 1) for line in text.splitlines())

    def pid(self, unit):
        return int(self.unit(unit, "MainPID")["MainPID"])

    def active(self, unit):
        return self.run(f"systemctl is-active {unit}", check=False).out.strip() == "active"

    def journal(self, unit="", lines=60):
        return self.run(f"journalctl --no-pager -n {lines}" + (f" -u {unit}" if unit else " -u 'cromt-*'"), check=False).out

    def journal_fields(self, unit):
        return [json.loads(line) for line in self.run(f"journalctl -o json -u {unit}").out.splitlines()]

    def restart(self):
        """The host as a whole, as by its button: nothing has time to end."""
        self.engine.docker("kill", self.name)
        self.engine.docker("start", self.name)
        self.wait_booted()


class Result:
    """A command that has ended on a host."""

    def __init__(self, line, done):
        self.line = line
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    def __str__(self):
        return f"$ {self.line}\nexit {self.code}\n--- stdout\n{self.out}--- stderr\n{self.err}"
