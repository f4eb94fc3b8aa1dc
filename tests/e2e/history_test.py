#!/usr/bin/python3
"""What applying a file changes, what is remembered of it, and how it comes back: `cromt --conf`, `cromt history`."""

import json
import subprocess

import grpc

import rpc
from founded import Founded
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


FIRST = "name: mesh\nprojects:\n  a: {run: echo first}\n"
SECOND = "name: mesh\n# with another\nprojects:\n  a: {run: echo second}\n  b: {run: echo b}\n"


class PutBack(Story):
    """A file of two revisions, 1 and 3; between them one of another file."""

    def setUp(self):
        super().setUp()
        self.mesh.start_all("a")
        self.mesh.apply(FIRST)
        self.mesh.apply("projects: {other: {run: echo}}\n", "other.yaml")
        self.mesh.apply(SECOND)

    def history(self, *arguments):
        done = self.mesh.cromt("history", *arguments)
        self.succeeded(done)
        return done

    def test_a_diff_is_one_that_patch_takes(self):
        first, second = self.mesh.write("first", FIRST), self.mesh.write("second", SECOND)
        self.assertEqual(self.history("show", "1").out, FIRST)
        self.assertEqual(self.history("show", "3").out, SECOND)
        diff = self.history("diff", "3").out
        self.says(diff, "\trevision 1, ", "\trevision 3, ", "\n-  a: {run: echo first}\n", "\n+  b: {run: echo b}\n")
        subprocess.run(["patch", "-s", first], input=diff, text=True, check=True)
        with open(first) as patched, open(second) as wanted:
            self.assertEqual(patched.read(), wanted.read())
        told = json.loads(self.history("diff", "3", "-o", "json").out)
        self.assertEqual((told["revision"], told["against"], told["file"], told["diff"]), (3, 1, "mesh", diff))
        self.says(self.history("diff", "1").out, "--- /dev/null\n", "@@ -0,0 +1,3 @@\n")
        self.says(self.history("diff", "1", "3").out, "\n-  b: {run: echo b}\n")

    def test_one_comes_back_as_a_new_one(self):
        told = self.history("apply", "1", "--dry-run")
        self.says(told.out, "mesh: would change\n", "  ~ a\n", "  - b (gone from the file, kept")
        self.says(self.history("diff", "3", "3").err, "the same")
        self.says(self.history("apply", "1", "--if-revision", "3").out, "mesh: revision 4\n", "  ~ a\n", "  - b ")
        self.assertEqual(self.history("show", "4").out, FIRST)
        done = self.mesh.cromt("start", "a", "--follow")
        self.succeeded(done)
        self.says(done.out, "first")
        projects = {one["name"]: one["revision"] for one in map(json.loads, self.mesh.cromt("projects", "-o", "json").out.splitlines())}
        self.assertEqual(projects["a"], 4)
        self.assertIn("b", projects)
        self.exited(2, self.mesh.cromt("history", "apply", "3", "--if-revision", "3"))
        self.says(self.history("apply", "4", "--prune").out, "revision 5")
        self.exited(2, self.mesh.cromt("start", "b"))

    def test_the_newest_changes_nothing(self):
        done = self.history("apply", "3")
        self.says(done.out, "mesh: no project changes, revision 3\n")
        self.says(done.err, "revision 3 is the newest of its file already")
        self.assertEqual(len(self.history("-o", "quiet").out.splitlines()), 3)

    def test_what_cant_be_put_back_says_why(self):
        done = self.mesh.cromt("history", "apply", "77")
        self.exited(2, done)
        self.says(done.err, "there is no revision 77")
        # Meanwhile the other file has taken the project.
        self.mesh.apply("name: mesh\nprojects:\n  b: {run: echo b}\n")
        self.succeeded(self.mesh.cromt("--conf", self.mesh.write("jobs.yaml", "name: mesh\nprojects:\n  b: {run: echo b}\n"), "--prune"))
        self.mesh.apply("projects: {other: {run: echo}, a: {run: echo}}\n", "other.yaml")
        done = self.mesh.cromt("history", "apply", "1")
        self.exited(2, done)
        self.says(done.err, "project 'a' belongs to ", "other.yaml")

    def test_a_project_called_like_a_verb_is_named_by_an_option(self):
        self.mesh.apply("projects: {show: {run: echo}}\n", "verbs.yaml")
        self.assertEqual(self.history("--project", "show", "-o", "quiet").out, "4\n")
        done = self.mesh.cromt("history", "show")
        self.exited(2, done)
        self.says(done.err, "cromt history --project show")


class Readers(Story):
    mesh_kind = Founded

    def test_the_text_is_for_who_may_see_all_of_its_projects(self):
        self.mesh.found()
        self.mesh.apply("projects: {foo: {run: echo}, bar: {run: echo}}\n")
        self.mesh.apply("projects: {alone: {run: echo}}\n", "alone.yaml")
        self.mesh.apply("projects: {}\n", "alone.yaml")
        service = rpc.coordinator.DESCRIPTOR.services_by_name["CoordinatorService"]

        def code(revision, *projects, role="viewer"):
            client = self.mesh.client(service, token=self.mesh.token_of("u" + "".join(projects) + role, role, *projects))
            try:
                client.call("GetRevision", revision=revision)
                return grpc.StatusCode.OK
            except grpc.RpcError as error:
                return error.code()
            finally:
                client.close()

        denied = grpc.StatusCode.PERMISSION_DENIED
        self.assertEqual(code(1), grpc.StatusCode.OK)
        self.assertEqual(code(1, "foo", "bar"), grpc.StatusCode.OK)
        self.assertEqual(code(1, "foo", role="admin"), denied)
        self.assertEqual(code(2, "foo"), denied)
        self.assertEqual(code(2, "alone"), grpc.StatusCode.OK)
        self.assertEqual(code(3, "alone"), denied)  # it names no project, so it is of nobody's
        self.assertEqual(code(9), grpc.StatusCode.NOT_FOUND)
        # Who may look may not put back.
        self.succeeded(self.mesh.log_in(self.mesh.token_of("vera", "viewer")))
        self.exited(3, self.mesh.cromt("history", "apply", "1", "--dry-run"))
        self.succeeded(self.mesh.cromt("history", "diff", "1"))


if __name__ == "__main__":
    main()
