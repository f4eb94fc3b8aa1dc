"""An agent that does only what a test tells it to: for what an honest one never does."""

import queue
from concurrent import futures

import grpc

import rpc


class FakeAgent:
    """Takes every session and lease, asks for the files of each lease, runs nothing, and takes no byte of a blob.

    What it says of an attempt's end, and which bytes it gives out as artifacts, is the test's to choose.
    """

    def __init__(self, name, slots=4, protocols=None):
        """`protocols`: the oldest and the newest that it says it speaks, if not the coordinator's newest alone."""
        self.name = name
        self.leases = queue.Queue()  # of what was leased, as cromt.v1.ToAgent.Lease with its spec
        self.pushes = queue.Queue()  # one item for each blob that was begun to be brought
        self.given_out = {}  # what GetBlob answers, by the hash that is asked for
        self._output = queue.Queue()
        self._reports = queue.Queue()
        self._acknowledged = 0
        self._ended = queue.Queue()
        self._slots = slots
        self._protocols = protocols
        self._server = grpc.server(futures.ThreadPoolExecutor(16))
        stream = grpc.stream_stream_rpc_method_handler
        messages, to_bytes = rpc.agent, lambda message: message.SerializeToString()
        self._server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("cromt.v1.AgentService", {
            "Session": stream(self._session, messages.ToAgent.FromString, to_bytes),
            "CollectLogs": stream(self._collect_logs, messages.LogCredit.FromString, to_bytes),
            "GetBlob": grpc.unary_stream_rpc_method_handler(self._get_blob, messages.GetBlobRequest.FromString, to_bytes),
            "PutBlob": grpc.stream_unary_rpc_method_handler(self._put_blob, messages.BlobChunk.FromString, to_bytes),
        })])
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def say(self, run, task, text):
        """Sends output of an attempt, whoever has it."""
        attempt = rpc.types.AttemptId(run=run, task=task, attempt=1)
        chunk = rpc.agent.LogChunk(attempt=attempt, stream=rpc.agent.STDOUT, data=text.encode())
        self._output.put(rpc.agent.LogBatch(chunks=[chunk], position=1))

    def artifact(self, name, data, archive=False):
        """What it may say that it has published, and gives out to who asks."""
        digest = rpc.digest(data)
        self.given_out[digest.sha256] = data
        return rpc.types.PublishedArtifact(name=name, digest=digest, archive=archive, grant="g")

    def end(self, lease, published=()):
        """Reports that the job of this lease has exited with 0 and published these."""
        result = rpc.types.AttemptResult(kind=rpc.types.AttemptResult.EXITED, status=rpc.types.ExitStatus(code=0), started_at_us=1,
                                         ended_at_us=1, published=published)
        self._reports.put((lease.id, result))

    def close(self):
        self._ended.put(None)
        self._output.put(None)
        self._server.stop(grace=0).wait()

    def _session(self, messages, context):
        hello = rpc.agent.FromAgent.Hello(agent=self.name, journal="journal-" + self.name, boot="b", protocol=next(messages).hello.protocol,
                                          slots=self._slots)
        if self._protocols:
            hello.oldest_protocol, hello.protocol = self._protocols
        yield rpc.agent.FromAgent(hello=hello, inventory_done=True)
        spec, beat, sequence = None, 0, self._acknowledged
        for message in messages:
            for lease in message.leases:
                spec = lease.spec if lease.HasField("spec") else spec
                lease.spec.CopyFrom(spec)
                self.leases.put(lease)
                if spec.source.tree.sha256:
                    yield rpc.agent.FromAgent(wanted_blobs=[spec.source.tree])
            self._acknowledged = max(self._acknowledged, message.ack.sequence)
            while not self._reports.empty():
                attempt, result = self._reports.get()
                sequence += 1
                yield rpc.agent.FromAgent(reports=[rpc.agent.FromAgent.Report(sequence=sequence, id=attempt, ended=result)])
            beat += 1
            yield rpc.agent.FromAgent(heartbeat=beat)  # keeps the session, as each is answered

    def _collect_logs(self, messages, context):
        next(messages)
        while (batch := self._output.get()) is not None:
            yield batch
        self._output.put(None)  # for the next who waits

    def _get_blob(self, request, context):
        data = self.given_out[request.digest.sha256][request.offset:]
        for begin in range(0, len(data), 512 << 10):
            yield rpc.agent.BlobChunk(data=data[begin:begin + (512 << 10)])

    def _put_blob(self, messages, context):
        self.pushes.put(None)
        self._ended.get()
        self._ended.put(None)
        return rpc.agent.PutBlobResponse()
