"""An agent that does only what a test tells it to: for what an honest one never does."""

import queue
from concurrent import futures

import grpc

import rpc


class FakeAgent:
    """Takes every session and lease, asks for the files of each lease, runs nothing, and takes no byte of a blob."""

    def __init__(self, name, slots=4):
        self.name = name
        self.leases = queue.Queue()  # of what was leased, as cromt.v1.ToAgent.Lease with its spec
        self.pushes = queue.Queue()  # one item for each blob that was begun to be brought
        self._output = queue.Queue()
        self._ended = queue.Queue()
        self._slots = slots
        self._server = grpc.server(futures.ThreadPoolExecutor(16))
        stream = grpc.stream_stream_rpc_method_handler
        messages, to_bytes = rpc.agent, lambda message: message.SerializeToString()
        self._server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("cromt.v1.AgentService", {
            "Session": stream(self._session, messages.ToAgent.FromString, to_bytes),
            "CollectLogs": stream(self._collect_logs, messages.LogCredit.FromString, to_bytes),
            "PutBlob": grpc.stream_unary_rpc_method_handler(self._put_blob, messages.BlobChunk.FromString, to_bytes),
        })])
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def say(self, run, task, text):
        """Sends output of an attempt, whoever has it."""
        attempt = rpc.types.AttemptId(run=run, task=task, attempt=1)
        chunk = rpc.agent.LogChunk(attempt=attempt, stream=rpc.agent.STDOUT, data=text.encode())
        self._output.put(rpc.agent.LogBatch(chunks=[chunk], position=1))

    def close(self):
        self._ended.put(None)
        self._output.put(None)
        self._server.stop(grace=0).wait()

    def _session(self, messages, context):
        hello = rpc.agent.FromAgent.Hello(agent=self.name, journal="journal-" + self.name, boot="b", protocol=next(messages).hello.protocol,
                                          slots=self._slots)
        yield rpc.agent.FromAgent(hello=hello, inventory_done=True)
        spec, beat = None, 0
        for message in messages:
            for lease in message.leases:
                spec = lease.spec if lease.HasField("spec") else spec
                lease.spec.CopyFrom(spec)
                self.leases.put(lease)
                if spec.source.tree.sha256:
                    yield rpc.agent.FromAgent(wanted_blobs=[spec.source.tree])
            beat += 1
            yield rpc.agent.FromAgent(heartbeat=beat)  # keeps the session, as each is answered

    def _collect_logs(self, messages, context):
        next(messages)
        while (batch := self._output.get()) is not None:
            yield batch

    def _put_blob(self, messages, context):
        self.pushes.put(None)
        self._ended.get()
        self._ended.put(None)
        return rpc.agent.PutBlobResponse()
