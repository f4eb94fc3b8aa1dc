#!/usr/bin/python3
"""Jobs in containers, on a real engine: what they see, how they end, what is refused, and that nothing is left."""

import os
import signal
import subprocess

from engine import Engine, Podman
from process import wait_for
from story import Story, main

ENGINE = None
PODMAN = os.environ.get("CROMT_TEST_ENGINE") == "podman"


def setUpModule():
    global ENGINE
    ENGINE = Podman() if PODMAN else Engine()
    ENGINE.image("bb:1")
    ENGINE.image("alpine", {"bin/bash": "#!/bin/sh\nexec sh \"$@\"\n"})  # as one that was bootstrapped


def tearDownModule():
    ENGINE.close()


class Containers(Story):
    """One host whose agent uses the engine; `config` is its configuration."""

    config = ""

    def setUp(self):
        super().setUp()
        self.mesh.environment["DOCKER_HOST"] = ENGINE.address
        flags = ["--config", self.mesh.write("agent.yaml", self.config)] if self.config else []
        self.host = self.mesh.start_agent("host", "--slots", "4", *flags)
        self.mesh.start_coordinator(local=self.host.address)
        self.addCleanup(self.nothing_is_left)

    def nothing_is_left(self):
        wait_for("no container is left", lambda: not ENGINE.containers())
        self.assertEqual(ENGINE.volumes(), [])

    def job(self, run, container="image: bb:1, network: none", more=""):
        self.mesh.apply(f"projects:\n  p:\n    run: {run!r}\n    container: {{{container}}}\n{more}")

    def run_job(self, *arguments, **settings):
        """Applies and runs it; the finished call."""
        self.job(*arguments, **settings)
        return self.mesh.cromt("start", "p", "--follow")

    def task(self):
        (task,) = self.mesh.show("last")["tasks"]
        return task


class Inside(Containers):
    def test_it_prints_and_ends_as_a_process_does(self):
        done = self.run_job("echo out; echo err >&2; exit 5")
        self.exited(1, done)
        self.says(done.out, "out\n")
        self.says(done.out + done.err, "err\n")
        self.assertEqual(self.task()["exit_code"], 5)
        self.succeeded(self.run_job("true"))
        self.run_job("kill -9 $$")
        self.assertEqual(self.task()["exit_code"], 137)

    def test_it_sees_its_own_environment_and_workspace(self):
        done = self.run_job("pwd; env; echo $((1+1)) > made; ls -a /workspace", more="    vars: {GREETING: \"it's $HOME\"}\n")
        self.succeeded(done)
        self.says(done.out, "/workspace\n", "GREETING=it's $HOME\n", "CROMT_WORKSPACE=/workspace\n", "HOME=/workspace\n", "CROMT_PROJECT=p\n", "made\n")
        self.assertNotIn(self.mesh.folder, done.out)

    def test_another_user_has_the_workspace(self):
        done = self.run_job("id -u; echo x > made; ls -ln made", "image: bb:1, network: none, user: '1234:1235'")
        self.succeeded(done)
        self.says(done.out, "1234\n", " 1234 ", " 1235 ")

    def test_artifacts_come_and_go(self):
        self.mesh.apply("""
projects:
  make:
    run: mkdir out; echo bytes > out/file
    container: {image: bb:1, network: none}
    artifacts: {out: [{file: file, path: out/file}]}
  take:
    run: cat .artifacts/file
    container: {image: bb:1, network: none}
    artifacts: {in: [file]}
    before: [{name: make}]
""")
        done = self.mesh.cromt("start", "take", "--follow")
        self.succeeded(done)
        self.says(done.out, "bytes\n")

    def test_limits_and_a_read_only_root(self):
        done = self.run_job("touch /x || touch /tmp/x && echo tmp; cat /proc/self/cgroup", "image: bb:1, network: none, read_only: true, pids: 20")
        self.succeeded(done)
        self.says(done.out + done.err, "Read-only file system", "tmp\n")
        done = self.run_job("x=a; while true; do x=$x$x$x$x; done", "image: bb:1, network: none, memory: 16MiB")
        self.exited(1, done)
        # Podman's service does not say it, so nor can we for certain.
        words = "killed, maybe for want of memory: its limit is" if PODMAN else "out of memory: it needed more than its limit of"
        self.says(self.task()["reason"], words + " 16.0 MiB")
        self.says(done.err, words)

    def test_much_output_comes_whole(self):
        done = self.run_job("seq 1 300000")
        self.succeeded(done)
        self.assertEqual(done.out, "".join(f"{n}\n" for n in range(1, 300001)))

    def test_what_it_leaves_in_the_background_ends_with_it(self):
        self.succeeded(self.run_job("(setsid sleep 1000 </dev/null >/dev/null 2>&1 &); echo done"))

    def test_the_articles_example_and_names_of_containers(self):
        self.mesh.apply("projects:\n  p:\n    run: cat /etc/passwd\n    sparrowdo: {docker: alpine, bootstrap: true, no_sudo: true}\n")
        done = self.mesh.cromt("start", "p", "--follow")
        self.succeeded(done)
        self.assertEqual(done.out, "root:x:0:0::/root:/bin/sh\n")


class Sparrow(Containers):
    def test_tasks_and_scenarios_run_inside(self):
        url = self.mesh.start_git_server()
        self.mesh.commit("repo", {
            ".tom/build.raku": 'task-run "tasks/greet", %( name => "it" );\n',
            "tasks/greet/task.sh": "echo greetings; pwd; cat /etc/passwd; echo made > .artifacts/made\n",
            "tasks/greet/task.check": "greetings\n",
        })
        self.mesh.apply(f"projects:\n  p:\n    path: {url}/repo.git\n    action: build\n    sparrowdo: {{docker: alpine, bootstrap: true, no_sudo: true}}\n    artifacts: {{out: [{{file: made, path: .artifacts/made}}]}}\n")
        done = self.mesh.cromt("start", "p", "--follow")
        self.succeeded(done)
        self.says(done.out, "greetings\n", "root:x:0:0::/root:/bin/sh\n", "True")
        self.mesh.commit("repo", {"tasks/greet/task.check": "farewell\n"})
        self.exited(1, self.mesh.cromt("start", "p", "--follow"))


class Refused(Containers):
    def refusal(self, *arguments):
        self.assertEqual(self.run_job(*arguments).code, 1)
        return self.task()["reason"] + self.mesh.cromt("logs", "last").out

    def test_what_is_not_there_is_named(self):
        self.says(self.refusal("true", "image: 'localhost:1/no-such:1', network: none"), "the image localhost:1/no-such:1 is not on this host and can't be fetched")
        self.says(self.refusal("true", "image: 'no-such:1', pull: never"), "the image no-such:1 is not on this host, and 'pull: never' keeps it from being fetched")
        self.says(self.refusal("/usr/bin/tool x", "image: bb:1, network: none"), "the image bb:1 has no /usr/bin/tool, which this job needs")
        self.says(self.refusal("true", "image: bb:1, network: nosuchnet"), "nosuchnet")

    def test_what_the_agent_does_not_allow(self):
        os.mkdir(self.mesh.path("secret"))
        for keys, words in {
            "privileged: true": ["be privileged", "'privileged'"],
            "network: host": ["use the host's network", "'host-network'"],
            "pid: host": ["see the host's processes", "'host-pid'"],
            "ipc: host": ["use the host's IPC", "'host-ipc'"],
            "capabilities: [NET_ADMIN]": ["have the capability NET_ADMIN", "'capability:NET_ADMIN'"],
            "devices: [/dev/kmsg]": ["use the device /dev/kmsg", "'device:/dev/kmsg'"],
            f"mounts: ['{self.mesh.path('secret')}:/s']": [f"see '{self.mesh.path('secret')}'", f"'mount:{self.mesh.path('secret')}'"],
            f"mounts: ['{ENGINE.socket}:/s']": [f"see '{ENGINE.socket}'"],
        }.items():
            with self.subTest(keys):
                self.says(self.refusal("echo began", f"image: bb:1, {keys}"), "this agent lets no container ", *words)
                self.assertNotIn("began", self.mesh.cromt("logs", "last", "--raw").out)

    def test_a_link_out_of_the_workspace_is_no_way_out(self):
        self.mesh.write("here/.tom/see.sh", "ls /m\n")
        self.mesh.write("here/data/file", "x\n")
        os.symlink("/etc", self.mesh.path("here", "out"))
        project = f"projects:\n  p:\n    path: {self.mesh.path('here')}\n    action: see\n    container: {{image: 'bb:1', network: none, mounts: ['SOURCE:/m:ro']}}\n"
        self.mesh.apply(project.replace("SOURCE", "data"))
        done = self.mesh.cromt("start", "p", "--follow")
        self.succeeded(done)
        self.says(done.out, "file\n")
        self.mesh.apply(project.replace("SOURCE", "out"))
        self.exited(1, self.mesh.cromt("start", "p", "--follow"))
        self.says(self.task()["reason"], "this agent lets no container see '/etc'")

    def test_without_an_engine(self):
        ENGINE.stop()
        try:
            self.says(self.refusal("true"), "no container engine answers: ", ENGINE.socket, "`engine` of the agent's configuration")
        finally:
            ENGINE.start()


class Ends(Containers):
    def begun(self, run, mark="begun"):
        self.job(run)
        identity = self.mesh.start("p")
        wait_for("it has begun", lambda: mark in self.mesh.cromt("logs", identity, "--raw").out)
        return identity

    def test_a_cancel_is_term_then_kill(self):
        run = self.begun("trap 'echo got it; exit 3' TERM; echo begun; while true; do sleep 0.05; done")
        self.succeeded(self.mesh.cromt("cancel", run))
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "canceled")
        self.says(self.mesh.cromt("logs", run, "--raw").out, "got it\n")
        self.job("trap '' TERM; echo begun; while true; do sleep 0.05; done", more="    grace: 1s\n")
        run = self.mesh.start("p")
        wait_for("it has begun", lambda: "begun" in self.mesh.cromt("logs", run, "--raw").out)
        self.succeeded(self.mesh.cromt("cancel", run))
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "canceled")

    def test_a_timeout(self):
        self.job("echo begun; sleep 1000", more="    timeout: 1s\n    grace: 1s\n")
        self.assertEqual(self.mesh.wait_finished(self.mesh.start("p"))["outcome"], "failed")
        self.assertEqual(self.task()["outcome"], "timed_out")

    def test_it_outlives_the_agent_and_the_engine(self):
        run = self.begun("echo begun; until [ -e go ]; do sleep 0.05; done; seq 1 1000; exit 4")
        self.host.kill()
        ENGINE.stop(kill=True)
        ENGINE.start()
        self.host.restart()
        box = wait_for("its box", lambda: subprocess.run(["find", self.host.data_dir + "/work", "-maxdepth", "1", "-name", "slot-*.box"], capture_output=True, check=True, text=True).stdout.split())[0]
        folder, slot = os.path.split(box[:-len(".box")])
        open(os.path.join(folder, slot.replace("slot", "gate"), slot, "go"), "w", encoding="utf-8").close()
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "failed")
        self.assertEqual((self.task()["exit_code"], self.task()["reason"]), (4, "exit code 4"))
        out = wait_for("its output", lambda: (text := self.mesh.cromt("logs", run, "--raw").out).endswith("1000\n") and text)
        self.assertEqual(out[out.index("1\n"):], "".join(f"{n}\n" for n in range(1, 1001)))

    def test_a_killed_launcher_leaves_no_container(self):
        run = self.begun("echo begun; sleep 1000")
        (launcher,) = self.mesh.launchers()
        os.kill(launcher, signal.SIGKILL)
        self.assertEqual(self.task_of(run)["outcome"], "lost")
        self.nothing_is_left()
        self.succeeded(self.run_job("echo again"))

    def test_a_killed_runner_leaves_no_container(self):
        run = self.begun("echo begun; sleep 1000")
        boxes = os.path.join(self.host.data_dir, "work", "slot-")
        (runner,) = subprocess.run(["pgrep", "-f", f"^[^ ]*cromt-container {boxes}"], capture_output=True, check=True, text=True).stdout.split()
        os.kill(int(runner), signal.SIGKILL)
        self.says(self.task_of(run)["reason"], "killed by signal 9 (KILL)")
        self.nothing_is_left()
        self.succeeded(self.run_job("echo again"))

    def task_of(self, run):
        self.mesh.wait_finished(run)
        (task,) = self.mesh.show(run)["tasks"]
        return task

    def test_many_leave_nothing(self):
        self.mesh.apply("projects:\n  p:\n    run: echo x\n    container: {image: bb:1, network: none}\n    hosts:\n" + f"    - url: http://{self.host.address}\n" * 40)
        done = self.mesh.cromt("start", "p", "--wait", timeout=120)
        self.succeeded(done)


class Allowed(Containers):
    def setUp(self):
        self.config = "containers:\n  allow: [host-pid, 'capability:NET_ADMIN', 'mount:/usr/share', root]\n"
        super().setUp()

    def test_what_the_configuration_allows(self):
        done = self.run_job("ls /share; ps | wc -l", "image: bb:1, network: none, pid: host, capabilities: [NET_ADMIN], user: root, mounts: ['/usr/share/doc:/share:ro']")
        self.succeeded(done)
        self.assertGreater(int(done.out.split()[-1]), 5)
        done = self.run_job("ls /share | wc -l; id -u", "image: bb:1, network: none, capabilities: [NET_ADMIN], user: root, mounts: ['/usr/share/doc:/share:ro']")
        self.succeeded(done)
        self.says(done.out, "\n0\n")


if __name__ == "__main__":
    main()
