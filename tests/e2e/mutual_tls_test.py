#!/usr/bin/python3
"""A mesh is founded, hosts join it, and who is not of it gets nowhere."""

import json
import os
import stat

import grpc
import blob_line
import rpc
from founded import COORDINATOR, Founded, free_address
from process import wait_for
from story import Story, main

AGENT = rpc.agent.DESCRIPTOR.services_by_name["AgentService"]
ACCESS = rpc.access.DESCRIPTOR.services_by_name["AccessService"]


class OfAMesh(Story):
    mesh_kind = Founded

    def job(self, name):
        self.mesh.apply(f"projects:\n  p:\n    run: echo hello\n    hosts: [{{url: 'http://{self.mesh.agents[name].address}'}}]\n")
        return self.mesh.cromt("start", "p", "--follow")

    def refused(self, call, code=grpc.StatusCode.PERMISSION_DENIED, says=""):
        with self.assertRaises(grpc.RpcError) as caught:
            answer = call()
            if hasattr(answer, "__iter__"):
                list(answer)
        self.assertEqual(caught.exception.code(), code, caught.exception.details())
        self.assertIn(says, caught.exception.details())


class Founding(OfAMesh):
    def test_from_nothing_to_a_job(self):
        self.mesh.found()
        first = self.mesh.add_agent("h1")
        second = self.mesh.add_agent("h2")
        self.mesh.apply(f"""
projects:
  make:
    run: mkdir -p .artifacts && echo by mutual TLS > .artifacts/note
    hosts: [{{url: 'http://{first.address}'}}]
    artifacts: {{out: [{{file: note, path: .artifacts/note}}]}}
  take:
    run: cat .artifacts/note
    hosts: [{{url: 'http://{second.address}'}}]
    before: [{{name: make}}]
    artifacts: {{in: [note]}}
""")
        done = self.mesh.cromt("start", "take", "--follow")
        self.succeeded(done)
        self.says(done.out, "by mutual TLS\n")
        agents = self.mesh.cromt("agents", "-o", "json").out
        self.says(agents, '"h1"', '"h2"')
        self.says(self.mesh.cromt("audit").out, "AccessService/Join", "CoordinatorService/Start")
        self.succeeded(self.mesh.cromt("audit", "verify"))

    def test_it_goes_on_after_restarts(self):
        self.mesh.found()
        host = self.mesh.add_agent("h1")
        self.succeeded(self.job("h1"))
        self.mesh.coordinator.kill()
        host.kill()
        host.restart()
        self.mesh.coordinator.restart()
        self.succeeded(self.mesh.cromt("start", "p", "--follow"))

    def test_nobody_else_can_read_a_key(self):
        self.mesh.found()
        self.mesh.add_agent("h1")
        for path in ("coordinator/access/ca.key", "coordinator/access/identity.pem", "coordinator/access/access.db",
                     "h1/mesh/identity.pem", "home/.config/cromt/logins"):
            mode = stat.S_IMODE(os.stat(self.mesh.path(path)).st_mode)
            self.assertEqual(mode & 0o077, 0, path)

    def test_a_mesh_whose_access_data_is_gone_or_foreign_does_not_start(self):
        self.mesh.found()
        self.mesh.coordinator.kill()
        key = self.mesh.path("coordinator", "access", "ca.key")
        os.rename(key, key + ".away")
        done = self.mesh.program("cromt-coordinator", "--data-dir", self.mesh.path("coordinator"), "--listen", "127.0.0.1:0")
        self.assertNotEqual(done.returncode, 0)
        os.rename(key + ".away", key)
        done = self.mesh.program("cromt-coordinator", "--data-dir", self.mesh.path("coordinator"), "--listen", "127.0.0.1:0", "--insecure")
        self.assertEqual(done.returncode, 2)
        os.rename(self.mesh.path("coordinator", "store.db"), self.mesh.path("coordinator", "store.away"))
        for left in ("store.db-wal", "store.db-shm", "store.db-mark", "store.db-reserve"):
            if os.path.exists(self.mesh.path("coordinator", left)):
                os.unlink(self.mesh.path("coordinator", left))
        done = self.mesh.program("cromt-coordinator", "--data-dir", self.mesh.path("coordinator"), "--listen", "127.0.0.1:0")
        self.assertNotEqual(done.returncode, 0)

    def test_two_inits(self):
        self.mesh.found()
        self.mesh.coordinator.kill()
        done = self.mesh.program("cromt-coordinator", "init", "--data-dir", self.mesh.path("coordinator"))
        self.assertEqual(done.returncode, 2)
        self.says(done.stderr, "was founded before")


class Joining(OfAMesh):
    def setUp(self):
        super().setUp()
        self.mesh.found()

    def test_an_invitation_is_good_once_and_for_its_host(self):
        address = free_address()
        invited = self.mesh.invite("h1", address)
        self.says(invited["command"], f"cromt-agent join {self.mesh.coordinator.address} --name h1 --ca-fingerprint {self.mesh.fingerprint}")
        self.assertNotIn(invited["token"], invited["command"])
        other = self.mesh.join("h10", address, invited["token"])
        self.assertEqual(other.returncode, 2)
        self.says(other.stderr, "the token was made for another host")
        self.assertFalse(os.path.exists(self.mesh.path("h10", "mesh")))
        joined = self.mesh.join("h1", address, invited["token"])
        self.assertEqual(joined.returncode, 0, joined.stdout + joined.stderr)
        self.says(joined.stdout, f"ok: the coordinator reaches this host at {address}")
        again = self.mesh.join("h1", address, "")
        self.assertEqual(again.returncode, 0, again.stdout + again.stderr)
        self.says(again.stdout, "is a member of mesh")
        thief = self.mesh.join("h1", address, invited["token"], data_dir=self.mesh.path("thief"))
        self.assertEqual(thief.returncode, 2)
        self.says(thief.stderr, "the join token is not known, or not good any more")
        self.assertEqual(self.mesh.cromt("agents", "invite", "h1").code, 2)

    def test_a_coordinator_of_another_mesh_gets_no_token(self):
        address = free_address()
        token = self.mesh.invite("h1", address)["token"]
        done = self.mesh.join("h1", address, token, fingerprint="a" * 64)
        self.assertEqual(done.returncode, 2)
        self.says(done.stderr, "is not of the mesh that is meant")
        self.assertEqual(self.mesh.join("h1", address, token, fingerprint="abc").returncode, 2)
        self.assertEqual(self.mesh.join("h1", address, token).returncode, 0)  # it is still good

    def test_what_is_closed_is_named(self):
        closed = free_address()
        token = self.mesh.invite("h1", closed)["token"]
        done = self.mesh.join("h1", free_address(), token)
        self.assertEqual(done.returncode, 1)
        self.says(done.stdout, f"PROBLEM: the coordinator does not reach this host at {closed}: nothing listens there")
        nobody = self.mesh.program("cromt-agent", "join", closed, "--ca-fingerprint", "a" * 64, "--data-dir", self.mesh.path("h2"), typed="x\n")
        self.assertEqual(nobody.returncode, 2)
        self.says(nobody.stderr, "can't connect to " + closed)

    def states(self):
        return {line["agent"]: line["state"] for line in map(json.loads, self.mesh.cromt("agents", "-o", "json").out.splitlines())}

    def test_a_removed_host_is_out(self):
        host = self.mesh.add_agent("h1")
        self.mesh.add_agent("h2")
        self.succeeded(self.job("h1"))
        self.succeeded(self.mesh.cromt("agents", "remove", "h1"))
        wait_for("its session ends", lambda: self.states()["h1"] != "up")
        self.refused(lambda: self.mesh.client(ACCESS, identity=self.mesh.identity_of("h1")).call("WhoAmI"), says="revoked")
        # Other agents hear of it, too.
        other = rpc.Client(self.mesh.agents["h2"].address, AGENT, self.mesh.tls("h2", self.mesh.identity_of("h1")))

        def what_it_says():
            with self.assertRaises(grpc.RpcError) as caught:
                list(other.call("GetBlob"))
            return caught.exception.details()

        wait_for("the other agent refuses it", lambda: "revoked" in what_it_says())
        refusal, reason, _ = blob_line.get(self.mesh.agents["h2"].address, self.mesh.identity_of("h1"), self.mesh.authorities)
        self.assertEqual(refusal, "DENIED")
        self.says(reason, "revoked")
        # Under its name another key is another host; the old one stays out.
        os.rename(self.mesh.path("h1"), self.mesh.path("old"))
        host.kill()
        again = self.mesh.add_agent("h1")
        self.succeeded(self.job("h1"))
        self.refused(lambda: self.mesh.client(ACCESS, identity=self.mesh.identity_of("old")).call("WhoAmI"), says="revoked")
        again.kill()


class Strangers(OfAMesh):
    def setUp(self):
        super().setUp()
        self.mesh.found()
        self.host = self.mesh.add_agent("h1")

    def test_plaintext_is_not_answered(self):
        for address in (self.mesh.coordinator.address, self.host.address):
            self.refused(lambda address=address: rpc.Client(address).call("List"), grpc.StatusCode.UNAVAILABLE)
        done = self.mesh.cromt_at(self.host.address, "projects")
        self.exited(3, done)

    def test_an_agent_takes_calls_of_its_coordinator_only(self):
        hello = rpc.agent.ToAgent(hello=rpc.agent.ToAgent.Hello(mesh=self.mesh.mesh_id, epoch=1 << 40, session=1, protocol=rpc.SESSION_PROTOCOL))
        self.mesh.add_agent("h2")
        for identity in (self.mesh.identity_of("h2"), self.mesh.identity_of("h1")):
            client = rpc.Client(self.host.address, AGENT, self.mesh.tls("h1", identity))
            self.refused(lambda client=client: client.session([hello]), says="may not make this call")
            self.refused(lambda client=client: client.collect_logs([rpc.agent.LogCredit(mesh=self.mesh.mesh_id, credit_bytes=1)]), says="may not make this call")
            self.refused(lambda client=client: client.put_blob([rpc.agent.BlobChunk()]), says="may not make this call")
            for name in ("Submit", "Get", "List", "Watch", "Logs", "Cancel", "Drain"):
                self.refused(lambda client=client, name=name: client.call(name), says="may not make this call")
        nobody = rpc.Client(self.host.address, AGENT, self.mesh.tls("h1"))
        self.refused(lambda: nobody.call("List"), grpc.StatusCode.UNAVAILABLE)
        self.succeeded(self.job("h1"))

    def test_another_mesh_is_nobody_here(self):
        other = Founded()
        self.addCleanup(other.close)
        other.found()
        foreign = other.add_agent("h1")
        for server, address, identity in ((COORDINATOR, self.mesh.coordinator.address, other.identity_of("h1")),
                                          ("h1", self.host.address, other.identity_of("h1"))):
            client = rpc.Client(address, ACCESS, self.mesh.tls(server, identity))
            self.refused(lambda client=client: client.call("WhoAmI"), grpc.StatusCode.UNAVAILABLE)
        self.refused(lambda: self.mesh.client(ACCESS, token=other.admin_token).call("WhoAmI"))
        # And our coordinator does not lease to a host that another mesh has put at an address of ours.
        address = self.host.address
        self.host.kill()
        foreign.kill()
        foreign.command[foreign.command.index("--listen") + 1] = address
        foreign.start()
        self.mesh.apply(f"projects:\n  p:\n    run: echo hello\n    hosts: [{{url: 'http://{address}'}}]\n")
        run = self.mesh.start("p")
        wait_for("who answers there is refused", lambda: "certificate" in self.mesh.cromt("agents").out.lower() or "handshake" in self.mesh.cromt("agents").out.lower())
        self.assertEqual([task["state"] for task in self.mesh.show(run)["tasks"]], ["ready"])


if __name__ == "__main__":
    main()
