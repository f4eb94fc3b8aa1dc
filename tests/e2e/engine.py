"""A container engine of the test's own: dockerd with its data in a folder, and images made of busybox.

No registry is asked: what is not imported here is not there.
"""

import io
import json
import os
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile

from process import wait_for

APPLETS = "sh cat echo env id kill ls mkdir mkfifo pwd rm seq sleep test touch tr true wc yes dd ps nc wget setsid nohup".split()


def busybox(files=None, applets=None):
    """The tar of a root with nothing else, and `files`: path → text."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add("/bin/busybox", "bin/busybox")
        for applet in applets if applets is not None else APPLETS:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        for path, text in {"etc/passwd": "root:x:0:0::/root:/bin/sh\n", "tmp/.keep": "", **(files or {})}.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(text.encode()), 0o755 if text.startswith("#!") else 0o644
            tar.addfile(entry, io.BytesIO(text.encode()))
    return archive.getvalue()


class Engine:
    """Running; close() ends it with all its containers."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="engine-", dir="/tmp")  # a socket's path must be short
        self.socket = os.path.join(self.folder, "docker.sock")
        self.address = "unix://" + self.socket
        self.runtime = self.process = None
        self.networks = []
        try:
            self._prepare()
            self.start()
        except BaseException:
            self._end()
            raise

    def _prepare(self):
        # Apart from the engine, as packages have it: so that containers outlive a restart of it.
        self.runtime = self._begin("containerd", "--address", self.folder + "/containerd.sock", "--root", self.folder + "/root",
                                   "--state", self.folder + "/state", "--config", "/dev/null")

    def _command(self):
        return ("dockerd", "-H", self.address, "--containerd", self.folder + "/containerd.sock",
                "--data-root", self.folder + "/data", "--exec-root", self.folder + "/exec", "-p", self.folder + "/pid",
                "--iptables=false", "--bridge=none", "--live-restore", "--default-ulimit", "nofile=20000:20000")

    def _begin(self, *command):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=self._environment())

    def _environment(self):
        return os.environ

    def start(self):
        self.process = self._begin(*self._command())
        wait_for("the engine answers", self._answers)

    def stop(self, kill=False):
        self.process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        self.process.wait()

    def log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def _answers(self):
        if self.process.poll() is not None:
            raise RuntimeError("the engine ended:\n" + self.log()[-3000:])
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(self.socket) == 0

    def docker(self, *arguments, data=None):
        done = subprocess.run(["docker", *arguments], input=data, capture_output=True, check=False,
                              env={**os.environ, "DOCKER_HOST": self.address})
        if done.returncode != 0:
            raise RuntimeError(f"docker {' '.join(arguments)}: {done.stderr.decode()}")
        return done.stdout.decode()

    def network(self, name):
        """Made, and gone with the engine."""
        self.docker("network", "create", name)
        self.networks.append(name)

    def image(self, name, files=None, applets=None):
        """Busybox as `name`, with `files` besides: path → text, to be executed where it begins with #!."""
        self.docker("import", "-", name, data=busybox(files, applets))

    def image_id(self, name):
        return self.docker("image", "inspect", "--format", "{{.Id}}", name).strip()

    def containers(self):
        """All there are, also those that have ended."""
        return [json.loads(line) for line in self.docker("ps", "-a", "--format", "{{json .}}").splitlines()]

    def volumes(self):
        return self.docker("volume", "ls", "-q").split()

    def close(self):
        try:
            if self.process.poll() is None:
                ids = self.docker("ps", "-aq").split()
                if ids:
                    self.docker("rm", "-f", "-v", *ids)
                # The bridge of one would outlive the engine, and its addresses be taken.
                if self.networks:
                    self.docker("network", "rm", *self.networks)
        finally:
            self._end()

    def _end(self):
        for process in (self.process, self.runtime):
            if process:
                process.terminate()
                process.wait()
        # What it has mounted and left, its data over itself for one.
        with open("/proc/self/mounts", encoding="utf-8") as file:
            mounted = [line.split()[1] for line in file]
        for place in sorted((place for place in mounted if place.startswith(self.folder + "/")), reverse=True):
            subprocess.run(["umount", "--lazy", place], check=True)
        shutil.rmtree(self.folder)


# runc, but nothing is asked for of the limits of a machine's root, who may have less of them here.
RUNTIME = """#!/usr/bin/python3
import json, os, sys
if "create" in sys.argv:
    path = os.path.join(sys.argv[sys.argv.index("--bundle") + 1], "config.json")
    with open(path) as file:
        config = json.load(file)
    config["process"]["rlimits"] = []
    with open(path, "w") as file:
        json.dump(config, file)
os.execvp("runc", ["runc", *sys.argv[1:]])
"""


class Podman(Engine):
    """Podman's service, which speaks Docker's language. Without systemd, since tests run where there is none."""

    def _prepare(self):
        runtime = os.path.join(self.folder, "runtime")
        for path, text in ((runtime, RUNTIME), (self.folder + "/containers.conf", f"""
[engine]
runtime = "plain"
cgroup_manager = "cgroupfs"
events_logger = "file"
[engine.runtimes]
plain = ["{runtime}"]
""")):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        os.chmod(runtime, 0o755)

    def _environment(self):
        return {**os.environ, "CONTAINERS_CONF": self.folder + "/containers.conf"}

    def _command(self):
        return ("podman", "--root", self.folder + "/data", "--runroot", self.folder + "/run", "--tmpdir", self.folder + "/tmp",
                "--storage-driver", "vfs", "system", "service", "--time", "0", self.address)
