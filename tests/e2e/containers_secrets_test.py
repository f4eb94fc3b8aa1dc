#!/usr/bin/python3
"""Secrets of jobs in containers: they get there, and the engine knows nothing of them."""

import os

from engine import Engine, busybox
from process import read_text, wait_for
from registry import Registry
from story import Story, main

ENGINE = None
VALUE = "hunter22/with+odd=letters"


def setUpModule():
    global ENGINE
    ENGINE = Engine()
    ENGINE.image("bb:1")


def tearDownModule():
    ENGINE.close()


class Containers(Story):
    def setUp(self):
        super().setUp()
        self.mesh.environment["DOCKER_HOST"] = ENGINE.address
        config = self.mesh.write("agent.yaml", "containers: {allow: ['container:own', root]}\n")
        self.host = self.mesh.start_agent("host", "--slots", "4", "--config", config)
        self.mesh.start_coordinator(local=self.host.address)
        self.succeeded(self.mesh.cromt("secrets", "set", "db", "--project", "p", typed=VALUE))

    def job(self, run, container, secrets="[{name: db, env: DB}, {name: db, file: key}]", key="container"):
        self.mesh.apply(f"projects:\n  p:\n    run: {run!r}\n    secrets: {secrets}\n    {key}: {{{container}}}\n")

    def test_a_fresh_one(self):
        self.job('echo "got $DB"; [ "$DB" = "$(cat $CROMT_SECRETS/key)" ] && echo same; echo $CROMT_SECRETS; '
                 'until [ -e /workspace/gate ]; do sleep 1; done', "image: bb:1, network: none")
        run = self.mesh.start("p")
        wait_for("it prints", lambda: "same" in self.mesh.cromt("logs", run, "--raw").out)
        (container,) = (one["ID"] for one in ENGINE.containers())
        self.assertNotIn(VALUE, ENGINE.docker("inspect", container))
        self.assertEqual(self.mesh.cromt("logs", run, "--raw").out, "got ***\nsame\n/.cromt/secrets\n")
        ENGINE.docker("exec", container, "touch", "/workspace/gate")
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "succeeded")
        wait_for("nothing of it is left", lambda: VALUE not in "".join(
            read_text(os.path.join(place, name)) for place, _, names in os.walk(self.mesh.path("host", "work")) for name in names))

    def test_as_another_user(self):
        self.job('cat $CROMT_SECRETS/key; echo; echo $DB; id -u', "image: bb:1, network: none, user: '1234:1234'")
        self.succeeded(self.mesh.cromt("start", "p", "--wait"))
        self.assertEqual(self.mesh.cromt("logs", "last", "--raw").out, "***\n***\n1234\n")

    def test_one_that_runs_already(self):
        ENGINE.docker("run", "-d", "--rm", "--name", "own", "--network", "none", "bb:1", "sleep", "1000")
        self.addCleanup(lambda: ENGINE.docker("rm", "-f", "own"))
        self.job("echo $DB", "docker: own", "[{name: db, env: DB}]", "sparrowdo")
        self.succeeded(self.mesh.cromt("start", "p", "--wait"))
        self.assertEqual(self.mesh.cromt("logs", "last", "--raw").out, "***\n")
        self.assertNotIn(VALUE, ENGINE.docker("inspect", "own"))
        self.job("true", "docker: own", "[{name: db, file: key}]", "sparrowdo")
        self.exited(1, self.mesh.cromt("start", "p", "--wait"))
        said = self.mesh.show("last")["tasks"][0]["reason"] + self.mesh.cromt("logs", "last", "--raw").out
        self.says(said, "no files of secrets can be put into one that runs")


class Registries(Story):
    """An image that only who is logged in may fetch."""

    LOGIN = "robot:pull-%42-secret"

    def setUp(self):
        super().setUp()
        self.registry = Registry("private", busybox(), self.LOGIN)
        self.addCleanup(self.registry.close)
        self.mesh.environment["DOCKER_HOST"] = ENGINE.address

    def begin(self, config=""):
        self.host = self.mesh.start_agent("host", "--config", self.mesh.write("agent.yaml", config))
        self.mesh.start_coordinator(local=self.host.address)

    def fetch(self, secrets=""):
        """A job whose image is fetched anew."""
        self.mesh.apply(f"projects:\n  p:\n    run: echo ran\n{secrets}    container: {{image: '{self.registry.image}:1', pull: always, network: none}}\n")
        return self.mesh.cromt("start", "p", "--follow")

    def test_by_a_secret_of_the_job(self):
        self.begin()
        self.exited(1, self.fetch())
        self.says(self.mesh.show("last")["tasks"][0]["reason"] + self.mesh.cromt("logs", "last").out, "can't be fetched")
        self.assertGreater(self.registry.refused, 0)
        uses = f"    secrets: [{{name: login, registry: '{self.registry.host}'}}]\n"
        self.succeeded(self.mesh.cromt("secrets", "set", "login", "--project", "p", typed=self.LOGIN + "\n"))
        done = self.fetch(uses)
        self.succeeded(done)
        self.says(done.out, "ran\n")
        for value in (self.LOGIN, self.LOGIN.split(":")[1]):
            self.assertNotIn(value, done.out + done.err)
        self.succeeded(self.mesh.cromt("secrets", "set", "login", "--project", "p", typed="no-colon-in-it\n"))
        self.exited(1, self.fetch(uses))
        self.says(self.mesh.show("last")["tasks"][0]["reason"], "does not hold USER:PASSWORD")

    def test_by_what_the_agent_has(self):
        file = self.mesh.write("registry-login", self.LOGIN + "\n")
        self.begin(f"containers: {{registries: {{'{self.registry.host}': {file}}}}}\n")
        self.succeeded(self.fetch())

    def test_a_login_without_a_container_is_a_mistake(self):
        self.begin()
        self.mesh.apply("projects:\n  p:\n    run: echo ran\n    secrets: [{name: login, registry: r.example}]\n")
        done = self.mesh.cromt("start", "p")
        self.exited(2, done)
        self.says(done.err, "there is no container")


if __name__ == "__main__":
    main()
