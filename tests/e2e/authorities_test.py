#!/usr/bin/python3
"""One authority of a mesh follows another while jobs run; and certificates for users' programs."""

import json
import os

import grpc
import rpc
from founded import Founded
from process import read_text, wait_for
from story import Story, main

AGENT = rpc.agent.DESCRIPTOR.services_by_name["AgentService"]
ACCESS = rpc.access.DESCRIPTOR.services_by_name["AccessService"]
COORDINATOR = rpc.coordinator.DESCRIPTOR.services_by_name["CoordinatorService"]


def certificates(pem):
    return ["-----BEGIN CERTIFICATE" + part for part in pem.split("-----BEGIN CERTIFICATE")[1:]]


class Authorities(Story):
    mesh_kind = Founded

    def setUp(self):
        super().setUp()
        self.mesh.found()

    def ca(self, *words):
        done = self.mesh.cromt("ca", *words, "-o", "json")
        self.succeeded(done)
        return json.loads(done.out)

    def hand_over(self, maker, taker):
        """A job on two hosts, one of which fetches from the other."""
        hosts = {name: self.mesh.agents[name].address for name in (maker, taker)}
        self.mesh.apply(f"""
projects:
  make:
    run: mkdir -p .artifacts && echo from {maker} > .artifacts/note
    hosts: [{{url: 'http://{hosts[maker]}'}}]
    artifacts: {{out: [{{file: note, path: .artifacts/note}}]}}
  take:
    run: cat .artifacts/note
    hosts: [{{url: 'http://{hosts[taker]}'}}]
    before: [{{name: make}}]
    artifacts: {{in: [note]}}
""")
        done = self.mesh.cromt("start", "take", "--follow")
        self.succeeded(done)
        self.says(done.out, f"from {maker}\n")

    def shows_the_new(self, name, fingerprint_of_old):
        """Whether a host uses a certificate that another authority than that has signed."""
        _, issuer, *_ = certificates(self.mesh.identity_of(name))
        return issuer.strip() != fingerprint_of_old.strip()

    def test_one_follows_another_and_nothing_stops(self):
        for name in ("h1", "h2", "away"):
            self.mesh.add_agent(name)
        self.mesh.apply(f"projects:\n  long:\n    run: while ! test -e {self.mesh.path('go')}; do sleep 0.1; done; echo done\n"
                        f"    hosts: [{{url: 'http://{self.mesh.agents['h1'].address}'}}]\n", "long.yaml")
        long = self.mesh.start("long")
        self.hand_over("h1", "h2")
        self.mesh.agents["away"].kill()
        old_authority, old_identity = self.mesh.authorities, self.mesh.identity_of("h1")

        rotated = self.ca("rotate")
        self.assertEqual(len(rotated["authorities"]), 2)
        self.assertEqual(rotated["known_by"], self.mesh.fingerprint)
        self.hand_over("h2", "h1")
        self.assertEqual(self.mesh.cromt("ca", "rotate").code, 2)
        wait_for("the hosts that are there have followed", lambda: self.ca()["behind"] == ["away"])
        wait_for("they show it", lambda: all(self.shows_the_new(name, old_authority) for name in ("h1", "h2")))
        self.hand_over("h1", "h2")
        refused = self.mesh.cromt("ca", "retire")
        self.exited(2, refused)
        self.says(refused.err, "away has no certificate of the new authority yet")
        self.mesh.agents["away"].restart()
        wait_for("the one that was away has followed", lambda: self.ca()["behind"] == [])
        wait_for("it shows it", lambda: self.shows_the_new("away", old_authority))
        self.hand_over("away", "h2")
        # Who comes now still recognises the mesh by the old one.
        self.mesh.add_agent("h3")
        self.hand_over("h3", "h1")

        # The login has heard of the new one by being used.
        self.assertEqual(len(self.ca("retire")["authorities"]), 1)
        self.hand_over("h1", "away")
        wait_for("the hosts have given it up", lambda: all(
            old_authority.strip() not in read_text(self.mesh.path(name, "mesh", "authorities.pem")) for name in ("h1", "h2", "h3", "away")))
        wait_for("what the old one has signed is nothing any more", lambda: self.code(old_identity) == grpc.StatusCode.UNAVAILABLE)
        self.mesh.coordinator.kill()
        for name in ("h1", "h2"):
            self.mesh.agents[name].kill()
            self.mesh.agents[name].restart()
        self.mesh.coordinator.restart()
        self.hand_over("h2", "h1")
        self.assertNotIn(old_authority.strip(), read_text(self.login_file()).replace("\\n", "\n"))
        open(self.mesh.path("go"), "w", encoding="utf-8").close()
        self.assertEqual(self.mesh.wait_finished(long)["outcome"], "succeeded")
        self.succeeded(self.mesh.cromt("audit", "verify"))
        self.says(self.mesh.cromt("audit").out, "AccessService/RotateAuthority", "AccessService/RetireAuthority")

    def login_file(self):
        folder = self.mesh.path("home", ".config", "cromt", "logins")
        (name,) = [name for name in os.listdir(folder) if name.endswith(".json")]
        return os.path.join(folder, name)

    def code(self, identity):
        try:
            self.mesh.client(ACCESS, identity=identity).call("WhoAmI")
        except grpc.RpcError as error:
            return error.code()
        return grpc.StatusCode.OK

    def test_who_was_left_out_is_invited_anew(self):
        host = self.mesh.add_agent("h1")
        host.kill()
        self.ca("rotate")
        self.ca("retire", "--anyway")
        host.restart()
        # It does not know who calls, and is not called by who knows it.
        # While the coordinator changes its own certificate a call may find nobody.
        agents = lambda: self.mesh.cromt("agents", "-o", "json").out.splitlines()
        wait_for("it is not reached", lambda: any(json.loads(line)["state"] != "up" for line in agents()))
        self.succeeded(self.mesh.cromt("agents", "remove", "h1"))
        host.kill()
        os.rename(self.mesh.path("h1"), self.mesh.path("left-out"))
        self.mesh.fingerprint = self.ca()["known_by"]
        wait_for("the coordinator shows the new one", lambda: self.code(None) != grpc.StatusCode.UNAVAILABLE)
        self.mesh.add_agent("h1")
        self.mesh.add_agent("h2")
        self.hand_over("h1", "h2")


class Programs(Story):
    mesh_kind = Founded

    def setUp(self):
        super().setUp()
        self.mesh.found()
        self.host = self.mesh.add_agent("h1")

    def made(self, name, *flags):
        self.succeeded(self.mesh.cromt("certificates", "create", self.mesh.path(name), *flags))
        self.assertEqual(os.stat(self.mesh.path(name)).st_mode & 0o777, 0o600)
        return read_text(self.mesh.path(name))

    def at_agent(self, identity):
        return rpc.Client(self.host.address, AGENT, self.mesh.tls("h1", identity))

    def says_no(self, client, name="List"):
        with self.assertRaises(grpc.RpcError) as caught:
            client.call(name)
        return caught.exception.details()

    def test_a_program_puts_jobs_on_a_host_until_its_certificate_is_revoked(self):
        mine = self.made("mine.pem", "--agent-submit", "--for", "1d")
        client = self.at_agent(mine)
        job = client.call("Submit", request_id="r1", spec=rpc.shell("echo by certificate")).job_id
        self.assertEqual(list(client.call("Watch", job_id=job))[-1].result.status.code, 0)
        self.assertEqual(b"".join(chunk.data for chunk in client.call("Logs", job_id=job)), b"by certificate\n")
        # It is a user's: what agents and coordinator have between themselves is not for it.
        hello = rpc.agent.ToAgent(hello=rpc.agent.ToAgent.Hello(mesh=self.mesh.mesh_id, epoch=1 << 40, session=1, protocol=rpc.SESSION_PROTOCOL))
        with self.assertRaises(grpc.RpcError) as caught:
            list(client.session([hello]))
        self.assertIn("user admin may not make this call", caught.exception.details())
        plain = self.made("plain.pem")
        self.assertIn("may not make this call", self.says_no(self.at_agent(plain)))
        self.assertEqual(self.mesh.client(ACCESS, identity=plain).call("WhoAmI").name, "admin")
        self.mesh.client(COORDINATOR, identity=plain).call("ListProjects")
        self.succeeded(self.mesh.cromt("certificates", "revoke"))
        wait_for("the host has heard of it, on the open connection too", lambda: self.revoked(client))
        self.assertIn("revoked", self.says_no(self.mesh.client(ACCESS, identity=plain), "WhoAmI"))

    def revoked(self, client):
        try:
            client.call("List")
        except grpc.RpcError as error:
            return "revoked" in error.details()
        return False

    def test_only_an_admin_passes_the_coordinator_by(self):
        self.succeeded(self.mesh.log_in(self.mesh.token_of("otto", "operator")))
        refused = self.mesh.cromt("certificates", "create", self.mesh.path("x.pem"), "--agent-submit")
        self.exited(3, refused)
        self.assertFalse(os.path.exists(self.mesh.path("x.pem")))
        self.exited(2, self.mesh.cromt("certificates", "create", self.mesh.path("x.pem"), "--for", "31d"))
        self.exited(3, self.mesh.cromt("certificates", "revoke", "--user", "admin"))
        plain = self.made("plain.pem")
        self.assertEqual(self.mesh.client(ACCESS, identity=plain).call("WhoAmI").role, "operator")


if __name__ == "__main__":
    main()
