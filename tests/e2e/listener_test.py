#!/usr/bin/python3
"""Who may listen where, and who may call: loopback is no authentication, the kernel's word on the caller is."""

import os
import pwd
import shutil
import subprocess

from mesh import BIN
from process import as_user, wait_for
from story import Story, main

# What a stranger tries: a call of the agent's or the coordinator's service, or of the health service.
CALL = """
import grpc, sys
channel = grpc.insecure_channel(sys.argv[1])
try:
    channel.unary_unary(sys.argv[2])(b"", timeout=10)
    print("served")
except grpc.RpcError as error:
    print(error.code().name, error.details())
"""
CALLS = {"agent": ["/cromt.v1.AgentService/List", "/grpc.health.v1.Health/Check"],
         "coordinator": ["/cromt.v1.CoordinatorService/ListRuns", "/grpc.health.v1.Health/Check"]}


class Listening(Story):
    def run_program(self, program, *flags, data="data"):
        """A program that is to refuse: its exit code and its text."""
        done = subprocess.run([os.path.join(BIN, program), "--data-dir", self.mesh.path(data), *flags], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, env=self.mesh.environment, timeout=20)
        return done.returncode, done.stdout + done.stderr

    def refuses(self, program, *flags, says, data="data"):
        code, text = self.run_program(program, *flags, data=data)
        self.assertEqual(code, 2, text)
        self.says(text, *says)

    def test_beyond_loopback_only_with_insecure(self):
        for program in ("cromt-agent", "cromt-coordinator"):
            for address in ("0.0.0.0:0", "[::]:0"):
                with self.subTest(program, address=address):
                    self.refuses(program, "--listen", address, says=["mutual TLS", "--insecure"])

    def test_insecure_is_warned_of_on_every_start(self):
        agent = self.mesh.start_agent("agent", "--insecure")
        coordinator = self.mesh.start_coordinator(insecure=True)
        for program in (agent, coordinator):
            wait_for("a warning", lambda p=program: "--insecure" in p.log())
            program.terminate()
            program.restart()
            wait_for("a second warning", lambda p=program: p.log().count("--insecure") >= 2)

    def test_a_port_has_one_listener(self):
        taken = self.mesh.start_agent("agent").address
        for program in ("cromt-agent", "cromt-coordinator"):
            with self.subTest(program):
                self.refuses(program, "--listen", taken, says=[taken])

    def test_a_data_directory_has_one_program(self):
        self.mesh.start_all("agent")
        self.refuses("cromt-agent", "--listen", "127.0.0.1:0", data="agent", says=[self.mesh.path("agent")])
        self.refuses("cromt-coordinator", "--listen", "127.0.0.1:0", data="coordinator", says=[self.mesh.path("coordinator")])

    def test_bad_usage(self):
        for program in ("cromt-agent", "cromt-coordinator"):
            with self.subTest(program):
                self.refuses(program, "--listen", "nonsense", says=["nonsense"])
                self.refuses(program, "--no-such-flag", says=["--no-such-flag"])
                self.refuses(program, "--config", self.mesh.write("bad.yaml", "listn: x\n"), says=["bad.yaml:1:1", "listn", "listen"])


class Calling(Story):
    """Called over TCP as root, as the program's own user, and as somebody else."""

    def setUp(self):
        super().setUp()
        self.python = shutil.which("python3", path="/usr/bin")
        self.mesh.start_all("agent")
        self.programs = {"agent": self.mesh.agents["agent"], "coordinator": self.mesh.coordinator}

    def call_as(self, user, address, method):
        done = subprocess.run([*as_user(user), self.python, "-c", CALL, address, method], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, cwd="/", timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def test_somebody_else_is_refused(self):
        for name, program in self.programs.items():
            for method in CALLS[name]:
                with self.subTest(name, method=method):
                    self.assertEqual(self.call_as("root", program.address, method), "served")
                    self.assertNotEqual(self.call_as("nobody", program.address, method), "served")
                    self.says(program.log(), str(pwd.getpwnam("nobody").pw_uid))
                    self.assertEqual(self.call_as("root", program.address, method), "served")

    def test_the_programs_own_user_is_let_in(self):
        """An agent of `nobody` serves nobody and root, not a third user."""
        data, binaries = self.mesh.path("theirs"), self.mesh.path("bin")
        os.mkdir(data)
        subprocess.run([*as_user("root"), "chown", "nobody", data], check=True)
        os.mkdir(binaries)  # ours may lie where nobody else can go
        for program in ("cromt-agent", "cromt-launcher", "cromt-step"):
            shutil.copy(os.path.join(BIN, program), binaries)
        agent = self.mesh.start_agent("theirs", binaries=binaries, before=as_user("nobody"))
        method = CALLS["agent"][0]
        self.assertEqual(self.call_as("nobody", agent.address, method), "served")
        self.assertEqual(self.call_as("root", agent.address, method), "served")
        self.assertNotEqual(self.call_as("daemon", agent.address, method), "served")


if __name__ == "__main__":
    main()
