"""A container that runs already, for jobs that run in it, and how it must look after them."""

import json

from engine import Engine
from process import wait_for
from story import Story


class Existing(Story):
    """One host whose agent lets jobs run in the container db1, which runs; all tests of a file share an engine."""

    engine = None

    config = "containers: {allow: ['container:db1', 'container:db2', root]}\n"
    flags = ()  # of that container

    @classmethod
    def begin(cls):
        """Before the first test of a file; `end` comes after the last."""
        cls.engine = Engine()
        cls.engine.image("bb:1", {"etc/passwd": "root:x:0:0::/root:/bin/sh\napp:x:1234:1235::/home/app:/bin/sh\n", "etc/group": "app:x:1235:\n"})

    @classmethod
    def end(cls):
        cls.engine.close()

    def setUp(self):
        super().setUp()
        self.mesh.environment["DOCKER_HOST"] = self.engine.address
        self.host = self.mesh.start_agent("host", "--slots", "4", "--config", self.mesh.write("agent.yaml", self.config))
        self.mesh.start_coordinator(local=self.host.address)
        self.addCleanup(self.remove_all)
        self.run_container("db1", *self.flags)

    def run_container(self, name, *flags):
        self.engine.docker("run", "-d", "--name", name, "--network", "none", "-e", "OWN=own value", "-e", "PATH=/bin", *flags, "bb:1",
                      "sh", "-c", "sleep 100000 & trap 'exit 0' TERM; wait")

    def remove_all(self):
        ids = [container["ID"] for container in self.engine.containers()]
        if ids:
            self.engine.docker("rm", "-f", *ids)

    def inside(self, *command, name="db1"):
        return self.engine.docker("exec", name, *command)

    def processes(self, name="db1"):
        """What runs in it, by command line, without us who look."""
        return sorted(line.split(None, 1)[1] for line in self.engine.docker("top", name, "-eo", "pid,args").splitlines()[1:])

    def is_as_it_was(self, name="db1"):
        """No process, file or exec of ours; its own are there."""
        own = ["sh -c sleep 100000 & trap 'exit 0' TERM; wait", "sleep 100000"]
        wait_for("only its own processes are left", lambda: self.processes(name) == own)
        wait_for("none of its files is left", lambda: "cromt" not in self.inside("ls", "-a", "/", name=name))
        execs = wait_for("no exec is left", lambda: self.engine.docker("inspect", name, "--format", "{{json .ExecIDs}}").strip() in ("null", "[]") and "none")
        self.assertEqual(execs, "none")

    def job(self, run, more="", container="db1"):
        self.mesh.apply(f"projects:\n  p:\n    run: {json.dumps(run)}\n    sparrowdo: {{docker: {container}}}\n{more}")

    def run_job(self, *arguments, **settings):
        self.job(*arguments, **settings)
        return self.mesh.cromt("start", "p", "--follow")

    def begun(self, *arguments, **settings):
        self.job(*arguments, **settings)
        identity = self.mesh.start("p")
        wait_for("it has begun", lambda: "begun" in self.mesh.cromt("logs", identity, "--raw").out)
        return identity

    def task(self, run="last"):
        (task,) = self.mesh.show(run)["tasks"]
        return task

    def refusal(self, *arguments, **settings):
        self.exited(1, self.run_job(*arguments, **settings))
        self.assertEqual(self.task()["exit_code"], 125)
        return self.task()["reason"]
