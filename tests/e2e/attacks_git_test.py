#!/usr/bin/python3
"""Repositories, branches and URLs made to harm (attacks 19 to 21, 24, 25 and 39), as whole runs."""

import os
import subprocess

from process import read_text, wait_for
from story import Story, main


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


class Attack(Story):
    def setUp(self):
        super().setUp()
        self.mark = self.mesh.path("ran")  # what any of the attacks would make

    def git(self, *arguments):
        done = subprocess.run(["git", "-C", self.mesh.path("trees", "r"), "-c", "user.name=T", "-c", "user.email=t@localhost", *arguments],
                              env=self.mesh.environment, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def begin(self, files):
        """An agent, a coordinator, and the repository r with these files; its URL."""
        self.mesh.start_all("host")
        self.mesh.commit("r", files)
        return self.mesh.start_git_server() + "/r.git"

    def run_of(self, url, keys="", code=0):
        """A run of its action `look`, waited for; what it printed."""
        self.mesh.apply(f"projects: {{p: {{path: {quoted(url)}, action: look{keys}}}}}\n")
        self.exited(code, self.mesh.cromt("start", "p", "--wait"))
        return self.mesh.cromt("logs", "last", "--raw").out

    def nothing_ran(self):
        self.assertFalse(os.path.exists(self.mark))


class Contents(Attack):
    def test_nothing_that_git_would_run_is_run(self):
        """Attack 19: filters, LFS, hooks and configuration, of the repository and of whoever runs the coordinator."""
        touch = f"touch {self.mark}"
        self.mesh.write("home/hooks/post-checkout", f"#!/bin/sh\n{touch}\n")
        os.chmod(self.mesh.path("home", "hooks", "post-checkout"), 0o755)
        settings = {"filter.evil.smudge": touch, "filter.lfs.smudge": touch, "core.fsmonitor": touch, "core.sshCommand": touch,
                    "core.hooksPath": self.mesh.path("home", "hooks"), "core.gitProxy": touch, "credential.helper": f"!{touch}"}
        own = {**self.mesh.environment}
        self.mesh.environment.update({"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.fsmonitor", "GIT_CONFIG_VALUE_0": touch,
                                      "GIT_SSH_COMMAND": touch, "GIT_ASKPASS": self.mesh.path("home", "hooks", "post-checkout"),
                                      "GIT_EXTERNAL_DIFF": touch, "GIT_CONFIG_GLOBAL": self.mesh.path("home", "global")})
        for name in (".gitconfig", "global"):
            for key, value in settings.items():
                subprocess.run(["git", "config", "--file", self.mesh.path("home", name), key, value], check=True)
        self.mesh.start_all("host")
        self.mesh.environment = own
        self.mesh.environment["HOME"] = self.mesh.path("nobody")
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 5\n"
        self.mesh.commit("r", {".gitattributes": "*.f filter=evil ident eol=crlf\n*.bin filter=lfs diff=lfs\n", "a.f": "one\n$Id$\n",
                               "big.bin": pointer, ".lfsconfig": "[lfs]\n\turl = http://127.0.0.1:1/\n", "hooks/post-checkout": touch,
                               "tasks/look/task.bash": "cat a.f big.bin; ls -d .git 2>/dev/null || true\n"})
        self.assertEqual(self.run_of(self.mesh.start_git_server() + "/r.git"), "one\n$Id$\n" + pointer)
        self.nothing_ran()

    def test_submodules_stay_empty(self):
        """Attack 20."""
        url = self.begin({"tasks/look/task.bash": "ls -A | LC_ALL=C sort | tr '\\n' ,; ls -A -- sub* -sub Sub | grep -v : | tr -d '\\n'\n",
                          ".gitmodules": f"[submodule \"../../.git/modules/x\"]\n\tpath = sub\\r\n\turl = --upload-pack=touch {self.mark}\n"
                                         f"\tupdate = !touch {self.mark}\n[submodule \"x\"]\n\tpath = ../x\n\turl = ext::touch% {self.mark}\n"})
        head = self.git("rev-parse", "HEAD")
        for name in ("sub", "sub\r", "-sub", "Sub"):
            self.git("update-index", "--add", "--cacheinfo", f"160000,{head},{name}")
        self.git("commit", "-q", "-m", "submodules")
        self.git("push", "-q", "origin", "HEAD:main")
        self.assertEqual(self.run_of(url), "-sub,.gitmodules,Sub,sub,sub\r,tasks,")
        self.says(self.mesh.coordinator.log(), "submodule '-sub' is left empty", "submodule 'sub\\x0d' is left empty")
        self.nothing_ran()

    def test_submodules_that_are_allowed_stay_in_their_folders(self):
        """Attack 20."""
        url = self.mesh.start_git_server()
        self.mesh.start_all("host", git={"submodules": [url]})
        self.mesh.commit("inner", {"FILE": "inner\n"})
        self.mesh.commit("r", {"tasks/look/task.bash": "cat sub/FILE; cat sub/link 2>/dev/null || true\n",
                               ".gitmodules": "[submodule \"x\"]\n\tpath = sub\n\turl = ../inner.git\n"})
        for target, code in ((None, 0), ("../tasks/look/task.bash", 1), ("..", 1), ("/etc/passwd", 1)):
            with self.subTest(target):
                if target:
                    os.symlink(target, self.mesh.path("trees", "inner", "link"))
                commit = self.mesh.commit("inner", {"say": str(target)})
                self.git("update-index", "--add", "--cacheinfo", f"160000,{commit},sub")
                self.git("commit", "-q", "-m", "another inner")
                self.git("push", "-q", "origin", "HEAD:main")
                self.assertEqual(self.run_of(url + "/r.git", code=code), "" if code else "inner\n")
                if target:
                    self.says(self.mesh.cromt("show", "last").out, "submodule 'sub'", "which points out of the tree")
                    os.unlink(self.mesh.path("trees", "inner", "link"))

    def test_links_that_the_repository_holds(self):
        """Attack 21: refused as a whole, before any agent sees it."""
        url = self.begin({"tasks/look/task.bash": f"touch {self.mark}\n"})
        for name, target in (("tasks/x", "/etc"), ("jobs.yaml", "../../etc/passwd"), (".tom", "/etc"), ("up", "..")):
            with self.subTest(name):
                os.symlink(target, self.mesh.path("trees", "r", name))
                self.mesh.commit("r", {})
                self.run_of(url, code=1)
                self.says(self.mesh.cromt("show", "last").out, f"'{name}': a symbolic link to '{target}', which points out of the tree")
                os.unlink(self.mesh.path("trees", "r", name))
        self.nothing_ran()

    def test_links_and_pipes_that_an_earlier_step_lays(self):
        """Attack 21."""
        outside = os.path.dirname(self.mesh.write("outside/task.bash", f"touch {self.mark}\n"))
        self.mesh.write("outside/x.raku", f"bash 'touch {self.mark}'\n")
        evil = {"folder": f"rm -r tasks/look; ln -s {outside} tasks/look", "file": f"ln -sf {outside}/task.bash tasks/look/task.bash",
                "proc": "rm -r tasks/look; ln -s /proc/self/cwd/../../outside tasks/look",
                "pipe": "rm tasks/look/task.bash; mkfifo tasks/look/task.bash", "self": "ln -sf task.bash tasks/look/task.bash"}
        steps = {f"tasks/{name}/task.bash": script for name, script in evil.items()}
        scenarios = {f".tom/both-{name}.raku": f"task-run 'tasks/{name}';\ntask-run 'tasks/look';\n" for name in evil}
        url = self.begin({**steps, **scenarios, "tasks/look/task.bash": "echo it looks\n"})
        for name in evil:
            for action in (f"both-{name}", f"{name} look"):
                with self.subTest(action):
                    self.mesh.apply(f"projects: {{p: {{path: {url}, action: {action}}}}}\n")
                    self.exited(1, self.mesh.cromt("start", "p", "--wait", timeout=20))
                    self.assertRegex(self.mesh.cromt("logs", "last").out, "cromt: .*'tasks/look.*'( leads out of| is not a regular|: Too many)")
        self.nothing_ran()


class Refs(Attack):
    def test_a_run_keeps_its_commit_whatever_is_pushed(self):
        """Attack 24: a tag that moves, a branch whose history is replaced, and a coordinator that starts again in between."""
        going, gate = self.mesh.path("going"), self.mesh.path("gate")
        url = self.begin({"tasks/look/task.bash": f"touch {going}; until [ -e {gate} ]; do sleep 0.02; done; echo $SCM_SHA; cat FILE\n",
                          "FILE": "first\n"})
        self.git("tag", "v1")
        self.git("push", "-q", "origin", "v1")
        first = self.git("rev-parse", "HEAD")
        host = "http://" + self.mesh.agents["host"].address
        self.mesh.apply(f"projects:\n  p:\n    path: {url}\n    ref: v1\n    action: look\n    queue-id: one\n    retries: 1\n"
                        f"    hosts: [{{url: '{host}'}}, {{url: '{host}'}}]\n")
        run = self.mesh.start("p")
        wait_for("the first task runs", lambda: os.path.exists(going))
        self.mesh.write("trees/r/FILE", "second\n")
        self.git("add", "FILE")
        self.git("commit", "-q", "--amend", "-m", "another history")
        self.git("tag", "-f", "v1")
        self.git("push", "-q", "-f", "origin", "HEAD:main", "v1")
        subprocess.run(["git", "-C", self.mesh.path("git", "r.git"), "gc", "-q", "--prune=now"], check=True)
        self.mesh.coordinator.kill()
        self.mesh.coordinator.restart()
        self.mesh.write("gate", "")
        shown = self.mesh.wait_finished(run)
        self.assertEqual((shown["outcome"], shown["commit"]), ("succeeded", first))
        self.assertEqual([self.mesh.cromt("logs", run, task, "--raw").out for task in ("1", "2")], [f"{first}\nfirst\n"] * 2)
        self.succeeded(self.mesh.cromt("start", "p", "--wait"))
        self.assertEqual(self.mesh.cromt("logs", "last", "1", "--raw").out, self.git("rev-parse", "HEAD") + "\nsecond\n")

    def test_names_that_are_none(self):
        """Attack 25, as a job file says them and as a variable makes them."""
        url = self.begin({"tasks/look/task.bash": f"touch {self.mark}\n"})
        for name in ("-x", f"--upload-pack=touch {self.mark}", "a..b", "main~1", "main^{commit}", "main:FILE", "@", "@{-1}", "main@{1}",
                     "a b", "a\nb", "*", "a.lock", ".a", "a/", "\u202emain", "x" * 300):
            for key in (f"branch: {escaped(name)}", f"ref: {escaped(name)}", f"branch: '${{{{ vars.B }}}}', vars: {{B: {escaped(name)}}}"):
                with self.subTest(key):
                    text = f"projects: {{p: {{path: {quoted(url)}, action: look, {key}}}}}\n"
                    done = self.mesh.cromt("--conf", self.mesh.write("jobs.yaml", text))
                    if done.code == 0:
                        done = self.mesh.cromt("start", "p", "--wait")
                    self.assertIn(done.code, (1, 2), str(done))
        self.nothing_ran()

    def test_names_that_could_be_others(self):
        """Attack 25: a commit cut short, and a branch that is called like a commit."""
        url = self.begin({"tasks/look/task.bash": "echo $SCM_SHA\n"})
        first = self.git("rev-parse", "HEAD")
        self.mesh.commit("r", {"FILE": "second\n"})
        self.git("push", "-q", "origin", f"HEAD:refs/heads/{first}")
        self.assertEqual(self.run_of(url, f", ref: {first}"), first + "\n")
        self.run_of(url, f", ref: {first[:12]}", code=1)
        self.says(self.mesh.cromt("show", "last").out, "all its 40 digits")

    def test_a_branch_full_of_metacharacters_is_a_name(self):
        """Attack 39."""
        name = "x;touch${IFS}ran$(touch_ran)`touch_ran`|&'\"<>!{}#%"
        url = self.begin({"tasks/look/task.bash": "printf '%s' \"$SCM_BRANCH\"; ls -A\n"})
        self.git("push", "-q", "origin", f"HEAD:refs/heads/{name}")
        self.assertEqual(self.run_of(url, f", branch: {quoted(name)}"), name + "tasks\n")


def escaped(text):
    """A YAML string in double quotes."""
    return '"' + text.replace("\\", "\\\\").replace("\n", "\\n").replace("\u202e", "\\u202e") + '"'


if __name__ == "__main__":
    main()
