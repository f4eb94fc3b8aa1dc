#!/usr/bin/python3
"""Programs are replaced on disk by another version, or are gone from it, while they and their jobs run: jobs go on, their
output is whole and their exit is known; what is started afterwards is what lies there now."""

import os
import shutil
import signal

from install import install, versions
from process import read_text, wait_for
from story import Story, main

OUTPUT = "before\n" + "".join(f"{n}\n" for n in range(1, 501)) + "after\n"


class Upgrade(Story):
    """A job that waits in its middle under cromt-step, and one after it; the programs in a folder of their own."""

    def setUp(self):
        super().setUp()
        self.bin = self.mesh.path("bin")
        install(self.bin)
        self.agent = self.mesh.start_agent("host", binaries=self.bin)
        self.coordinator = self.mesh.start_coordinator(binaries=self.bin, allow_local_git=True)
        self.starts, self.gate = self.mesh.path("starts"), self.mesh.path("gate")
        self.mesh.commit("r", {".tom/wait.bash": f"echo $$ >>{self.starts}\necho before\nuntil [ -e {self.gate} ]; do sleep 0.02; "
                                                 "done\nseq 500\necho after\nexit 7\n",
                               ".tom/say.bash": "echo $WORD\n"})
        url = f"file://{self.mesh.path('git', 'r.git')}"
        self.mesh.apply(f"""
projects:
  slow: {{path: '{url}', action: wait, after: [{{name: next, when: failure}}]}}
  next: {{path: '{url}', action: say, vars: {{WORD: next}}}}
  quick: {{path: '{url}', action: say, vars: {{WORD: quick}}}}
""")
        self.run_id = self.mesh.start("slow")
        wait_for("the job runs", lambda: read_text(self.starts).endswith("\n"))

    def exes(self):
        """What the kernel says of the files that the programs run from."""
        pids = [self.agent.process.pid, self.coordinator.process.pid, *self.mesh.launchers()]
        return [os.readlink(f"/proc/{pid}/exe") for pid in pids]

    def quick(self):
        """Another task, from the repository to its end."""
        self.mesh.commit("r", {"n": str(len(self.mesh.cromt("runs", "-o", "json").out.splitlines()))})
        self.succeeded(self.mesh.cromt("start", "quick", "--wait"))
        self.says(self.mesh.cromt("logs", "last").out, "quick")

    def kill_launchers(self):
        for pid in self.mesh.launchers():
            os.kill(pid, signal.SIGKILL)

    def move_to(self, folder):
        """Who is restarted is started from there."""
        for program in (self.agent, self.coordinator):
            index = next(i for i, word in enumerate(program.command) if os.path.basename(word).startswith("cromt-"))
            program.command[index] = os.path.join(folder, os.path.basename(program.command[index]))

    def version(self):
        wait_for("the agent is up", lambda: '"state":"up"' in self.mesh.cromt("agents", "-o", "json").out)
        return self.mesh.cromt("agents", "-o", "json").out

    def goes_on_as_if_nothing_had_happened(self):
        self.mesh.write("gate", "")
        run = self.mesh.wait_finished(self.run_id)
        tasks = {task["name"]: task for task in run["tasks"]}
        self.assertEqual((tasks["slow"]["exit_code"], tasks["slow"]["attempt"], tasks["next"]["outcome"]), (7, 1, "succeeded"), run)
        self.assertEqual(len(read_text(self.starts).splitlines()), 1, "the job started twice")
        self.says(self.mesh.cromt("logs", self.run_id, "slow", "--raw").out, OUTPUT)
        self.says(self.mesh.cromt("logs", self.run_id, "next", "--raw").out, "next\n")

    def test_another_version_takes_their_place(self):
        own, other = versions()
        self.says(self.version(), own)
        install(self.bin, other=True)
        self.assertEqual([exe for exe in self.exes() if not exe.endswith(" (deleted)")], [])
        self.quick()  # the old ones with the new cromt-git and cromt-step
        self.assertEqual(self.agent.terminate(), 0)
        self.agent.restart()
        self.says(self.version(), other)  # an old coordinator, and a new agent that has taken over an old launcher
        self.quick()
        self.assertEqual(self.coordinator.terminate(), 0)
        self.coordinator.restart()
        self.assertEqual([os.path.basename(exe) for exe in self.exes() if exe.endswith(" (deleted)")], ["cromt-launcher (deleted)"])
        self.quick()
        self.goes_on_as_if_nothing_had_happened()

    def test_they_are_killed_and_come_back_from_elsewhere(self):
        elsewhere = self.mesh.path("elsewhere")
        install(elsewhere, other=True)
        shutil.rmtree(self.bin)
        self.move_to(elsewhere)
        self.agent.kill()
        self.agent.restart()
        self.coordinator.kill()
        self.coordinator.restart()
        self.quick()
        self.goes_on_as_if_nothing_had_happened()
        self.kill_launchers()
        self.quick()
        self.assertEqual([exe for exe in self.exes() if os.path.dirname(exe) != elsewhere], [])

    def test_an_agent_whose_file_was_replaced_finds_its_launcher(self):
        install(self.bin, other=True)
        self.goes_on_as_if_nothing_had_happened()
        self.kill_launchers()
        self.quick()
        self.assertEqual(os.readlink(f"/proc/{self.mesh.launchers()[0]}/exe"), os.path.join(self.bin, "cromt-launcher"))

    def test_where_nothing_is_left_it_is_said(self):
        self.goes_on_as_if_nothing_had_happened()
        shutil.rmtree(self.bin)
        self.mesh.apply("projects: {plain: {run: echo plain}}\n", name="plain.yaml")
        done = self.mesh.cromt("start", "quick", "--wait")
        self.exited(1, done)
        self.says(self.mesh.cromt("show", "last").out, f"starting git helper {self.bin}/cromt-git: No such file or directory")
        self.kill_launchers()
        self.assertEqual(self.agent.process.wait(timeout=30), 1)
        self.says(self.agent.log(), f"can't go on: starting {self.bin}/cromt-launcher: No such file or directory; jobs go on")
        run = self.mesh.start("plain")
        install(self.bin)
        self.agent.restart()
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "succeeded")


if __name__ == "__main__":
    main()
