#!/usr/bin/python3
"""The article's examples with containers, as they are, on images that stand in for the real ones: what is missing there is
installed by `bootstrap`, or named. And an image that never comes."""

import io
import os
import shutil
import socket
import subprocess
import tarfile
import time

from engine import APPLETS, Engine, busybox
from mesh import SOURCE
from process import wait_for
from story import Story, main

ENGINE = None
ARTICLE = "https://github.com/melezhik/"
# What stands in for a package manager has the host's bash to install.
INSTALLS = """#!/bin/sh
echo "NAME $*"
case "$*" in *install*|add*|-S*) ;; *) exit 0;; esac
cat /package > /bin/bash
chmod 755 /bin/bash
"""


def image(name, files):
    """As Engine.image has it, with what its package manager can install."""
    archive = io.BytesIO(busybox(files, [*APPLETS, "chmod"]))
    bash = shutil.which("bash")
    needs = subprocess.run(["ldd", bash], capture_output=True, check=True, text=True).stdout.split()
    with tarfile.open(fileobj=archive, mode="a", dereference=True) as tar:
        tar.add(bash, "package")
        for library in needs:
            if library.startswith("/"):
                tar.add(library, library[1:])
    ENGINE.docker("import", "-", name, data=archive.getvalue())


def setUpModule():
    global ENGINE
    ENGINE = Engine()
    for name, manager in {"alpine": "apk", "debian": "apt-get", "archlinux": "pacman"}.items():
        image(name, {f"bin/{manager}": INSTALLS.replace("NAME", manager), "etc/os-release": f"ID={name}\n"})
    ENGINE.image("bare")
    ENGINE.image("broken", {"bin/dnf": "#!/bin/sh\necho no network >&2\nexit 7\n"})


def tearDownModule():
    ENGINE.close()


class OnStandIns(Story):
    def setUp(self):
        super().setUp()
        self.mesh.environment["DOCKER_HOST"] = ENGINE.address
        self.host = self.mesh.start_agent("host", "--config", self.mesh.write("agent.yaml", "containers: {allow: ['container:db1']}\n"))
        self.mesh.start_coordinator(local=self.host.address, rewrite={ARTICLE: self.mesh.start_git_server() + "/"})
        self.addCleanup(self.nothing_is_left)

    def nothing_is_left(self):
        wait_for("no container is left", lambda: not ENGINE.containers())


class Examples(OnStandIns):
    def start(self, name):
        self.succeeded(self.mesh.cromt("--conf", os.path.join(SOURCE, "tests", "data", "cromtit", name + ".yaml")))
        return self.mesh.cromt("start", name, "--follow")

    def test_docker(self):
        self.mesh.commit("Cromtit", {".tom/hello.raku": 'task-run "tasks/hello";\n', "tasks/hello/task.bash": ". /etc/os-release; echo hello from $ID\n"})
        done = self.start("docker")
        self.succeeded(done)
        self.says(done.out + done.err, "bootstrap: installing bash by apk\n", "apk add --no-cache bash\n", "hello from alpine\n")

    def test_rakusta(self):
        self.mesh.commit("rakusta", {
            ".tom/alpine-setup.raku": 'bash "apk add perl";\n',
            ".tom/build.raku": 'task-run "tasks/build";\n',
            "tasks/build/task.bash": ". /etc/os-release; echo building on $ID; sleep 0.2\n",
        })
        done = self.start("rakusta")
        self.succeeded(done)
        self.says(done.out + done.err, "installing bash by apk\n", "installing bash by apt-get\n", "installing bash by pacman\n",
                  "apk add perl\n", "apt-get update\n", "apt-get install -y --no-install-recommends bash\n",
                  "building on alpine\n", "building on debian\n", "building on archlinux\n")
        tasks = self.mesh.show("last")["tasks"]
        self.assertEqual([task["name"] for task in tasks], ["alpine build", "debian build", "archlinux build"])
        for before, after in zip(tasks, tasks[1:]):
            self.assertLessEqual(before["finished_at"], after["started_at"])


class Missing(OnStandIns):
    def run_in(self, container, code, more=""):
        self.mesh.apply(f"projects:\n  p:\n    path: {ARTICLE}repo.git\n    action: first go\n    container: {{{container}, network: none}}\n{more}")
        done = self.mesh.cromt("start", "p", "--follow")
        self.exited(code, done)
        return done.out + done.err

    def test_an_interpreter_that_is_missing_is_named_before_anything_runs(self):
        self.mesh.commit("repo", {".tom/first.sh": "echo first\n", ".tom/go.raku": 'task-run "tasks/a"; if os() eq "nowhere" { task-run "tasks/b"; }\ntask-run "tasks/c";\n',
                                  "tasks/a/task.sh": "echo began\n", "tasks/b/task.rb": "puts 1\n", "tasks/c/task.py": "print(1)\n"})
        said = self.run_in("image: bare", 1)
        self.says(said, "first\n", "tasks/c/task.py needs python3, which this container does not have: put the package python3 into its image")
        self.assertNotIn("began", said)
        self.mesh.commit("repo", {"tasks/c/task.py": "", "tasks/c/task.bash": "echo $((1+1)) from bash\n"})
        os.unlink(self.mesh.path("trees", "repo", "tasks", "c", "task.py"))
        self.mesh.commit("repo", {})
        said = self.run_in("image: bare", 1)
        self.says(said, "tasks/c/task.bash needs bash, which this container does not have: write 'bootstrap: true', or put the package bash into its image")
        self.assertNotIn("began", said)
        self.says(self.run_in("image: debian, bootstrap: true", 0), "first\n", "began\n", "2 from bash\n")
        self.says(self.run_in("image: bare, bootstrap: true", 1), "there is no bash in this container, and none of apt-get, apk, dnf, yum, zypper and pacman")
        said = self.run_in("image: broken, bootstrap: true", 1)
        self.says(said, "no network\n", "there is no bash in this container, and dnf can't install it")
        self.assertNotIn("first", said)

    def test_a_script_of_its_own_and_a_container_that_runs(self):
        self.mesh.apply('projects:\n  p:\n    run: |\n      #!/bin/bash\n      echo from a script\n    sparrowdo: {docker: archlinux, bootstrap: true}\n')
        done = self.mesh.cromt("start", "p", "--follow")
        self.succeeded(done)
        self.says(done.out, "pacman -Sy --noconfirm bash\n", "from a script\n")
        ENGINE.docker("run", "-d", "--name", "db1", "--network", "none", "alpine", "sleep", "100000")
        try:
            self.mesh.commit("repo", {".tom/go.bash": "echo from bash\n"})
            self.mesh.apply(f"projects:\n  p:\n    path: {ARTICLE}repo.git\n    action: go\n    sparrowdo: {{docker: db1}}\n")
            done = self.mesh.cromt("start", "p", "--follow")
            self.exited(1, done)
            self.says(done.out + done.err, "go.bash needs bash, which this container does not have")
            self.mesh.apply(f"projects:\n  p:\n    path: {ARTICLE}repo.git\n    action: go\n    sparrowdo: {{docker: db1, bootstrap: true}}\n")
            done = self.mesh.cromt("start", "p", "--follow")
            self.succeeded(done)
            self.says(done.out, "apk add --no-cache bash\n", "from bash\n")
            self.assertNotIn("apk add", self.mesh.cromt("start", "p", "--follow").out)  # it is there now
        finally:
            ENGINE.docker("rm", "-f", "db1")


class Stalled(OnStandIns):
    """A registry that takes calls and says nothing."""

    def setUp(self):
        super().setUp()
        self.registry = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.registry.close)

    def begin(self, more):
        image = f"127.0.0.1:{self.registry.getsockname()[1]}/stalled:1"
        self.mesh.apply(f"projects:\n  p:\n    run: echo began\n    container: {{image: '{image}'}}\n{more}")
        return self.mesh.start("p")

    def ended(self, run, since):
        self.mesh.wait_finished(run)
        (task,) = self.mesh.show(run)["tasks"]
        self.assertLess(time.monotonic() - since, 8)  # of 30 s of grace
        return task["outcome"]

    def test_a_cancel_and_a_timeout_end_it_well_within_the_grace(self):
        run = self.begin("    grace: 30s\n")
        wait_for("the engine asks", lambda: "fetching the image" in self.mesh.cromt("logs", run, "--raw").out)
        self.registry.accept()
        since = time.monotonic()
        self.succeeded(self.mesh.cromt("cancel", run))
        self.assertEqual(self.ended(run, since), "canceled")
        since = time.monotonic()
        self.assertEqual(self.ended(self.begin("    grace: 30s\n    timeout: 1s\n"), since), "timed_out")


if __name__ == "__main__":
    main()
