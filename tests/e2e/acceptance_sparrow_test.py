#!/usr/bin/python3
"""The acceptance cases about Sparrow's own language: scenarios, hooks, checks, and tasks in other languages."""

import functools
import http.server
import os
import subprocess
import threading

from acceptance import Acceptance, action
from mesh import BIN
from story import main


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Sparrow(Acceptance):
    def add_files(self, files):
        self.commit = self.mesh.commit("r", files)

    def shown(self):
        """The text of the last run's only task, without times."""
        lines = self.mesh.cromt("logs", "last").out.splitlines()
        return [line.split(" :: ", 1)[1] if " :: " in line[:12] else line for line in lines]

    def serve(self, folder):
        """Its files over http, until the test's end."""
        handler = functools.partial(QuietHandler, directory=folder)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(lambda: (server.shutdown(), thread.join(), server.server_close()))
        return f"http://127.0.0.1:{server.server_port}"

    def test_30_the_environment_chosen_goes_over_what_holds_for_any(self):
        self.add_files({".tom/env/config.any.raku": "%( db => %( host => 'any', port => 1 ), name => 'any' )\n",
                        ".tom/env/config.prod.raku": "%( db => %( host => 'prod' ), extra => 'x' )\n",
                        ".tom/show.raku": "say config()<db><host>, ' ', config()<db><port>, ' ', config()<name>, ' ', config()<extra>;\n"})
        self.begin()
        self.apply(p={"action": "show", "options": "--env=prod --verbose"})
        self.do("p")
        self.says(self.raw("p"), "prod 1 any x\n")

    def test_31_subtasks_then_what_the_hook_says_then_the_task(self):
        self.add_files({**action("hooked", "echo main\n"),
                        "tasks/hooked/hook.bash": "run_task sub n 1; run_task sub n 2; set_stdout text\n",
                        "tasks/hooked/tasks/sub/task.bash": "echo sub $n\n"})
        self.begin()
        self.apply(p={"action": "hooked"})
        self.do("p")
        heading = ["[task run: task.bash - tasks/hooked]", "[task stdout]"]
        self.assertEqual(self.shown(), [*heading, "sub 1", *heading, "sub 2", "[hook stdout]", "text", *heading, "main"])

    def test_32_an_error_may_be_ignored(self):
        self.add_files({".tom/go.raku": "task-run 'tasks/hooked'; say 'goes on';\n", "tasks/hooked/task.bash": "exit 3\n",
                        "tasks/hooked/hook.bash": "ignore_error\n"})
        self.begin()
        self.apply(p={"action": "go"})
        self.do("p")
        self.assertEqual(self.raw("p"), "goes on\n")

    def test_33_a_check_that_fails_ends_the_scenario_with_two(self):
        self.add_files({".tom/go.raku": "task-run 'tasks/checked'; say 'never';\n", "tasks/checked/task.bash": "echo hello\n",
                        "tasks/checked/task.check": "hello\nregexp: good \\s bye\n"})
        self.begin()
        self.apply(p={"action": "go"})
        self.do("p", code=1)
        self.assertEqual(self.shown(), ["[task run: task.bash - tasks/checked]", "[task stdout]", "hello", "[task check]",
                                        "stdout match <hello> True", "stdout match <good \\s bye> False",
                                        "=================", "TASK CHECK FAIL"])
        self.assertEqual(self.tasks()["p@local"]["exit_code"], 2)

    def test_34_a_task_in_perl_runs_once(self):
        file = self.mesh.path("story", "lines")
        self.add_files({**action("once", ""), "tasks/once/task.bash": "", "tasks/once/task.pl":
                        "open my $file, '>>', config()->{file}; print $file \"a line\\n\";\n",
                        "tasks/once/config.yaml": f"file: {file}\n"})
        self.begin()
        self.apply(p={"action": "once"})
        self.do("p")
        with open(file, encoding="utf-8") as lines:
            self.assertEqual(lines.read(), "a line\n")

    def test_a_plugin_of_the_agents_sparrow_repository(self):
        self.mesh.write("sparrow/task/task.bash", "echo \"plugin says $(config word)\"\n")
        self.mesh.write("sparrow/api/v1/index", "speaker 0.000002\n")
        self.mesh.write("sparrow/plugins/none", "")
        subprocess.run(["tar", "-czf", self.mesh.path("sparrow/plugins/speaker-v0.000002.tar.gz"), "-C",
                        self.mesh.path("sparrow/task"), "."], check=True)
        url = self.serve(self.mesh.path("sparrow"))
        pins = subprocess.run([os.path.join(BIN, "cromt-step"), "--pin", url, "speaker"], env=self.mesh.environment,
                              stdout=subprocess.PIPE, check=True).stdout.decode()
        self.add_files({".tom/go.raku": "task-run 'to speak', 'speaker', %( word => 'hello' );\n"})
        self.mesh.start_agent("a", "--config", self.mesh.write("agent.yaml", pins))
        self.mesh.start_coordinator()
        self.apply(p={"action": "go"})
        self.do("p")
        self.assertEqual(self.raw("p"), "plugin says hello\n")

    def test_cromt_step_is_small_enough_to_be_copied_anywhere(self):
        self.assertLess(os.path.getsize(os.path.join(BIN, "cromt-step")), 5_000_000)


if __name__ == "__main__":
    main()
