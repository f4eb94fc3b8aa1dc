#!/usr/bin/python3
"""How a job runs: its environment, its streams, its end, and what it leaves behind."""

import os
import pwd
import textwrap

from process import alive, read_text, wait_for
from story import Story, main


class Job(Story):
    """One job of an agent, told by its script."""

    def setUp(self):
        super().setUp()
        self.mesh.start_all("host")

    def run_script(self, script, keys="", code=0):
        """Runs it: (its task as `show` says it, its output of both streams)."""
        indented = textwrap.indent(textwrap.dedent(script).strip(), "      ")
        self.mesh.apply(f"projects:\n  p:\n{textwrap.indent(textwrap.dedent(keys), '    ')}\n    run: |\n{indented}\n")
        done = self.mesh.cromt("start", "p", "--wait")
        self.exited(code, done)
        self.run = self.mesh.show("last")
        return self.run["tasks"][0], self.mesh.cromt("logs", "last", "--raw").out

    def test_the_environment_is_exact(self):
        user = pwd.getpwuid(os.getuid())
        _, out = self.run_script("/bin/cat /proc/self/environ", 'vars: {WORKER: A, Y: "1.10"}')
        environment = dict(entry.split("=", 1) for entry in out.rstrip("\0").split("\0"))
        mark = environment.pop("CROMT_ATTEMPT_MARK", "")  # the launcher's own
        workspace = environment.pop("CROMT_WORKSPACE")
        self.assertTrue(mark)
        self.assertTrue(workspace.startswith(self.mesh.agents["host"].data_dir + "/"), workspace)
        if "TZ" in os.environ:
            self.assertEqual(environment.pop("TZ"), os.environ["TZ"])
        self.assertEqual(environment, {
            "PATH": os.environ["PATH"], "HOME": user.pw_dir, "USER": user.pw_name,
            "LOGNAME": user.pw_name, "SHELL": user.pw_shell, "LANG": os.environ.get("LANG") or "C.UTF-8",
            "TMPDIR": "/tmp", "CROMT_RUN": self.run["id"], "CROMT_PROJECT": "p", "CROMT_TASK": "1",
            "CROMT_ATTEMPT": "1", "CROMT_HOST": "local", "WORKER": "A", "Y": "1.10"})

    def test_variables_arrive_byte_for_byte(self):
        values = {"SPACES": "hello  world ", "QUOTES": 'a"b\'c;echo INJ', "DOLLAR": "$HOME `id` $(id)", "LINES": "x\ny", "EMPTY": "",
                  "NUMBER": "1.10", "FLAG": "true", "UNICODE": "grüße ✓", "BACKSLASH": "a\\nb"}
        keys = "vars:\n  SPACES: 'hello  world '\n  QUOTES: \"a\\\"b'c;echo INJ\"\n  DOLLAR: $HOME `id` $(id)\n" \
               "  LINES: \"x\\ny\"\n  EMPTY:\n  NUMBER: 1.10\n  FLAG: true\n  UNICODE: grüße ✓\n  BACKSLASH: a\\nb\n"
        names = " ".join(values)
        _, out = self.run_script(f"""for name in {names}; do eval "value=\\$$name"; printf '%s=%s|' "$name" "$value"; done""", keys)
        self.assertEqual(out, "".join(f"{name}={value}|" for name, value in values.items()))

    def test_templates_are_filled_in_when_planned_and_on_the_host(self):
        home = pwd.getpwuid(os.getuid()).pw_dir
        task, out = self.run_script("""echo "$P|$L|$T"; mkdir out; echo x > "out/$USER.txt" """, """
            title: release ${{ vars.V }}
            vars: {V: 1.2, U: ut, P: "${{ env.HOME }}/v${{ vars.V }}", L: "$${{ env.HOME }}", T: "${{ env.TMPDIR }}${{ env.TMPDIR }}"}
            artifacts: {out: [{file: log, path: "o${{ vars.U }}/${{ env.USER }}.txt"}]}
            """)
        self.assertEqual(out, f"{home}/v1.2|${{{{ env.HOME }}}}|/tmp/tmp\n")
        self.assertEqual(task["name"], "release 1.2")

    def test_a_variable_that_the_host_does_not_have_fails_the_task(self):
        task, out = self.run_script("echo ran", "vars: {X: '${{ env.NOT_ON_THIS_HOST }}'}", code=1)
        self.assertEqual(out, "")
        self.assertEqual(task["outcome"], "failed")
        self.says(task["reason"], "${{ env.NOT_ON_THIS_HOST }}: the host's environment has no NOT_ON_THIS_HOST")

    def test_a_template_that_cannot_be_filled_in_refuses_the_start(self):
        self.mesh.apply("projects:\n  p: {run: 'true', title: 'of ${{ vars.X }}'}\n")
        done = self.mesh.cromt("start", "p")
        self.exited(2, done)
        self.says(done.err, ":2:3: error: project 'p': title: there is no variable X in vars")

    def test_variables_of_a_host_go_over_those_of_its_project(self):
        url = "http://" + self.mesh.agents["host"].address
        self.mesh.apply("projects:\n  p:\n    run: 'echo \"$X-$Y\"'\n    vars: {X: p, Y: p}\n"
                        f"    hosts: [{{url: '{url}', vars: {{X: h}}}}, {{url: '{url}'}}]\n")
        self.succeeded(self.mesh.cromt("start", "p", "--wait"))
        self.assertEqual([self.mesh.cromt("logs", "last", str(task), "--raw").out for task in (1, 2)], ["h-p\n", "p-p\n"])

    def test_stdin_is_empty_and_the_session_its_own(self):
        _, out = self.run_script("""
            readlink /proc/self/fd/0
            cat
            read -r stat </proc/$$/stat
            set -- ${stat##*) }
            echo "$4" $$
            ls /proc/$$/fd
            """)
        stdin, session, *descriptors = out.splitlines()
        self.assertEqual(stdin, "/dev/null")
        own, pid = session.split()
        self.assertEqual(own, pid)
        self.assertLessEqual(set(descriptors), {"0", "1", "2", "10"})  # 10: dash's own

    def test_both_streams_are_kept(self):
        _, out = self.run_script("echo out; echo err >&2; exit 0")
        self.assertEqual(sorted(out.splitlines()), ["err", "out"])

    def test_a_million_bytes_arrive_whole(self):
        _, out = self.run_script("seq 1 150000")
        self.assertEqual(out, "".join(f"{n}\n" for n in range(1, 150001)))

    def test_the_exit_code_is_kept(self):
        task, _ = self.run_script("exit 42", code=1)
        self.assertEqual((task["outcome"], task["exit_code"]), ("failed", 42))

    def test_the_first_failing_line_ends_the_script(self):
        task, out = self.run_script("echo one; false; echo two", code=1)
        self.assertEqual((task["exit_code"], out), (1, "one\n"))

    def test_a_signal_is_a_failure(self):
        task, _ = self.run_script("kill -9 $$", code=1)
        self.assertEqual((task["outcome"], task["exit_code"]), ("failed", 137))

    def test_a_missing_program(self):
        for script in ("/no/such/program --at-all", "no-such-program; exit $?"):
            with self.subTest(script):
                task, out = self.run_script(script, code=1)
                self.assertEqual((task["outcome"], task["exit_code"]), ("failed", 127))
                self.says(out + task["reason"], script.split(";")[0].split()[0])

    def test_a_program_that_may_not_be_executed(self):
        task, _ = self.run_script("/etc/passwd now", code=1)
        self.assertEqual((task["outcome"], task["exit_code"]), ("failed", 126))

    def test_what_it_leaves_behind_is_stopped_and_named(self):
        """Also what went into a session of its own, and what ignores TERM."""
        pids = self.mesh.path("pids")
        task, out = self.run_script(f"""
            sleep 301 & echo $! >>{pids}
            setsid sleep 302 & echo $! >>{pids}
            (trap '' TERM; while :; do sleep 1; done) & echo $! >>{pids}
            echo done
            """)
        self.assertEqual((task["outcome"], out), ("succeeded", "done\n"))
        self.says(self.mesh.cromt("logs", "last").out, "done\n", "sleep")
        for pid in read_text(pids).split():
            self.assertFalse(alive(int(pid)), f"{pid} is still there")
        self.assertEqual(self.mesh.jobs(), [])

    def test_each_job_finds_an_empty_workspace(self):
        _, first = self.run_script("pwd; ls -A; echo x >left; test -w .")
        _, second = self.run_script("pwd; ls -A; cd \"$CROMT_WORKSPACE\"")
        self.assertEqual(len(first.splitlines()), 1)
        self.assertEqual(len(second.splitlines()), 1)


class Overlap(Story):
    """Jobs that end only once all of them have begun: what may run together does."""

    def setUp(self):
        super().setUp()
        self.mesh.start_all("one", "two", "three")
        here = self.mesh.path("here")
        os.mkdir(here)
        self.script = f"touch {here}/$NAME; until [ $(ls {here} | wc -l) = 3 ]; do sleep 0.02; done"

    def test_what_can_hardly_be_removed_holds_nobody_up(self):
        """Deeper than an agent has descriptors, and a folder that forbids to look into it."""
        dig = "import os\nfor _ in range(3000): os.mkdir('d'); os.chdir('d')"
        self.mesh.write("dig.py", dig)
        self.mesh.apply(f"""
projects:
  look:
    run: ls -A
    before: [{{name: dig}}]
  dig:
    run: python3 {self.mesh.path("dig.py")}; mkdir -p closed/in; chmod 0 closed
""")
        for _ in range(3):
            done = self.mesh.cromt("start", "look", "--follow")
            self.succeeded(done)
            self.assertNotIn("closed", done.out)
        work = os.path.join(next(iter(self.mesh.agents.values())).data_dir, "work")
        wait_for("it is all gone", lambda: not any(os.listdir(os.path.join(work, name)) for name in os.listdir(work)
                                                   if name.endswith(".trash")))

    def test_the_hosts_of_a_project(self):
        hosts = ", ".join(f"{{url: 'http://{name}', vars: {{NAME: {name}}}}}" for name in self.mesh.agents)
        self.mesh.apply(f"projects: {{p: {{run: '{self.script}', hosts: [{hosts}]}}}}\n")
        self.succeeded(self.mesh.cromt("start", "p", "--wait"))

    def test_the_dependencies_of_a_project(self):
        parts = ", ".join(f"{name}: {{run: '{self.script}', vars: {{NAME: {name}}}}}" for name in "abc")
        self.mesh.apply(f"projects: {{{parts}, p: {{run: echo, before: [{{name: a}}, {{name: b}}, {{name: c}}]}}}}\n")
        self.succeeded(self.mesh.cromt("start", "p", "--wait"))

    def test_runs_of_several_projects(self):
        parts = ", ".join(f"{name}: {{run: '{self.script}', vars: {{NAME: {name}}}}}" for name in "abc")
        self.mesh.apply(f"projects: {{{parts}}}\n")
        runs = [self.mesh.start(name) for name in "abc"]
        for run in runs:
            self.assertEqual(self.mesh.wait_finished(run)["outcome"], "succeeded")


class Actions(Story):
    """Actions of a repository: the acceptance cases that name them."""

    def setUp(self):
        super().setUp()
        tasks = {f".tom/{name}.raku": f'#!raku\ntask-run "tasks/{name}";\n' for name in ("one", "two", "three", "bad")}
        tasks.update({f"tasks/{name}/task.bash": f'echo "{name} $WORKER - $X"; ls -A | grep left || true; touch left-by-{name}\n'
                      for name in ("one", "two", "three")})
        tasks["tasks/bad/task.bash"] = "exit 5\n"
        self.mesh.commit("r", tasks)
        self.mesh.start_all("host")
        self.path = self.mesh.start_git_server() + "/r.git"

    def run_actions(self, code, keys):
        self.mesh.apply(f"projects:\n  p:\n    path: {self.path}\n    {keys}\n")
        self.exited(code, self.mesh.cromt("start", "p", "--wait"))
        return self.mesh.cromt("logs", "last").out

    def test_three_in_order_in_one_clone(self):
        out = self.run_actions(0, "action: one two three")
        order = [out.index(f":: {name}  - ") for name in ("one", "two", "three")]
        self.assertEqual(order, sorted(order))
        self.says(out[order[1]:], "left-by-one")

    def test_the_first_failure_stops_the_rest(self):
        out = self.run_actions(1, "action: two bad three")
        self.says(out, ":: two", "task exit status: 5")
        self.assertNotIn(":: three", out)
        self.assertEqual(self.mesh.show("last")["tasks"][0]["exit_code"], 5)

    def test_no_action_at_all(self):
        self.says(self.run_actions(1, "title: nothing"), "default")

    def test_what_the_project_starts_with_is_replaced_from_outside(self):
        self.mesh.apply(f"projects:\n  p:\n    path: {self.path}\n    action: one\n    vars: {{WORKER: A, X: B}}\n")
        self.succeeded(self.mesh.cromt("start", "p", "--wait", "--action", "two", "--var", "X=a b;c"))
        self.says(self.mesh.cromt("logs", "last").out, ":: two A - a b;c")

    def test_a_failure_lets_its_siblings_end_and_nothing_start(self):
        project = "  {0}:\n    path: {1}\n    action: {0}\n"
        p = f"  p:\n    path: {self.path}\n    action: three\n    before: [{{name: bad}}, {{name: two}}]\n"
        self.mesh.apply("projects:\n" + project.format("two", self.path) + project.format("bad", self.path) + p)
        self.exited(1, self.mesh.cromt("start", "p", "--wait"))
        outcomes = {task["name"]: task["outcome"] for task in self.mesh.show("last")["tasks"]}
        self.assertEqual(outcomes, {"bad": "failed", "two": "succeeded", "p": "skipped"})

    def test_a_host_may_have_an_action_of_its_own(self):
        url = "http://" + self.mesh.agents["host"].address
        self.mesh.apply(f"projects:\n  p:\n    path: {self.path}\n    action: one\n"
                        f"    hosts: [{{url: '{url}'}}, {{url: '{url}', action: three}}]\n")
        self.succeeded(self.mesh.cromt("start", "p", "--wait"))
        self.assertEqual([task["host"] for task in self.mesh.show("last")["tasks"]], ["127.0.0.1", "127.0.0.1-2"])
        self.says(self.mesh.cromt("logs", "last", "1").out, ":: one")
        self.says(self.mesh.cromt("logs", "last", "2").out, ":: three")

    def test_a_dependency_may_be_given_other_values(self):
        self.mesh.apply(f"projects:\n  d: {{path: {self.path}, action: one, vars: {{WORKER: d}}}}\n"
                        f"  p: {{path: {self.path}, action: two, before: [{{name: d, action: three, vars: {{X: entry}}}}]}}\n")
        self.succeeded(self.mesh.cromt("start", "p", "--wait"))
        self.says(self.mesh.cromt("logs", "last", "d").out, ":: three d - entry")


if __name__ == "__main__":
    main()
