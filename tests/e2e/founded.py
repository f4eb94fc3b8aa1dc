"""A mesh with mutual TLS: founded by `init`, its hosts joined by invitations, the command line logged in."""

import json
import os
import socket
import subprocess

import rpc
from mesh import BIN, Mesh
from process import Program, read_text

COORDINATOR = "cromt-coordinator"  # the name in its certificate for those who know nothing of ours


def free_address():
    """Of a port that nobody has now: where a host is reached must be known before it serves."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"127.0.0.1:{probe.getsockname()[1]}"


class Founded(Mesh):
    def __init__(self):
        super().__init__()
        self.environment.pop("XDG_CONFIG_HOME", None)  # of logins

    def found(self, **settings):
        """Init and start; the admin is logged in."""
        address = free_address()
        data_dir = self.path("coordinator")
        done = self.program("cromt-coordinator", "init", "--data-dir", data_dir, "--advertise", address, "-o", "json")
        assert done.returncode == 0, done.stderr
        founded = json.loads(done.stdout)
        self.mesh_id, self.fingerprint, self.admin_token = founded["mesh"], founded["fingerprint"], founded["admin_token"]
        self.write_config(**settings)
        self.coordinator = Program([os.path.join(BIN, "cromt-coordinator"), "--listen", address, "--advertise", address,
                                    "--http", "127.0.0.1:0", "--config", self.path("mesh.yaml")], data_dir, self.environment)
        self.coordinator.start()
        done = self.log_in(self.admin_token)
        assert done.code == 0, done
        return self.coordinator

    def program(self, name, *arguments, typed="", timeout=60):
        return subprocess.run([os.path.join(BIN, name), *arguments], input=typed, env=self.environment, capture_output=True, text=True, timeout=timeout)

    def log_in(self, token):
        """The command line is this token's user from now on."""
        self.write("token", token)
        return self.cromt_at(None, "login", self.coordinator.address, "--ca-fingerprint", self.fingerprint, "--token-file", self.path("token"))

    def cromt_at(self, address, *arguments):
        """A call of the command line that names this coordinator, or none."""
        coordinator, self.coordinator = self.coordinator, None
        try:
            return self.cromt(*arguments, *(["--coordinator", address] if address else []))
        finally:
            self.coordinator = coordinator

    def invite(self, name, address):
        (line,) = self.cromt("agents", "invite", name, "--address", address, "-o", "json").out.splitlines()
        return json.loads(line)

    def join(self, name, address, token, *flags, fingerprint=None, data_dir=None):
        return self.program("cromt-agent", "join", self.coordinator.address, "--name", name, "--ca-fingerprint", fingerprint or self.fingerprint,
                            "--data-dir", data_dir or self.path(name), "--listen", address, *flags, typed=token + "\n")

    def add_agent(self, name):
        """Invited, joined, started."""
        address = free_address()
        done = self.join(name, address, self.invite(name, address)["token"])
        assert done.returncode == 0, done.stdout + done.stderr
        self.agents[name] = Program([os.path.join(BIN, "cromt-agent"), "--listen", address], self.path(name), self.environment)
        return self.agents[name].start()

    # ---- As others see it -------------------------------------------------------------------------

    @property
    def authorities(self):
        return read_text(self.path("coordinator", "access", "ca.pem"))

    def identity_of(self, name):
        return read_text(self.path(name, "mesh", "identity.pem"))

    def tls(self, server=COORDINATOR, identity=None, authorities=None):
        return rpc.Tls(authorities or self.authorities, server, identity)

    def client(self, service, token=None, identity=None):
        """Of a service of the coordinator's."""
        return rpc.Client(self.coordinator.address, service, self.tls(identity=identity), token)

    def token_of(self, user, role, *projects):
        """A new user's."""
        where = [word for project in projects for word in ("--project", project)]
        done = self.cromt("users", "set", user, "--role", role, *where)
        assert done.code == 0, done
        return self.cromt("tokens", "create", "--user", user, "-o", "quiet").out.strip()
