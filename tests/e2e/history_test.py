#!/usr/bin/python3
"""What applying a file changes, and what is remembered of it: `cromt --conf`, `cromt history`."""

import json

from story import Story, main


class History(Story):
    def setUp(self):
        super().setUp()
        self.mesh.start_all("a")

    def apply(self, text, *flags, name="jobs.yaml"):
        done = self.mesh.cromt("--conf", self.mesh.write(name, text), "-o", "json", *flags)
        self.succeeded(done)
        return json.loads(done.out)

    def changes(self, answer):
        return {key: answer[key] for key in ("added", "changed", "gone") if answer[key]}

    def history(self, *arguments):
        done = self.mesh.cromt("history", "-o", "json", *arguments)
        self.succeeded(done)
        return [json.loads(line) for line in done.out.splitlines()]

    def test_only_what_means_something_else_is_changed(self):
        first = self.apply("name: mesh\nprojects:\n  a: {run: echo a}\n  b: {run: echo b}\n")
        self.assertEqual(self.changes(first), {"added": ["a", "b"]})
        told = self.apply("name: mesh\nprojects:\n  b:\n    run: 'echo b'  # as before\n  a: {run: echo other}\n", "--dry-run")
        self.assertEqual(self.changes(told), {"changed": ["a"]})
        self.assertEqual(told["revision"], 1)
        second = self.apply("name: mesh\nprojects:\n  b: {run: echo b}\n")
        self.assertEqual(self.changes(second), {"gone": ["a"]})
        third = self.apply("name: mesh\nprojects:\n  b: {run: echo b}\n", "--prune")
        self.assertEqual(third["revision"], 3)
        self.exited(2, self.mesh.cromt("--conf", self.mesh.path("jobs.yaml"), "--if-revision", "2"))

        revisions = self.history()
        self.assertEqual([one["revision"] for one in revisions], [3, 2, 1])
        self.assertEqual([one["removed"] for one in revisions], [["a"], [], []])
        self.assertEqual([one["gone"] for one in revisions], [[], ["a"], []])
        self.assertEqual({one["file"] for one in revisions}, {"mesh"})
        self.assertTrue(revisions[0]["author"])
        self.assertEqual([one["revision"] for one in self.history("b")], [1])
        self.assertEqual([one["revision"] for one in self.history("a", "--limit", "2")], [3, 2], "also of one that was removed")
        self.says(self.mesh.cromt("history").out, "REVISION", "+ a, b", "- a (kept)")

    def test_an_unknown_project_is_named(self):
        self.mesh.apply("projects: {hello: {run: echo}}\n")
        for command in (("history", "helo"), ("runs", "--project", "helo")):
            done = self.mesh.cromt(*command)
            self.exited(2, done)
            self.says(done.err, "there is no project 'helo'; did you mean 'hello'?")
        self.says(self.mesh.cromt("runs", "--project", "hello").out, "no runs yet")

    def test_a_kept_project_is_still_there_after_a_restart(self):
        """As its file's own, and as it was written last."""
        self.apply("projects: {a: {run: echo first}, b: {run: echo}}\n")
        self.apply("projects: {a: {run: echo second}, b: {run: echo}}\n")
        self.apply("projects: {b: {run: echo}}\n")
        self.mesh.coordinator.kill()
        self.mesh.coordinator.restart()
        done = self.mesh.cromt("start", "a", "--follow")
        self.succeeded(done)
        self.says(done.out, "second")
        stolen = self.mesh.cromt("--conf", self.mesh.write("other.yaml", "projects: {a: {run: echo}}\n"))
        self.exited(2, stolen)
        self.says(stolen.err, "jobs.yaml")
        self.assertEqual(self.apply("projects: {b: {run: echo}}\n")["gone"], ["a"])


if __name__ == "__main__":
    main()
