#!/usr/bin/python3
"""The article's examples, as its readers would run them: its files unchanged, its repositories over http."""

import os

from mesh import EXAMPLES
from process import read_text
from story import Story, main

ARTICLE = "https://github.com/melezhik/"


def example(name):
    return os.path.join(EXAMPLES, name)


class Hello(Story):
    """hello.yaml: one job on three hosts."""

    def setUp(self):
        super().setUp()
        self.first_commit = self.mesh.commit("myjobs", "myjobs")
        self.mesh.start_all("hostA", "hostB", "hostC", rewrite={ARTICLE: self.mesh.start_git_server() + "/"})
        self.succeeded(self.mesh.cromt("--conf", example("hello.yaml")))

    def test_each_host_says_hello_with_its_own_letter(self):
        followed = self.mesh.cromt("start", "job1", "--follow")
        self.succeeded(followed)
        for letter in "ABC":
            before, _, _ = followed.out.partition(f":: Hello worker  {letter}!\n")
            self.assertNotEqual(before, followed.out, f"no hello of {letter}:\n{followed.out}")
            header = [line for line in before.splitlines() if line.startswith("==>")][-1]
            self.assertEqual(header, f"==> job1 on host{letter} <==")

        logs = self.mesh.cromt("logs", "last")
        self.succeeded(logs)
        self.says(logs.out, "[task run: task.bash - tasks/hello]", "[task stdout]")
        for letter in "ABC":
            self.assertRegex(logs.out, rf"\d\d:\d\d:\d\d :: Hello worker  {letter}!")

    def test_show_tells_the_run_as_the_pages_promise(self):
        self.succeeded(self.mesh.cromt("start", "job1", "--wait"))
        run = self.mesh.show("last")
        self.assertEqual(set(run), {"id", "project", "state", "outcome", "trigger", "commit", "created_at", "started_at",
                                    "finished_at", "instances", "tasks"})
        self.assertEqual((run["project"], run["state"], run["outcome"], run["trigger"], run["commit"]),
                         ("job1", "finished", "succeeded", "manual", self.first_commit))
        self.assertEqual([(i["project"], i["needs"]) for i in run["instances"]], [("job1", [])])
        self.assertEqual([task["host"] for task in run["tasks"]], ["hostA", "hostB", "hostC"])
        for task in run["tasks"]:
            self.assertEqual(set(task), {"id", "instance", "name", "project", "host", "state", "outcome", "reason", "exit_code",
                                         "attempt", "queued_at", "started_at", "finished_at"})
            self.assertEqual((task["name"], task["state"], task["outcome"], task["exit_code"], task["attempt"]),
                             ("job1", "finished", "succeeded", 0, 1))
            self.assertRegex(task["started_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
            self.assertLessEqual(task["started_at"], task["finished_at"])

    def test_the_next_run_has_the_newest_commit_and_the_last_one_keeps_its_own(self):
        self.succeeded(self.mesh.cromt("start", "job1", "--wait"))
        second_commit = self.mesh.commit("myjobs", {"tasks/hello/task.bash": 'echo "Good evening " $(config worker)\n'})
        followed = self.mesh.cromt("start", "job1", "--follow")
        self.succeeded(followed)
        self.says(followed.out, "Good evening  A", "Good evening  B", "Good evening  C")
        self.assertEqual(self.mesh.show("last")["commit"], second_commit)
        listed = self.mesh.cromt("runs", "-o", "json").out.splitlines()
        self.assertEqual(len(listed), 2, listed)


class Dependencies(Story):
    """dependencies.yaml: the application needs a database, which needs a network."""

    def setUp(self):
        super().setUp()
        for repository in ("application", "database", "network"):
            self.mesh.commit(repository, repository)
        self.mesh.start_all("app", "database", "infra", rewrite={ARTICLE: self.mesh.start_git_server() + "/"})
        self.succeeded(self.mesh.cromt("--conf", example("dependencies.yaml")))

    def test_the_chain_runs_from_its_end(self):
        followed = self.mesh.cromt("start", "jobA", "--follow")
        self.succeeded(followed)
        order = [followed.out.index(text) for text in ("Network is up", "Database is up", "Application is up")]
        self.assertEqual(order, sorted(order))
        tasks = self.mesh.tasks("last")
        self.assertEqual([tasks[name]["host"] for name in ("jobC", "jobB", "jobA")], ["infra", "database", "app"])
        self.assertLessEqual(tasks["jobC"]["finished_at"], tasks["jobB"]["started_at"])
        self.assertLessEqual(tasks["jobB"]["finished_at"], tasks["jobA"]["started_at"])

    def test_a_failure_at_its_end_skips_the_rest_and_is_named(self):
        self.mesh.commit("network", {"tasks/deploy/task.bash": "echo no cable; exit 7\n"})
        waited = self.mesh.cromt("start", "jobA", "--wait")
        self.exited(1, waited)
        run = self.mesh.show("last")
        self.assertEqual(run["outcome"], "failed")
        tasks = {task["name"]: task for task in run["tasks"]}
        self.assertEqual((tasks["jobC"]["outcome"], tasks["jobC"]["exit_code"]), ("failed", 7))
        for name in ("jobB", "jobA"):
            self.assertEqual((tasks[name]["outcome"], tasks[name]["started_at"]), ("skipped", None))
            self.says(tasks[name]["reason"], "jobC")
        self.says(self.mesh.cromt("logs", "last").out, "no cable", "task exit status: 7")


class Examples(Story):
    def test_the_articles_files_are_still_as_it_prints_them(self):
        printed = os.path.join(os.path.dirname(EXAMPLES), "tests", "data", "cromtit", "article")
        for name in ("hello.yaml", "dependencies.yaml", "myjobs/.tom/hello.raku", "myjobs/tasks/hello/task.bash"):
            self.assertEqual(read_text(example(name)), read_text(os.path.join(printed, name)), name)


if __name__ == "__main__":
    main()
