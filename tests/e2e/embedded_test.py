#!/usr/bin/python3
"""`cromt run`: plan and run on this machine, without a server, and nothing is left running."""

import json
import os

from mesh import EXAMPLES
from process import read_text, wait_for
from story import Story, main


class Embedded(Story):
    def run_file(self, text, *flags, name="job.yaml", code=0):
        done = self.mesh.cromt("run", self.mesh.write(name, text), *flags)
        self.exited(code, done)
        self.nothing_is_left()
        return done

    def nothing_is_left(self):
        wait_for("the launcher has left", lambda: not self.mesh.launchers(), seconds=10)
        self.assertEqual(self.mesh.jobs(), [])

    def test_a_hello_of_one_line(self):
        done = self.run_file("projects: {hello: {run: echo Hello}}\n")
        self.says(done.out, "Hello\n")

    def test_a_failure_is_1(self):
        done = self.run_file("projects: {hello: {run: exit 7}}\n", code=1)
        self.says(done.err, "failed")

    def test_bad_input_is_2_and_runs_nothing(self):
        ran = self.mesh.path("ran")
        for text, said in ((f"projects: {{a: {{run: touch {ran}, hots: []}}}}\n", "job.yaml:1:"), ("projects: {}\n", "project"),
                           ("{", "job.yaml:")):
            with self.subTest(text):
                self.says(self.run_file(text, code=2).err, said)
        self.exited(2, self.mesh.cromt("run", "./no-such-file.yaml"))
        self.assertFalse(os.path.exists(ran))

    def test_several_projects_need_a_name(self):
        text = "projects: {a: {run: echo this is a}, b: {run: echo this is b}}\n"
        self.says(self.run_file(text, code=2).err, "a", "b")
        done = self.mesh.cromt("run", "b", "--conf", self.mesh.path("job.yaml"))
        self.succeeded(done)
        self.says(done.out, "this is b")
        self.assertNotIn("this is a", done.out)

    def test_variables_and_actions_from_outside(self):
        done = self.run_file("projects: {a: {run: 'echo \"<$X>\"', vars: {X: file}}}\n", "--var", "X=a  b;c=d")
        self.says(done.out, "<a  b;c=d>")

    def test_an_order_of_projects(self):
        done = self.run_file("projects:\n  c: {run: echo first}\n  b: {run: echo second, before: [{name: c}]}\n"
                             "  a: {run: echo third, before: [{name: b}]}\n", code=2)
        self.says(done.err, "a", "b", "c")
        done = self.mesh.cromt("run", "a", "--conf", self.mesh.path("job.yaml"))
        self.succeeded(done)
        self.assertLess(done.out.index("first"), done.out.index("second"))
        self.assertLess(done.out.index("second"), done.out.index("third"))

    def test_the_articles_hello_over_http_and_from_a_folder(self):
        self.mesh.commit("myjobs", "myjobs")
        http = self.mesh.start_git_server() + "/myjobs.git"
        for path in (http, f"file://{self.mesh.path('git', 'myjobs.git')}"):
            with self.subTest(path):
                done = self.run_file(f"projects: {{job1: {{path: '{path}', action: hello, vars: {{WORKER: A}}}}}}\n")
                self.assertRegex(done.out, r"\d\d:\d\d:\d\d :: Hello worker  A!")

    def test_the_articles_file_on_the_agents_of_a_config(self):
        self.mesh.commit("myjobs", "myjobs")
        for host in ("hostA", "hostB", "hostC"):
            self.mesh.start_agent(host)
        config = self.mesh.write_config(rewrite={"https://github.com/melezhik/": self.mesh.start_git_server() + "/"})
        done = self.mesh.cromt("run", os.path.join(EXAMPLES, "hello.yaml"), "--config", config)
        self.succeeded(done)
        for letter in "ABC":
            self.says(done.out, f":: Hello worker  {letter}!", f"job1 on host{letter}")

    def test_a_folder_is_used_in_place(self):
        self.mesh.write("proj/.tom/look.bash", "pwd; echo made >made-here\n")
        done = self.run_file(f"projects: {{p: {{path: {self.mesh.path('proj')}, action: look}}}}\n")
        self.says(done.out, self.mesh.path("proj"))
        self.assertEqual(read_text(self.mesh.path("proj", "made-here")), "made\n")

    def test_a_folder_that_is_not_there(self):
        done = self.run_file("projects: {p: {path: /no/such/folder, action: look}}\n", code=1)
        self.says(done.out + done.err, "/no/such/folder")

    def test_time_that_passed(self):
        done = self.run_file("projects: {p: {run: sleep 300}}\n", "--timeout", "1", code=4)
        self.says(done.err, "1")

    def test_two_at_once(self):
        first = self.mesh.begin("run", self.mesh.write("first.yaml", "projects: {p: {run: echo first}}\n"))
        second = self.mesh.begin("run", self.mesh.write("second.yaml", "projects: {p: {run: echo second}}\n"))
        self.assertEqual((first.wait(timeout=20), second.wait(timeout=20)), (0, 0))
        self.says(read_text(first.out_path), "first")
        self.says(read_text(second.out_path), "second")

    def test_what_was_kept_can_be_looked_at(self):
        self.run_file("projects: {good: {run: echo fine}}\n")
        self.run_file("projects: {bad: {run: 'echo wrong; exit 7'}}\n", code=1)
        os.mkdir(self.mesh.path("state", "cromt", "runs", "nothing-of-ours"))
        runs = [json.loads(line) for line in self.mesh.cromt("runs", "--local", "-o", "json").out.splitlines()]
        self.assertEqual([(run["project"], run["outcome"]) for run in runs], [("bad", "failed"), ("good", "succeeded")])
        shown = json.loads(self.mesh.cromt("show", "last", "--local", "-o", "json").out)
        self.assertEqual((shown["id"], shown["tasks"][0]["exit_code"]), (runs[0]["id"], 7))
        self.assertEqual(self.mesh.cromt("logs", runs[1]["id"][:8], "--local").out, "fine\n")
        self.assertEqual(self.mesh.cromt("logs", "last", "bad", "--local", "--raw").out, "wrong\n")
        self.exited(2, self.mesh.cromt("show", "nosuchrun", "--local"))
        self.exited(2, self.mesh.cromt("show", "last", "--local", "--coordinator", "127.0.0.1:1"))

    def test_what_goes_on_can_be_looked_at_too(self):
        gate = self.mesh.path("gate")
        text = f"projects: {{slow: {{run: 'echo begun; until [ -e {gate} ]; do sleep 0.02; done'}}}}\n"
        going = self.mesh.begin("run", self.mesh.write("slow.yaml", text))
        wait_for("it runs", lambda: "begun" in read_text(going.out_path))
        self.assertEqual(json.loads(self.mesh.cromt("show", "last", "--local", "-o", "json").out)["state"], "running")
        self.assertEqual(self.mesh.cromt("logs", "last", "--local").out, "begun\n")
        followed = self.mesh.cromt("logs", "last", "--local", "--follow")
        self.exited(2, followed)
        self.says(followed.err, "can't be followed")
        self.mesh.write("gate", "")
        self.assertEqual(going.wait(timeout=20), 0)


if __name__ == "__main__":
    main()
