#!/usr/bin/python3
"""A job file that lives in Git: followed, refused, followed again."""

import json
import os

from mesh import BIN
from process import wait_for
from story import Story, main

URL = "https://forge.example/ops.git"
FILE = URL + ":mesh/jobs.yaml"


class ProjectsFrom(Story):
    def setUp(self):
        super().setUp()
        self.mesh.start_git_server()
        self.rewrite = {"https://forge.example/": self.mesh.git_url + "/"}

    def push(self, text, path="mesh/jobs.yaml"):
        return self.mesh.commit("ops", {path: text})

    def start(self, **settings):
        self.mesh.start_all("a", rewrite=self.rewrite, projects_from={"url": URL, "ref": "main", "file": "mesh/jobs.yaml",
                                                                     "poll_interval": "1s", **settings})

    def projects(self):
        done = self.mesh.cromt("projects", "-o", "json")
        self.succeeded(done)
        return [json.loads(line) for line in done.out.splitlines()], done.err

    def has(self, *names):
        wait_for(f"there are {names}", lambda: {one["name"] for one in self.projects()[0]} == set(names))

    def test_it_is_applied_followed_and_a_bad_one_changes_nothing(self):
        first = self.push("projects: {hello: {run: echo one}}\n")
        self.start()
        self.has("hello")
        (project,), notices = self.projects()
        self.assertEqual((project["file"], notices), (FILE, ""))
        self.succeeded(self.mesh.cromt("start", "hello", "--wait"))

        bad = self.push("projects:\n  hello: {runn: echo two}\n")
        wait_for("that is said", lambda: bad[:12] in self.projects()[1])
        projects, notices = self.projects()
        self.assertEqual([one["name"] for one in projects], ["hello"])
        self.says(notices, f"the job file {FILE} at commit {bad[:12]} is refused, and what was applied before stays",
                  FILE + ":2:11: error: ", "runn")
        self.says(self.mesh.coordinator.log(), f"at commit {bad[:12]} is refused")
        self.succeeded(self.mesh.cromt("start", "hello", "--wait"))
        self.assertEqual(self.mesh.coordinator.log().count("is refused"), 1)  # said once, not at each look

        good = self.push("projects: {hello: {run: echo three}, more: {run: echo}}\n")
        self.has("hello", "more")
        wait_for("all is well", lambda: self.projects()[1] == "")
        done = self.mesh.cromt("history", "-o", "json")
        self.assertEqual([one["author"] for one in map(json.loads, done.out.splitlines())],
                         [f"git {good[:12]}", f"git {first[:12]}"])

        # The next coordinator finds the same, and makes no revision of it.
        self.mesh.coordinator.kill()
        self.mesh.start_coordinator(rewrite=self.rewrite, projects_from={"url": URL, "file": "mesh/jobs.yaml", "poll_interval": "1s"})
        last = self.push("projects: {hello: {run: echo four}, more: {run: echo}}\n")
        wait_for("it is followed", lambda: f"git {last[:12]}" in self.mesh.cromt("history").out)
        self.assertEqual(len(self.mesh.cromt("history", "-o", "json").out.splitlines()), 3)

    def test_what_is_not_there_is_said_until_it_is(self):
        self.push("", "README.md")
        self.start()
        wait_for("that is said", lambda: "there is no file 'mesh/jobs.yaml' in it" in self.projects()[1])
        self.push("projects: {hello: {run: echo}}\n")
        self.has("hello")

    def test_a_server_that_is_down_is_said_and_found_again(self):
        self.mesh.start_all("a", rewrite={"https://forge.example/": "http://127.0.0.1:9/"},
                            projects_from={"url": URL, "poll_interval": "1s"})
        wait_for("that is said", lambda: "can't be looked at" in self.projects()[1])
        self.says(self.projects()[1], URL + ":jobs.yaml", "what was applied last stays")

    def test_a_wrong_configuration_is_refused(self):
        for settings, says in (({"ref": "main"}, "'projects_from' has no 'url'"), ({"url": URL, "file": "../x"}, "projects_from.file"),
                               ({"url": URL, "poll_interval": "soon"}, "projects_from.poll_interval"), ({"uri": URL}, "uri")):
            with self.subTest(settings):
                self.mesh.write_config(projects_from=settings)
                done = self.mesh.cromt("--config", self.mesh.path("mesh.yaml"), "--data-dir", self.mesh.path("other"),
                                       program=os.path.join(BIN, "cromt-coordinator"))
                self.exited(2, done)
                self.says(done.err, says)


if __name__ == "__main__":
    main()
