"""A member of the mesh whose key was stolen: who has it knows the protocol, and keeps to none of its rules."""

import collections
import contextlib
import queue
import threading
from concurrent import futures

import grpc

import blob_line
import rpc
from process import wait_for

AGENT = rpc.agent.DESCRIPTOR.services_by_name["AgentService"]
Item = rpc.agent.FromAgent.Item
Said = rpc.agent.FromAgent


def exited(code):
    return rpc.types.AttemptResult(kind=rpc.types.AttemptResult.EXITED, status=rpc.types.ExitStatus(code=code), started_at_us=1, ended_at_us=2)


class Thief:
    """Takes the place of the agent `name` of a Founded mesh, which is killed; serves once told to.

    What it says in sessions is the test's to choose: `hello` has fields that are to be others than an honest agent's,
    `inventory` what it claims to have.
    """

    def __init__(self, mesh, name):
        self.mesh, self.name = mesh, name
        self.own_address = mesh.agents[name].address
        mesh.agents[name].kill()
        self.identity = mesh.identity_of(name)
        self.hello, self.inventory = {}, []
        self.leases = queue.Queue()  # of what was leased, as cromt.v1.ToAgent.Lease with its spec
        self.heard = []  # all that the coordinator said, over all sessions
        self.given_out = {}  # what GetBlob answers, by the hash that is asked for
        self.pushed = []  # the hashes of blobs that were brought
        self.sessions = 0  # that have begun
        self.output = queue.Queue()  # of cromt.v1.LogBatch, for who collects it
        self._to_say = collections.deque()
        self._live = 0  # the session, by its number, that has had its verdicts: before them nothing is to be said
        self._changed = threading.Condition()  # one of these, or the number of sessions
        self._server = None
        self._clients = []

    def close(self):
        for client in self._clients:
            client.close()
        self.stop()

    def stop(self):
        if self._server:
            self._server.stop(grace=0).wait()
            self._server = None

    # ---- As a host --------------------------------------------------------------------------------

    def serve(self, address=None):
        """At its own address or at another's; from now on the coordinator finds it there."""
        cut = self.identity.index("-----BEGIN CERTIFICATE")
        pair = (self.identity[:cut].encode(), self.identity[cut:].encode())
        credentials = grpc.ssl_server_credentials([pair], self.mesh.authorities.encode(), require_client_auth=True)
        self._server = grpc.server(futures.ThreadPoolExecutor(32))
        stream, to_bytes = grpc.stream_stream_rpc_method_handler, lambda message: message.SerializeToString()
        self._server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(AGENT.full_name, {
            "Session": stream(self._session, rpc.agent.ToAgent.FromString, to_bytes),
            "CollectLogs": stream(self._collect_logs, rpc.agent.LogCredit.FromString, to_bytes),
            "GetBlob": grpc.unary_stream_rpc_method_handler(self._get_blob, rpc.agent.GetBlobRequest.FromString, to_bytes),
            "PutBlob": grpc.stream_unary_rpc_method_handler(self._put_blob, rpc.agent.BlobChunk.FromString, to_bytes),
        })])
        wait_for("the address is free", lambda: self._server.add_secure_port(address or self.own_address, credentials))
        self._server.start()
        return self

    @contextlib.contextmanager
    def next_session(self):
        """Of what is done within: it makes the coordinator begin another session, which is waited for."""
        before = self.sessions
        yield
        wait_for("another session", lambda: self.sessions > before)

    def say(self, **fields):
        """One message of a live session."""
        with self._changed:
            self._to_say.append(Said(**fields))
            self._changed.notify_all()

    def report(self, sequence, attempt, **fact):
        """`fact`: ended=AttemptResult or started_at_us=N. Numbers are the test's business."""
        self.say(reports=[Said.Report(sequence=sequence, id=attempt, **fact)])

    def next_lease(self):
        return self.leases.get(timeout=30)

    def acknowledged(self):
        return max((message.ack.sequence for message in self.heard), default=0)

    def refusals(self):
        """Why it was not brought what it wanted."""
        return [failure.reason for message in self.heard for failure in message.blob_failures]

    def _session(self, messages, context):
        asked = next(messages).hello
        usual = {"agent": self.name, "journal": "journal-of-the-thief", "boot": "b", "protocol": asked.protocol, "slots": 4}
        with self._changed:
            self.sessions += 1
            number = self.sessions
            self._changed.notify_all()
        yield Said(hello=Said.Hello(**{**usual, **self.hello}), inventory=self.inventory, inventory_done=True)
        threading.Thread(target=self._hear, args=(messages, number), daemon=True).start()
        may_say = lambda: self._to_say and self._live == number
        beat = 0
        while context.is_active():
            with self._changed:
                self._changed.wait_for(lambda: may_say() or number != self.sessions, timeout=0.2)
                if number != self.sessions:
                    return  # what is to be said is for the session after this, in order
                message = self._to_say.popleft() if may_say() else None
            beat += message is None
            yield message or Said(heartbeat=beat)

    def _hear(self, messages, number):
        spec = None
        try:
            for message in messages:
                self.heard.append(message)
                if message.verdicts_done:
                    with self._changed:
                        self._live = max(self._live, number)
                        self._changed.notify_all()
                for lease in message.leases:
                    spec = lease.spec if lease.HasField("spec") else spec
                    lease.spec.CopyFrom(spec)
                    self.leases.put(lease)
        except grpc.RpcError:
            pass  # the session is over

    def _collect_logs(self, messages, context):
        next(messages)
        while context.is_active():
            try:
                yield self.output.get(timeout=0.2)
            except queue.Empty:
                pass

    def _get_blob(self, request, context):
        yield rpc.agent.BlobChunk(data=self.given_out[request.digest.sha256][request.offset:])

    def _put_blob(self, messages, context):
        for chunk in messages:
            if chunk.digest.sha256:
                self.pushed.append(chunk.digest.sha256)
        return rpc.agent.PutBlobResponse()

    # ---- As a caller ------------------------------------------------------------------------------

    def client_of_agent(self, name):
        return self._client(rpc.Client(self.mesh.agents[name].address, AGENT, self.mesh.tls(name, self.identity)))

    def by_line(self, name, **fields):
        """What another agent answers on the blob line: (refusal, reason, bytes)."""
        return blob_line.get(self.mesh.agents[name].address, self.identity, self.mesh.authorities, **fields)

    def client_of_coordinator(self, service):
        return self._client(self.mesh.client(service, identity=self.identity))

    def _client(self, client):
        self._clients.append(client)
        return client
