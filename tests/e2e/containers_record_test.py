#!/usr/bin/python3
"""Which image a container was made of is known for good: `show` says its digest, whatever was restarted meanwhile."""

import glob
import json
import os
import subprocess

from engine import Engine, busybox
from process import read_text, wait_for
from registry import Registry
from story import Story, main

ENGINE = None


def setUpModule():
    global ENGINE
    ENGINE = Engine()
    ENGINE.image("bb:1")


def tearDownModule():
    ENGINE.close()


def project(run, name="p", image="bb:1", more=""):
    return f"  {name}:\n    run: {run!r}\n    container: {{image: '{image}', network: none}}\n{more}"


class Recorded(Story):
    def setUp(self):
        super().setUp()
        self.mesh.environment["DOCKER_HOST"] = ENGINE.address

    def start_mesh(self):
        config = self.mesh.write("agent.yaml", "containers: {allow: ['container:box', root]}\n")
        self.host = self.mesh.start_agent("host", "--slots", "4", "--config", config)
        self.mesh.start_coordinator(local=self.host.address)

    def apply(self, *projects):
        self.mesh.apply("projects:\n" + "".join(projects))

    def workspace(self):
        """Of the task that runs, as the host sees it."""
        box = wait_for("its slot", lambda: subprocess.run(
            ["find", self.mesh.folder, "-name", "slot-*.box"], capture_output=True, check=False, text=True).stdout.split())[0]
        folder, slot = os.path.split(box[:-len(".box")])
        return os.path.join(folder, slot.replace("slot", "gate"), slot)

    def let_go(self):
        with open(os.path.join(self.workspace(), "go"), "w", encoding="utf-8"):
            pass

    def recorded(self, run, project="p", digest=None):
        """The task of the run has this digest; the task."""
        task = self.mesh.tasks(run)[project]
        self.assertEqual((task["image"], task["image_digest"]), ("bb:1", digest or ENGINE.image_id("bb:1")))
        return task


WAITS = "echo begun; until [ -e go ]; do sleep 0.05; done"


class OnAMesh(Recorded):
    def setUp(self):
        super().setUp()
        self.start_mesh()

    def test_it_is_shown_and_outlives_a_restart(self):
        self.apply(project("true"), "  q:\n    run: 'true'\n    before: [{name: p}]\n")
        self.succeeded(self.mesh.cromt("start", "q", "--wait"))
        for _ in range(2):
            self.recorded("last")
            self.assertNotIn("image", self.mesh.tasks("last")["q"])
            self.assertEqual(self.mesh.tasks("last")["p"]["container"]["network"], "none")
            done = self.mesh.cromt("show", "last", "p")
            self.says(done.out, "confined to bb:1, network none\n", f"image       {ENGINE.image_id('bb:1')}\n")
            self.says(self.mesh.cromt("show", "last").out, "bb:1, network none\n")
            self.mesh.coordinator.kill()
            self.mesh.coordinator.restart()

    def test_of_one_that_is_fetched_it_is_the_registrys(self):
        registry = Registry("team/tool", busybox())
        self.addCleanup(registry.close)
        image = registry.image + ":1"
        self.addCleanup(ENGINE.docker, "image", "rm", image)
        self.apply(project("echo here", image=image))
        done = self.mesh.cromt("start", "p", "--follow")
        self.succeeded(done)
        self.says(done.out, f"fetching the image {image}\n", "here\n")
        task = self.mesh.tasks("last")["p"]
        self.assertEqual((task["image"], task["image_digest"]), (image, f"{registry.image}@{registry.digest}"))

    def test_of_a_container_that_runs_already_it_is_that_ones(self):
        ENGINE.docker("run", "-d", "--network", "none", "--name", "box", "bb:1", "sleep", "1000")
        self.addCleanup(ENGINE.docker, "rm", "-f", "box")
        self.apply("  p:\n    run: 'true'\n    sparrowdo: {docker: box}\n")
        self.succeeded(self.mesh.cromt("start", "p", "--wait"))
        self.assertEqual(self.mesh.tasks("last")["p"]["image_digest"], ENGINE.image_id("bb:1"))
        self.says(self.mesh.cromt("show", "last", "p").out, "confined to box\n")

    def test_an_end_that_only_the_agents_journal_knows(self):
        self.apply(project(WAITS))
        run = self.mesh.start("p")
        wait_for("it has begun", lambda: "begun" in self.mesh.cromt("logs", run, "--raw").out)
        self.assertIsNone(self.mesh.tasks(run)["p"]["image_digest"])
        self.mesh.coordinator.kill()
        self.let_go()
        wait_for("its container is gone", lambda: not ENGINE.containers())
        wait_for("its slot is empty", lambda: not glob.glob(self.host.data_dir + "/work/*.box"))
        self.host.kill()
        self.host.restart()
        self.mesh.coordinator.restart()
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "succeeded")
        self.recorded(run)

    def test_one_that_was_killed_had_an_image_too(self):
        self.apply(project("echo begun; trap '' TERM; while true; do sleep 0.05; done", more="    timeout: 1s\n    grace: 0s\n"))
        run = self.mesh.start("p")
        self.mesh.wait_finished(run)
        self.assertEqual(self.recorded(run)["outcome"], "timed_out")

    def test_what_had_none_has_none(self):
        self.mesh.apply("projects:\n  p:\n    run: 'true'\n    container: {image: 'no-such:1', pull: never}\n")
        self.exited(1, self.mesh.cromt("start", "p", "--wait"))
        task = self.mesh.tasks("last")["p"]
        self.assertEqual((task["image"], task["image_digest"]), ("no-such:1", None))

    def test_a_rerun_tells_what_it_takes_over(self):
        self.apply(project("true"), project("exit 3", "q", more="    before: [{name: p}]\n"))
        self.exited(1, self.mesh.cromt("start", "q", "--wait"))
        was = ENGINE.image_id("bb:1")
        ENGINE.image("bb:1", {"other": "than before"})
        try:
            self.exited(1, self.mesh.cromt("rerun", "last", "--failed", "--wait"))
            self.says(self.recorded("last", "p", was)["reason"], "taken over from run ")
            self.assertNotEqual(self.recorded("last", "q")["image_digest"], was)
        finally:
            ENGINE.image("bb:1")


class Here(Recorded):
    """`cromt run`, which is coordinator and agent itself."""

    def kept(self):
        (task,) = json.loads(self.mesh.cromt("show", "last", "--local", "-o", "json").out)["tasks"]
        return task["image"], task["image_digest"]

    def test_it_is_kept_with_the_run(self):
        self.succeeded(self.mesh.cromt("run", self.mesh.write("jobs.yaml", "projects:\n" + project("true"))))
        self.assertEqual(self.kept(), ("bb:1", ENGINE.image_id("bb:1")))

    def test_it_is_there_after_a_resume(self):
        running = self.mesh.begin("run", self.mesh.write("jobs.yaml", "projects:\n" + project(WAITS)))
        wait_for("it has begun", lambda: "begun" in read_text(running.out_path))
        running.kill()
        running.wait()
        self.let_go()
        wait_for("its container is gone", lambda: not ENGINE.containers())
        self.succeeded(self.mesh.cromt("run", "--resume", "last"))
        self.assertEqual(self.kept(), ("bb:1", ENGINE.image_id("bb:1")))


if __name__ == "__main__":
    main()
