#!/usr/bin/python3
"""What an agent's stolen key opens: its own tasks, and nothing that is another's. Each attempt is refused, changes nothing, and shows."""

import contextlib
import glob
import hashlib
import hmac
import json
import os
import queue
import socket
import threading
import time

import grpc

import blob_line
import rpc
import tickets
from founded import Founded
from process import peak_rss, wait_for
from story import Story, main
from thief import AGENT, Item, Thief, exited

Status = grpc.StatusCode
Attempt = rpc.types.AttemptId
MIB = 1 << 20
COORDINATOR = rpc.coordinator.DESCRIPTOR.services_by_name["CoordinatorService"]
ACCESS = rpc.access.DESCRIPTOR.services_by_name["AccessService"]
SECRETS = rpc.secrets.DESCRIPTOR.services_by_name["SecretService"]


class StolenKey(Story):
    """bad is a member whose key was stolen; good is honest."""

    mesh_kind = Founded
    others = ()  # more honest ones

    def setUp(self):
        super().setUp()
        self.mesh.found()
        self.url = {name: f"http://{self.mesh.add_agent(name).address}" for name in ("good", "bad", *self.others)}
        self.good = self.mesh.agents["good"]
        self.thief = Thief(self.mesh, "bad")
        self.addCleanup(self.thief.close)

    def on(self, name):
        return f"hosts: [{{url: '{self.url[name]}'}}]"

    def at(self, address):
        """What `cromt agents` says of who is there."""
        lines = map(json.loads, self.mesh.cromt("agents", "-o", "json").out.splitlines())
        return next(line for line in lines if line["address"] == address)

    def hello_job(self):
        """A job on the good agent succeeds."""
        self.mesh.apply(f"projects:\n  hello: {{run: echo hello, {self.on('good')}}}\n", "hello.yaml")
        done = self.mesh.cromt("start", "hello", "--follow")
        self.succeeded(done)
        self.says(done.out, "hello\n")

    def gated_job(self, host="good", name="gated"):
        """Its run and attempt, once it runs; it ends when the file of its name is there."""
        self.mesh.apply(f"projects:\n  {name}: {{run: 'echo mine; until [ -e {self.mesh.path(name)} ]; do sleep 0.05; done', {self.on(host)}}}\n",
                        name + ".yaml")
        run = self.mesh.start(name)
        wait_for("it runs", lambda: self.mesh.show(run)["tasks"][0]["state"] == "running")
        return run, Attempt(run=run, task=0, attempt=1)

    def code_of(self, call):
        """With what it ends, and what is said then."""
        try:
            answer = call()
            if hasattr(answer, "__next__"):
                list(answer)
            return Status.OK, ""
        except grpc.RpcError as error:
            return error.code(), error.details()


class Blobs(StolenKey):
    """x is for bad, y for another."""

    others = ("other",)

    def setUp(self):
        super().setUp()
        self.mesh.apply(f"""
projects:
  make: {{run: 'echo for bad >x; echo for other >y', {self.on('good')}, artifacts: {{out: [{{file: x, path: x}}, {{file: y, path: y}}]}}}}
  take-y: {{run: cat .artifacts/y, {self.on('other')}, artifacts: {{in: [y]}}, before: [{{name: make}}]}}
  take-x: {{run: cat .artifacts/x, {self.on('bad')}, artifacts: {{in: [x]}}, before: [{{name: take-y}}]}}
""")
        self.thief.serve()
        self.run_id = self.mesh.start("take-x")
        self.lease = self.thief.next_lease()
        self.input = self.lease.inputs[0]
        self.x, self.y = rpc.digest(b"for bad\n"), rpc.digest(b"for other\n")

    def grant(self, digest):
        """As good gives it to the coordinator: of a key that no thief of bad's has."""
        with open(os.path.join(self.good.data_dir, "ticket-key"), "rb") as file:
            key = file.read()
        return hmac.new(key, f"{digest.sha256}:{digest.size_bytes}".encode(), hashlib.sha256).hexdigest()

    def test_its_own_ticket_opens_what_it_was_given_for_and_no_other_does(self):
        self.assertEqual(self.input.artifact.grant, "")
        self.assertEqual((self.input.ticket.consumer, self.input.artifact.digest), ("bad", self.x))
        day = self.input.ticket.expires_at_us / 1e6 - time.time()
        self.assertLess(abs(day - tickets.DAY), 600)
        client = self.thief.client_of_agent("good")
        get = lambda digest, ticket: b"".join(chunk.data for chunk in client.call("GetBlob", digest=digest, ticket=ticket))
        self.assertEqual(get(self.x, self.input.ticket), b"for bad\n")
        self.assertEqual(self.thief.by_line("good", digest=self.x, ticket=self.input.ticket), ("NONE", "", b"for bad\n"))
        later = lambda **fields: rpc.types.BlobTicket(**{"consumer": "bad", "expires_at_us": self.input.ticket.expires_at_us,
                                                         "proof": self.input.ticket.proof, **fields})
        soon, own = time.time() + 3600, "the ticket is not one of this agent for these bytes"
        for what, digest, ticket, says in (
                ("none", self.y, None, "for a ticket only"),
                ("of another digest", self.y, self.input.ticket, own),
                ("that has run out", self.x, tickets.ticket(self.grant(self.x), self.x, "bad", time.time() - 1), "the ticket was good until"),
                ("made longer", self.x, later(expires_at_us=self.input.ticket.expires_at_us + 1), own),
                ("given to another", self.y, tickets.ticket(self.grant(self.y), self.y, "other", soon), "given to agent other, and agent bad shows it"),
                ("changed to its own name", self.y, rpc.types.BlobTicket(consumer="bad", expires_at_us=int(soon * 1e6),
                                                                         proof=tickets.ticket(self.grant(self.y), self.y, "other", soon).proof), own),
                ("of the coordinator", self.y, tickets.ticket(self.grant(self.y), self.y), "given to the coordinator, and agent bad shows it"),
                ("of a grant of its own making", self.y, tickets.ticket("0" * 64, self.y, "bad", soon), own),
                ("of the grant of other bytes", self.y, tickets.ticket(self.grant(self.x), self.y, "bad", soon), own)):
            with self.subTest(what):
                code, said = self.code_of(lambda digest=digest, ticket=ticket: get(digest, ticket))
                self.assertEqual(code, Status.PERMISSION_DENIED)
                self.says(said, says)
                refusal, reason, data = self.thief.by_line("good", digest=digest, ticket=ticket)
                self.assertEqual((refusal, data), ("DENIED", b""))
                self.says(reason, says)
        self.says(self.good.log(), "refused a call from ipv4:127.0.0.1:", "for a ticket only")

    def test_the_coordinator_brings_it_nothing_either(self):
        self.thief.say(wanted_blobs=[self.y, rpc.digest(b"never was"), rpc.types.Digest(sha256=self.x.sha256, size_bytes=1)])
        wait_for("three answers", lambda: len(self.thief.refusals()) == 3)
        self.assertEqual(set(self.thief.refusals()), {"no task that this agent has takes it"})
        self.thief.say(wanted_blobs=[self.x])  # which its task does take
        wait_for("it is brought", lambda: self.thief.pushed == [self.x.sha256])
        # Nor as what it says that it has published itself.
        self.mesh.apply(f"""
projects:
  lie: {{run: 'true', {self.on('bad')}, artifacts: {{out: [{{file: z, path: z}}]}}}}
  use: {{run: 'true', {self.on('bad')}, artifacts: {{in: [z]}}, before: [{{name: lie}}]}}
""", "lie.yaml")
        self.mesh.start("use")
        lie, ended = self.thief.next_lease(), exited(0)
        ended.published.add(name="z", digest=self.y, grant=self.grant(self.x))
        self.thief.report(1, lie.id, ended=ended)
        self.assertEqual(self.thief.next_lease().inputs[0].artifact.digest, self.y)
        self.thief.say(wanted_blobs=[self.y])
        wait_for("an answer", lambda: len(self.thief.refusals()) == 4)
        self.assertEqual(self.thief.refusals()[3], "the agent has published it itself")
        self.assertEqual(self.thief.pushed, [self.x.sha256])
        self.assertEqual(glob.glob(self.mesh.path("coordinator", "blobs", "??", "*")), [])

    def test_its_bytes_are_not_taken_for_anothers(self):
        """good is down, and its address is the thief's now: for who fetches from there, and for the coordinator."""
        gate = self.mesh.path("gate")
        self.mesh.apply(f"""
projects:
  made: {{run: 'echo true >z', {self.on('good')}, artifacts: {{out: [{{file: z, path: z}}]}}}}
  between: {{run: 'until [ -e {gate} ]; do sleep 0.05; done', {self.on('other')}, before: [{{name: made}}]}}
  taken: {{run: cat .artifacts/z, {self.on('other')}, artifacts: {{in: [z]}}, before: [{{name: between}}]}}
""", "made.yaml")
        run = self.mesh.start("taken")
        wait_for("between runs", lambda: self.mesh.tasks(run)["between"]["state"] == "running")
        self.good.kill()
        self.thief.stop()
        digest = rpc.digest(b"true\n")
        self.thief.given_out[digest.sha256] = b"true\n"
        self.thief.serve(self.good.address)
        self.mesh.write("gate", "")
        self.assertEqual(self.mesh.wait_finished(run, 120)["outcome"], "failed")
        self.says(self.mesh.tasks(run)["taken"]["reason"], "artifact 'z' of ", "agent good is meant, and agent bad answers there; nor through the coordinator: ")


class Calls(StolenKey):
    def test_no_call_of_another_agents_is_its(self):
        run, _ = self.gated_job()
        client = self.thief.client_of_agent("good")
        hello = rpc.agent.ToAgent(hello=rpc.agent.ToAgent.Hello(mesh=self.mesh.mesh_id, epoch=1 << 30, session=1, protocol=rpc.SESSION_PROTOCOL))
        streams = {"Session": lambda: client.session([hello]), "PutBlob": lambda: client.put_blob([rpc.agent.BlobChunk()]),
                   "CollectLogs": lambda: client.collect_logs([rpc.agent.LogCredit(mesh=self.mesh.mesh_id, credit_bytes=1)])}
        for method in AGENT.methods:
            with self.subTest(method.name):
                code, said = self.code_of(streams.get(method.name, lambda: client.call(method.name)))
                if method.name == "GetBlob":  # which agents may call, about nothing in particular
                    self.assertEqual(code, Status.INVALID_ARGUMENT)
                else:
                    self.assertEqual((code, said), (Status.PERMISSION_DENIED, "agent bad may not make this call to an agent"))
        self.says(self.good.log(), "agent bad may not make this call to an agent")
        self.mesh.write("gated", "")
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "succeeded")

    def test_the_coordinator_tells_it_nothing_and_writes_down_that_it_asked(self):
        self.succeeded(self.mesh.cromt("secrets", "set", "s", "--project", "gated", typed="a secret of gated's"))
        run, _ = self.gated_job()
        asked = {"GetRun", "WatchRun", "RunLogs", "ListArtifacts", "GetArtifact", "Why", "Cancel", "Rerun"}
        for service in (COORDINATOR, ACCESS, SECRETS):
            client = self.thief.client_of_coordinator(service)
            for method in service.methods:
                if method.name in ("Join", "Renew", "WhoAmI", "Probe"):  # of its own membership: see roles_test.py
                    continue
                with self.subTest(method.name):
                    fields = {"run": run} if method.name in asked else {}
                    code, _ = self.code_of(lambda: client.call(method.name, **fields))
                    self.assertEqual(code, Status.PERMISSION_DENIED)
        audit = [json.loads(line) for line in self.mesh.cromt("audit", "-o", "json").out.splitlines()]
        self.assertTrue([line for line in audit if line["what"] == "denied" and line["who"] == "agent bad"], audit)
        self.succeeded(self.mesh.cromt("audit", "verify"))
        self.mesh.write("gated", "")
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "succeeded")


class Reports(StolenKey):
    def setUp(self):
        super().setUp()
        self.run_id, self.attempt = self.gated_job()
        with self.thief.next_session():
            self.thief.serve()

    def unharmed(self):
        """good's job goes on, ends as it ends, once, and says what it says."""
        (task,) = self.mesh.show(self.run_id)["tasks"]
        self.assertEqual((task["state"], task["attempt"]), ("running", 1))
        self.mesh.write("gated", "")
        (task,) = self.mesh.wait_finished(self.run_id)["tasks"]
        self.assertEqual((task["outcome"], task["attempt"], task["exit_code"]), ("succeeded", 1, 0))
        self.assertEqual(self.mesh.cromt("logs", self.run_id, "--raw").out, "mine\n")

    def test_of_another_agents_attempt(self):
        for sequence, fact in enumerate(({"started_at_us": 1}, {"ended": exited(1)}, {"ended": exited(0)}), 1):
            self.thief.report(sequence, self.attempt, **fact)
        wait_for("all are taken", lambda: self.thief.acknowledged() == 3)
        chunk = rpc.agent.LogChunk(attempt=self.attempt, stream=rpc.agent.STDOUT, data=b"forged\n")
        self.thief.output.put(rpc.agent.LogBatch(chunks=[chunk], position=1))
        wait_for("that is said", lambda: f"agent bad sent output of attempt {self.run_id}/1/1" in self.mesh.coordinator.log())
        self.unharmed()
        self.thief.report(4, self.attempt, ended=exited(1))  # of what has ended, too
        wait_for("it is taken", lambda: self.thief.acknowledged() == 4)
        self.assertEqual(self.mesh.show(self.run_id)["outcome"], "succeeded")

    def test_of_attempts_that_never_were(self):
        never = [Attempt(run="nosuchrun", task=0, attempt=1), Attempt(run=self.run_id, task=7, attempt=1),
                 Attempt(run=self.run_id, task=0, attempt=2), Attempt(run=self.run_id, task=0, attempt=2 ** 32 - 1)]
        for sequence, attempt in enumerate(never, 1):
            self.thief.report(sequence, attempt, ended=exited(1))
        wait_for("all are taken", lambda: self.thief.acknowledged() == len(never))
        with self.thief.next_session():
            self.thief.report(5, Attempt(run="../x", task=0, attempt=1), ended=exited(1))
        self.says(self.mesh.coordinator.log(), f"the session with {self.thief.own_address} is ended: what it said is refused: ", "../x")
        self.unharmed()

    def test_out_of_order(self):
        with self.thief.next_session():
            self.thief.report(5, self.attempt, ended=exited(1))
        with self.thief.next_session():
            self.thief.report(1, self.attempt, started_at_us=1)
            self.thief.report(3, self.attempt, ended=exited(1))
        self.says(self.mesh.coordinator.log(), "report 3 came where 2 was due")
        self.thief.report(1, self.attempt, ended=exited(1))  # said before: it is not taken twice
        self.thief.report(2, self.attempt, ended=exited(1))
        wait_for("the second is taken", lambda: self.thief.acknowledged() == 2)
        self.unharmed()

    def test_an_inventory_of_others_attempts(self):
        self.thief.inventory = [Item(id=self.attempt, phase=Item.RUNNING), Item(id=Attempt(run="nosuchrun", task=3, attempt=9), phase=Item.ENDED),
                                Item(id=Attempt(run=self.run_id, task=0, attempt=5), phase=Item.LEASED)]
        with self.thief.next_session():
            self.thief.stop()
            self.thief.serve()
        said = lambda: [(verdict.id, verdict.kind) for message in self.thief.heard for verdict in message.verdicts]
        wait_for("it is answered", lambda: len(said()) == 3)
        self.assertEqual([kind for _, kind in said()], [rpc.agent.ToAgent.Verdict.STOP, rpc.agent.ToAgent.Verdict.FORGET, rpc.agent.ToAgent.Verdict.STOP])
        self.unharmed()

    def test_an_end_of_its_own_that_it_takes_back(self):
        self.mesh.apply(f"projects:\n  own: {{run: 'true', {self.on('bad')}}}\n", "own.yaml")
        run = self.mesh.start("own")
        lease = self.thief.next_lease()
        self.thief.report(1, lease.id, ended=exited(3))
        self.thief.report(2, lease.id, ended=exited(0))
        self.thief.report(3, lease.id, started_at_us=1)
        wait_for("all are taken", lambda: self.thief.acknowledged() == 3)
        (task,) = self.mesh.wait_finished(run)["tasks"]
        self.assertEqual((task["outcome"], task["exit_code"]), ("failed", 3))
        self.unharmed()


class Names(StolenKey):
    def refused(self, *said):
        """Its session is, for this, and good is as before."""
        wait_for("that is said", lambda: all(part in self.mesh.coordinator.log() for part in said))
        self.assertEqual(self.at(self.good.address)["state"], "up")
        self.hello_job()

    def test_another_agents_id(self):
        run, _ = self.gated_job()
        self.thief.hello = {"agent": "good"}
        self.thief.serve()
        self.refused("it says that it is agent good, and its certificate is that of bad")
        self.says(self.at(self.thief.own_address)["reason"], "its certificate is that of bad")
        self.mesh.write("gated", "")
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "succeeded")

    def test_another_agents_address(self):
        run, _ = self.gated_job()
        self.good.kill()
        self.thief.serve(self.good.address)
        wait_for("who answers there is refused", lambda: "agent good is meant, and agent bad answers there" in self.at(self.good.address)["reason"])
        self.assertEqual((self.thief.sessions, self.thief.heard), (0, []))
        self.thief.stop()
        self.good.restart()
        self.mesh.write("gated", "")
        (task,) = self.mesh.wait_finished(run)["tasks"]
        self.assertEqual((task["outcome"], task["attempt"]), ("succeeded", 1))

    def test_numbers_that_would_use_up_those_of_all(self):
        for field, said in (("seen_epoch", "commit 0 of epoch "), ("seen_commit", "commit "), ("acked_sequence", "epoch 0 and that ")):
            with self.subTest(field):
                self.thief.hello = {field: 2 ** 64 - 1}
                self.thief.serve()
                self.refused(f"{said}18446744073709551615", "no coordinator can have been there")
                self.thief.stop()


class Floods(StolenKey):
    """However much comes from one, the others are served meanwhile, and memory is bounded."""

    def setUp(self):
        super().setUp()
        self.hello_job()
        self.over = threading.Event()
        self.addCleanup(self.over.set)
        self.before = peak_rss(self.mesh.coordinator.process.pid)

    def forever(self, action):
        def run():
            while not self.over.is_set():
                action()
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.addCleanup(thread.join, 30)

    def others_are_served(self, most=256 * MIB):
        for _ in range(5):
            self.hello_job()
        self.assertLess(peak_rss(self.mesh.coordinator.process.pid) - self.before, most)
        self.assertLess(peak_rss(self.good.process.pid), 512 * MIB)
        self.over.set()
        self.hello_job()
        self.succeeded(self.mesh.cromt("audit", "verify"))

    def test_in_its_session(self):
        with self.thief.next_session():
            self.thief.serve()
        never = [rpc.digest(str(number).encode()) for number in range(4000)]
        def flood():
            self.thief.say(wanted_blobs=never, heartbeat=1)
            chunk = rpc.agent.LogChunk(attempt=Attempt(run="nosuchrun", task=0, attempt=1), stream=rpc.agent.STDOUT, data=bytes(60_000))
            self.thief.output.put(rpc.agent.LogBatch(chunks=[chunk] * 8, position=1))
            while self.thief.output.qsize() > 20 and not self.over.is_set():
                self.over.wait(0.001)
        self.forever(flood)
        wait_for("it has had many answers", lambda: len(self.thief.refusals()) > 20_000, 60)
        self.others_are_served()

    def test_with_sessions_that_break(self):
        self.thief.hello = {"slots": 0}
        self.thief.serve()
        wait_for("many have", lambda: self.thief.sessions > 5)
        self.others_are_served()
        self.assertLess(self.mesh.coordinator.log().count("is ended: "), 10)

    def test_with_blob_lines(self):
        """At every stage of one: silent, begun, greeted, shaken hands, asked for what is not its own. An artifact comes by all the same."""
        address, stages = self.good.address, queue.Queue()
        def half(*said):
            with blob_line.dial(address) as line, contextlib.suppress(OSError):
                for part in said:
                    line.sendall(part)
                if said and said[0] == blob_line.HELLO:
                    blob_line.take(line, len(blob_line.HELLO))
                line.settimeout(0.2)
                line.recv(1)  # nothing comes, or the end
            stages.put(len(said))
        def shaken():
            with contextlib.suppress(OSError), blob_line.opened(address, self.thief.identity, self.mesh.authorities) as line:
                line.sendall(b"\0\0\x40\0")
                line.settimeout(0.2)
                line.recv(1)
            stages.put("shaken")
        def denied():
            with contextlib.suppress(OSError):
                self.assertEqual(self.thief.by_line("good", digest=rpc.digest(b"x"))[0], "DENIED")
                stages.put("denied")
        for _ in range(8):
            for said in ((), (b"C",), (blob_line.HELLO,), (blob_line.HELLO, b"\x16\x03\x01\x02\0\x01")):
                self.forever(lambda said=said: half(*said))
            self.forever(shaken)
        for _ in range(2):
            self.forever(denied)
        wait_for("many lines", lambda: stages.qsize() > 2000, 60)
        self.mesh.apply(f"""
projects:
  make: {{run: 'echo whole >x', {self.on('good')}, artifacts: {{out: [{{file: x, path: x}}]}}}}
  take: {{run: cat .artifacts/x, {self.on('good')}, artifacts: {{in: [x]}}, before: [{{name: make}}]}}
""", "artifact.yaml")
        self.succeeded(self.mesh.cromt("start", "take", "--wait"))
        self.succeeded(self.mesh.cromt("get", "last", "x", "--to", self.mesh.path("got")))  # which the coordinator fetches by a line
        self.others_are_served()
        self.assertLessEqual({0, 1, 2, "shaken", "denied"}, set(stages.queue))

    def test_with_calls(self):
        """Those that may take long at the coordinator, and those that are refused there and at another agent."""
        silent = socket.create_server(("127.0.0.1", int(self.thief.own_address.rpartition(":")[2])))  # takes connections, says nothing
        self.addCleanup(silent.close)
        access, agent = self.thief.client_of_coordinator(ACCESS), self.thief.client_of_agent("good")
        codes = queue.Queue()
        def call(client, name, **fields):
            codes.put((name, self.code_of(lambda: client.call(name, **fields))[0]))
        for _ in range(40):
            self.forever(lambda: call(access, "Probe"))
        for _ in range(4):
            self.forever(lambda: call(access, "ListUsers"))
            self.forever(lambda: call(agent, "GetBlob", digest=rpc.digest(b"x")))
            self.forever(lambda: call(agent, "List"))
        wait_for("many calls", lambda: codes.qsize() > 5000, 60)
        self.others_are_served()
        seen = set()
        while not codes.empty():
            seen.add(codes.get())
        self.assertLessEqual(seen, {("Probe", Status.OK), ("Probe", Status.RESOURCE_EXHAUSTED), ("ListUsers", Status.PERMISSION_DENIED),
                                    ("ListUsers", Status.RESOURCE_EXHAUSTED), ("GetBlob", Status.PERMISSION_DENIED), ("List", Status.PERMISSION_DENIED)})
        self.assertIn(("Probe", Status.RESOURCE_EXHAUSTED), seen)
        self.assertLess(self.good.log().count("refused a call"), 120)
        self.says(self.good.log(), "more before)")


if __name__ == "__main__":
    main()
