#!/usr/bin/python3
"""The programs as services: what they say to the manager that has started them, and to the journal.

Runs in a namespace of its own, where /run is the test's: there is the journal.
"""

import os
import signal
import socket
import subprocess

import namespaces
from manager import Manager, Stopped, thread_named
from mesh import BIN
from process import alive, read_text, wait_for
from story import Story, main

PATIENCE = 1.0


def notified(program):
    return "NOTIFY_SOCKET" in read_text(f"/proc/{program}/environ")


class Service(Story):
    def setUp(self):
        super().setUp()
        self.manager = Manager(self.mesh.path("notify"))
        self.addCleanup(self.manager.close)

    def serve(self, start, patience=None):
        """What `start` starts is a service of the manager."""
        words = self.manager.environment(patience)
        self.mesh.environment.update(words)
        try:
            return start()
        finally:
            for name in words:
                del self.mesh.environment[name]

    def test_they_say_when_they_serve_and_when_they_stop(self):
        for start in (lambda: self.mesh.start_agent("host"), self.mesh.start_coordinator):
            program = self.serve(start)
            with self.subTest(program.name):
                said = self.manager.wait("READY")
                self.assertEqual(said, {"READY": "1", "STATUS": f"serves {program.address}"})
                self.assertIsNone(self.manager.next(0.01))
                self.assertEqual(program.terminate(), 0)
                self.assertEqual(self.manager.wait("STOPPING")["STATUS"], "stopping; jobs go on")

    def test_a_port_in_use_is_never_ready(self):
        agent = self.mesh.start_agent("host")
        done = subprocess.run([os.path.join(BIN, "cromt-agent"), "--listen", agent.address, "--data-dir", self.mesh.path("other")], timeout=30,
                              check=False, capture_output=True, env={**self.mesh.environment, **self.manager.environment()})
        self.assertEqual(done.returncode, 2)
        said = []
        while (one := self.manager.next(0.01)) is not None:
            said.append(one)
        self.assertFalse([one for one in said if "READY" in one], said)

    def test_what_they_start_is_not_told_of_the_manager(self):
        self.serve(lambda: self.mesh.start_agent("host"))
        (launcher,) = self.mesh.launchers()
        self.assertFalse(notified(launcher))

    def hangs(self, start, thread):
        program = self.serve(start, PATIENCE)
        self.manager.wait("WATCHDOG")
        self.manager.wait("WATCHDOG")
        with Stopped(thread_named(program.process.pid, thread)):
            self.manager.drain()
            self.assertIsNone(self.manager.next(2 * PATIENCE))
            self.assertIsNone(program.process.poll())
        self.manager.wait("WATCHDOG")

    def test_an_agent_whose_supervisor_hangs_is_silent(self):
        self.hangs(lambda: self.mesh.start_agent("host"), "supervisor")

    def test_a_coordinator_whose_loop_hangs_is_silent(self):
        self.hangs(self.mesh.start_coordinator, "loop")

    # ---- The launcher as a service of its own ---------------------------------------------------

    def start_launcher(self):
        with open(self.mesh.path("launcher.log"), "ab") as log:
            process = subprocess.Popen([os.path.join(BIN, "cromt-launcher"), "--data-dir", self.mesh.path("host"), "--service"],
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**self.mesh.environment, **self.manager.environment()})
        self.addCleanup(lambda: (process.kill(), process.wait()))
        self.manager.wait("READY")
        return process

    def job(self):
        """A run that has begun, and the pid of its process."""
        path = self.mesh.path("pid")
        self.mesh.apply(f"projects: {{long: {{run: 'echo $$ >{path}; trap \"exit 3\" TERM; while :; do sleep 0.05; done'}}}}\n")
        run = self.mesh.start("long")
        pid = int(wait_for("the job runs", lambda: (text := read_text(path)).endswith("\n") and text))
        return run, pid

    def test_an_agent_uses_the_launcher_that_is_a_service_and_waits_for_it(self):
        launcher = self.start_launcher()
        agent = self.mesh.start_agent("host", "--launcher", "service")
        self.mesh.start_coordinator()
        self.assertEqual(self.mesh.launchers(), [launcher.pid])
        agent.terminate()
        agent.restart()
        self.assertEqual(self.mesh.launchers(), [launcher.pid])
        launcher.kill()
        launcher.wait()
        wait_for("the agent notices", lambda: "broke" in agent.log())
        self.assertEqual(self.mesh.launchers(), [])
        launcher = self.start_launcher()
        self.mesh.apply("projects: {hello: {run: echo hello}}\n")
        self.succeeded(self.mesh.cromt("start", "hello", "--wait"))
        self.assertEqual(self.mesh.launchers(), [launcher.pid])

    def test_a_launcher_that_is_a_service_stops_its_jobs_when_it_is_stopped(self):
        launcher = self.start_launcher()
        self.mesh.start_agent("host", "--launcher", "service")
        self.mesh.start_coordinator()
        run, pid = self.job()
        launcher.send_signal(signal.SIGTERM)
        self.manager.wait("STOPPING")
        self.assertEqual(launcher.wait(timeout=15), 0)
        self.assertFalse(alive(pid))
        self.start_launcher()
        self.mesh.wait_finished(run)
        (task,) = self.mesh.show(run)["tasks"]
        self.assertEqual(task["outcome"], "lost")
        self.says(task["reason"], "it was told to stop, so it had stopped its jobs and left")

    def test_an_agent_says_who_may_start_its_launcher(self):
        done = subprocess.run([os.path.join(BIN, "cromt-agent"), "--launcher", "nobody"], capture_output=True, text=True, check=False, timeout=30)
        self.assertEqual(done.returncode, 2)
        self.says(done.stderr, "launcher: 'nobody': write agent or service")

    # ---- The journal ----------------------------------------------------------------------------

    def test_the_journal_gets_fields(self):
        os.makedirs("/run/systemd/journal")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stream:
            journal.bind("/run/systemd/journal/socket")
            stream.bind(self.mesh.path("stream"))
            journal.settimeout(30)
            info = os.fstat(stream.fileno())
            agent = subprocess.Popen([os.path.join(BIN, "cromt-agent"), "--listen", "127.0.0.1:0", "--data-dir", self.mesh.path("host")],
                                     stderr=stream, stdin=subprocess.DEVNULL, env={**self.mesh.environment, "JOURNAL_STREAM": f"{info.st_dev}:{info.st_ino}"})
            try:
                fields = dict(line.split("=", 1) for line in journal.recv(65536).decode().splitlines())
            finally:
                agent.terminate()
                agent.wait(timeout=15)
        identity = read_text(self.mesh.path("host", "agent-id")).strip()
        self.says(fields.pop("MESSAGE"), f"agent {identity} serves 127.0.0.1:")
        self.assertEqual(fields, {"PRIORITY": "6", "SYSLOG_IDENTIFIER": "cromt-agent", "CROMT_PROGRAM": "cromt-agent", "CROMT_AGENT": identity})


if __name__ == "__main__":
    namespaces.enter()
    namespaces.mount_tmpfs("/run")
    main()
