"""A coordinator that leases an agent what a test tells it to: for what an honest one never does."""

import itertools
import queue

import rpc

_NUMBERS = itertools.count(1)


class FakeCoordinator:
    """Leases one attempt at a time to the agent at `address`, each in a mesh of its own."""

    def __init__(self, address):
        self.client = rpc.Client(address)

    def close(self):
        self.client.close()

    def run(self, spec, inputs=(), blobs=(), timeout=30):
        """How the attempt ended, as the agent reports it; it is brought those of `blobs` that it asks for.

        Raises grpc.RpcError where the agent takes offence and ends the session.
        """
        number = next(_NUMBERS)
        attempt = rpc.types.AttemptId(run=f"run{number}", task=0, attempt=1)
        lease = rpc.agent.ToAgent.Lease(id=attempt, spec=spec, host="h", inputs=inputs)
        says = queue.Queue()
        hello = rpc.agent.ToAgent.Hello(mesh=f"mesh{number}", epoch=1, session=1, protocol=rpc.SESSION_PROTOCOL)
        says.put(rpc.agent.ToAgent(hello=hello))
        says.put(rpc.agent.ToAgent(verdicts_done=True))
        try:
            for message in self.client.session(iter(says.get, None), timeout=timeout):
                if message.heartbeat:  # a lease lasts from the heartbeat that was answered last
                    says.put(rpc.agent.ToAgent(heartbeat_echo=message.heartbeat, leases=[lease] if lease else []))
                    lease = None
                for wanted in message.wanted_blobs:
                    self._bring(wanted, blobs, says)
                for report in message.reports:
                    if report.HasField("ended"):
                        return report.ended
        finally:
            says.put(None)
        raise AssertionError("the session ended without a word")

    def _bring(self, wanted, blobs, says):
        for data in blobs:
            if rpc.digest(data) == wanted:
                size = 1 << 20
                chunks = [data[begin:begin + size] for begin in range(0, max(len(data), 1), size)]
                self.client.put_blob([rpc.agent.BlobChunk(digest=wanted, data=chunk) for chunk in chunks])
                return
        failure = rpc.agent.ToAgent.BlobFailure(digest=wanted, reason="the test has no such blob")
        says.put(rpc.agent.ToAgent(blob_failures=[failure]))
