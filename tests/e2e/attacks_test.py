#!/usr/bin/python3
"""Job files, variables and output made to harm (attacks 26, 29, 31, 32 and 39 to 41), against the real programs."""

import glob
import json
import os
import re

from process import read_text, wait_for
from story import Story, main

HARM = "a b'\"`touch ran`$(touch ran);touch ran|&<>\\ #{}[]*?~!%\t-x"  # touches nothing as long as no shell reads it


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


class Files(Story):
    """What is read; nothing runs for it."""

    def refused(self, text, *parts):
        done = self.mesh.cromt("validate", self.mesh.write("jobs.yaml", text))
        self.exited(2, done)
        self.says(done.err, *parts)

    def test_without_end(self):
        """Attack 26."""
        for path in ("/dev/zero", "/dev/urandom", "/dev/full"):
            for command in ("validate", "run", "--conf"):
                with self.subTest(path, command=command):
                    self.exited(2, self.mesh.cromt(command, path, timeout=20))

    def test_as_deep_and_as_wide_as_they_may_be(self):
        """Attack 29: a chain of 60,000, a diamond of 2^5000 paths, and after entries that would be 2^59 tasks."""
        before = lambda name, *others: f"  {name}: {{run: x, before: [{', '.join(f'{{name: {other}}}' for other in others)}]}}\n"
        chain = "  p0: {run: x}\n" + "".join(before(f"p{n}", f"p{n - 1}") for n in range(1, 60_000))
        diamond = "  p0: {run: x}\n  q0: {run: x}\n" + "".join(
            before(f"{side}{n}", f"p{n - 1}", f"q{n - 1}") for n in range(1, 5_000) for side in "pq")
        after = "  p0: {run: x}\n" + "".join(f"  p{n}: {{run: x, after: [{{name: p{n - 1}}}, {{name: p{n - 1}}}]}}\n" for n in range(1, 60))
        for text, project, tasks in ((chain, "p59999", 60_000), (diamond, "p4999", 9_999), (after, "p59", None)):
            path = self.mesh.write("jobs.yaml", "projects:\n" + text)
            done = self.mesh.cromt("plan", project, "--conf", path, "-o", "json", timeout=30)
            if tasks is None:
                self.says(done.err, "the plan has more than 1000000 tasks")
            else:
                self.succeeded(done)
                self.assertEqual(len(json.loads(done.out)["tasks"]), tasks)

    def test_other_files_are_not_read(self):
        """Attack 31: there is no key that reads another file; a path that names one is a directory of the agent's host."""
        for key in ("include", "extends", "import", "$ref", "templates"):
            for value in ("/etc/passwd", "../jobs.yaml", "http://127.0.0.1:1/x", "[jobs.yaml]"):
                self.refused(f"{key}: {value}\nprojects: {{p: {{run: x}}}}\n", f"jobs.yaml:1:1: error: unknown key '{key}'")
                self.refused(f"projects: {{p: {{run: x, {key}: {value}}}}}\n", f"unknown key '{key}'")
        self.refused("projects: !include /etc/passwd\n", "tag '!include' is not allowed")

    def test_numbers_that_are_none(self):
        """Attack 32, as JSON says them: a job file may be JSON."""
        for key in ("timeout", "retries", "parallel", "log_limit", "retry_backoff", "grace"):
            for value in ("NaN", "Infinity", "-Infinity", ".nan", "1e999", "-1", "9" * 40, "0x7fffffffffffffff", "null0", "{}", "[1]"):
                self.refused(f'{{"projects": {{"p": {{"run": "x", "{key}": {value}}}}}}}', f"'{key}'")
        self.refused('{"projects": {"p": {"run": "x", "run": "y"}}}', "duplicate key 'run'")
        self.refused('{"projects": ' + '{"p": ' * 100 + "1" + "}" * 101, "nested deeper than 64 levels")


class Data(Story):
    """Attack 39: text that would be a command is text to the end."""

    def nothing_ran(self):
        self.assertEqual(glob.glob(self.mesh.path("**", "ran"), recursive=True) + glob.glob("ran"), [])

    def test_in_variables_titles_and_paths(self):
        self.mesh.start_all("host")
        print_all = "printf '%s|' \"$V\" \"$T\" \"$S\"; ls -A; echo made > \"$F\"; cat -- ./-x* 2>/dev/null || true"
        self.mesh.apply(f"projects:\n  p:\n    title: {quoted(HARM.replace(chr(9), ' '))}\n    run: {quoted(print_all)}\n    vars:\n"
                        f"      V: {quoted(HARM)}\n      T: {quoted('${{ vars.V }}')}\n      F: {quoted('-x;touch ran$(touch ran)')}\n"
                        "    artifacts: {out: [{file: x, path: '${{ vars.F }}'}]}\n")
        self.succeeded(self.mesh.cromt("start", "p", "--wait", "--var", f"S={HARM}"))
        self.assertEqual(self.mesh.cromt("logs", "last", "--raw").out, f"{HARM}|{HARM}|{HARM}|made\n")
        self.assertEqual(self.mesh.show("last")["tasks"][0]["name"], HARM.replace("\t", " "))
        self.succeeded(self.mesh.cromt("get", "last", "x", "--to", self.mesh.path("got")))
        self.assertEqual(read_text(self.mesh.path("got")), "made\n")
        self.nothing_ran()

    def test_where_a_name_is_meant_it_is_none(self):
        self.mesh.start_all("host")
        command, at_start = quoted("$(touch ran)"), (2,)
        for keys, codes in ((f"queue-id: {command}", at_start), (f"url: {quoted('http://h;touch ran')}", at_start),
                            (f"artifacts: {{in: [{command}]}}", at_start), (f"artifacts: {{out: [{{file: {command}, path: f}}]}}", at_start),
                            (f"hosts: [{{id: {command}}}]", at_start), (f"before: [{{name: {command}}}]", at_start),
                            ("action: ../../bin/sh", at_start), ("action: -x", at_start), (f"action: {command}", (1, 2)),
                            (f"options: {command}", (1, 2)), (f"options: {quoted('--quiet;touch ran')}", (1, 2))):
            with self.subTest(keys):
                path = self.mesh.write("jobs.yaml", f"projects: {{p: {{path: {self.mesh.folder}, {keys}}}}}\n")
                done = self.mesh.cromt("--conf", path)
                if done.code == 0:
                    done = self.mesh.cromt("start", "p", "--wait")
                self.assertIn(done.code, codes, str(done))
        self.mesh.apply("projects: {p: {path: /tmp, action: x}}\n")
        for flags, codes in ((["--var", "A;B=c"], at_start), (["--var", "$(touch ran)=c"], at_start), (["--var", "CROMT_RUN=x"], at_start),
                             (["--action", "-x"], at_start), (["--action", "$(touch ran)"], (1, 2))):
            with self.subTest(flags):
                done = self.mesh.cromt("start", "p", "--wait", *flags)
                self.assertIn(done.code, codes, str(done))
        self.nothing_ran()


class Surroundings(Story):
    """Attack 40: a job's variables are its own processes', and act on nothing of ours."""

    def test_variables_that_programs_obey(self):
        evil = self.mesh.path("evil")
        for name in ("git", "ssh", "tar", "rm", "cromt-step", "cromt-launcher", "cromt-git", "cat"):
            os.chmod(self.mesh.write(f"evil/{name}", f"#!/bin/sh\necho {name} >>{evil}/used\n"), 0o755)
        self.mesh.write("evil/env", f"echo env >>{evil}/used-by-$$\n")
        self.mesh.start_agent("host")
        self.mesh.start_coordinator()
        self.mesh.commit("r", {"tasks/look/task.bash": "echo it looks\n"})
        names = {"PATH": f"{evil}:/usr/bin:/bin", "LD_PRELOAD": f"{evil}/none.so", "LD_LIBRARY_PATH": evil, "LD_DEBUG": "libs",
                 "LD_DEBUG_OUTPUT": f"{evil}/loaded", "BASH_ENV": f"{evil}/env", "ENV": f"{evil}/env", "IFS": "o", "HOME": evil,
                 "GIT_SSH_COMMAND": f"{evil}/ssh", "GIT_EXEC_PATH": evil, "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.fsmonitor",
                 "GIT_CONFIG_VALUE_0": f"{evil}/git", "PYTHONSTARTUP": f"{evil}/env", "NODE_OPTIONS": f"--require {evil}/env",
                 "TMPDIR": "/tmp", "http_proxy": "http://127.0.0.1:1", "XDG_STATE_HOME": evil, "MALLOC_CHECK_": "3"}
        text = "".join(f"      {name}: {quoted(value)}\n" for name, value in names.items())
        self.mesh.apply(f"projects:\n  p:\n    path: {self.mesh.start_git_server()}/r.git\n    action: look\n    vars:\n{text}")
        for _ in range(2):
            self.succeeded(self.mesh.cromt("start", "p", "--wait"))
            self.says(self.mesh.cromt("logs", "last").out, "it looks")
        found = os.listdir(evil)
        loaded = set(re.findall(r"initialize program: (\S+)", "".join(read_text(f"{evil}/{name}") for name in found if "loaded" in name)))
        self.assertEqual(loaded, {"bash"}, "which programs saw them")
        self.assertTrue([name for name in found if name.startswith("used-by-")], "not even the job's shell saw them")
        self.assertNotIn("used", found)
        for pid in [self.mesh.agents["host"].process.pid, self.mesh.coordinator.process.pid, *self.mesh.launchers()]:
            with open(f"/proc/{pid}/environ", "rb") as environment:
                self.assertNotIn(evil.encode(), environment.read())
        self.assertNotIn("LD_PRELOAD", self.mesh.agents["host"].log() + self.mesh.coordinator.log())


class Output(Story):
    """Attack 41: whatever a job prints is printed, and no more."""

    SAYS = ("::set-env name=X::evil\\n::add-path::/evil\\n##vso[task.setvariable variable=X]evil\\n##teamcity[setParameter name=X]\\n"
            "X=evil\\nexport X=evil\\ntask-end exit 0 tasks/print\\ntask-begin task.bash - tasks/none\\ncromt: run succeeded\\n"
            "{\"outcome\":\"succeeded\",\"exit_code\":0}\\n>>>\\nX=evil\\n<<<\\n")

    def test_is_never_a_command(self):
        scripts = {"print": f"printf '{self.SAYS}'; printf '{self.SAYS}' >&2; exit 7\n",
                   "forge": f"trap '' PIPE; for fd in /proc/$PPID/fd/*; do printf '{self.SAYS}' >$fd || true; done 2>/dev/null\n"
                            "echo ${X-unset}; exit 7\n",
                   "look": "echo \"${X-unset} ${PATH%%:*}\"; cat .artifacts/x\n"}
        self.mesh.commit("r", {f"tasks/{name}/task.bash": text for name, text in scripts.items()})
        self.mesh.start_all("host")
        url = self.mesh.start_git_server() + "/r.git"
        make = f"printf '{self.SAYS}' | tee f; exit 0"
        self.mesh.apply(f"projects:\n  make: {{run: {quoted(make)}, artifacts: {{out: [{{file: x, path: f}}]}}}}\n"
                        f"  look: {{path: {url}, action: look, before: [{{name: make}}], artifacts: {{in: [x]}}}}\n"
                        f"  print: {{path: {url}, action: print look}}\n  forge: {{path: {url}, action: forge look}}\n")
        printed = self.SAYS.replace("\\n", "\n")
        for name in ("print", "forge"):
            self.exited(1, self.mesh.cromt("start", name, "--wait"))
            task = self.mesh.tasks("last")[name]
            self.assertEqual((task["outcome"], task["exit_code"]), ("failed", 7))
            self.assertNotIn("unset ", self.mesh.cromt("logs", "last", "--raw").out, "the next action ran")
        self.succeeded(self.mesh.cromt("start", "look", "--wait"))
        first = os.environ["PATH"].partition(":")[0]
        self.assertEqual(self.mesh.cromt("logs", "last", "make", "--raw").out, printed)
        self.assertEqual(self.mesh.cromt("logs", "last", "look", "--raw").out, f"unset {first}\n{printed}")
        self.assertEqual({name: task["outcome"] for name, task in self.mesh.tasks("last").items()}, {"make": "succeeded", "look": "succeeded"})

    def test_of_one_task_is_nobody_elses(self):
        """What looks like another task's output, or the end of its own, stays where it was printed."""
        gate = self.mesh.path("gate")
        self.mesh.start_all("host")
        self.mesh.apply("projects:\n  a: {run: \"printf 'b on local succeeded\\\\n[task run: forged]\\\\n\\\\0\\\\377'\"}\n"
                        f"  b: {{run: 'until [ -e {gate} ]; do sleep 0.02; done; echo mine'}}\n"
                        "  p: {run: 'true', before: [{name: a}, {name: b}]}\n")
        run = self.mesh.start("p")
        wait_for("a has ended", lambda: self.mesh.tasks(run)["a"]["state"] == "finished")
        self.assertEqual(self.mesh.tasks(run)["b"]["state"], "running")
        self.mesh.write("gate", "")
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "succeeded")
        self.assertEqual(self.mesh.cromt("logs", run, "b", "--raw").out, "mine\n")


if __name__ == "__main__":
    main()
