"""A gRPC client in Python that knows nothing of cromt but its .proto files."""

import atexit
import glob
import hashlib
import importlib
import os
import shutil
import subprocess
import sys
import tempfile

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # refused handshakes are what some tests are about

import grpc

from mesh import SOURCE

SESSION_PROTOCOL = 4  # as lib/core/session_level.h has it
SERVING = b"\x08\x01"  # grpc.health.v1.HealthCheckResponse{status: SERVING}
NOT_SERVING = b"\x08\x02"


def _generate():
    """The messages' classes, made by protoc: a module per .proto file."""
    folder = tempfile.mkdtemp(prefix="cromt-proto-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    proto = os.path.join(SOURCE, "proto")
    subprocess.run(["protoc", f"-I{proto}", f"--python_out={folder}", *glob.glob(f"{proto}/cromt/v1/*.proto")], check=True)
    sys.path.insert(0, folder)
    return [importlib.import_module(f"cromt.v1.{name}_pb2") for name in ("types", "agent", "coordinator", "access", "debug", "schedule", "secrets")]


types, agent, coordinator, access, debug, schedule, secrets = _generate()


class Tls:
    """How to be known to the server of this name, and how to know it: PEM texts; `identity` is a key with its certificate."""

    def __init__(self, authorities, server, identity=None):
        self.server = server
        key = identity[:identity.index("-----BEGIN CERTIFICATE")].encode() if identity else None
        chain = identity[identity.index("-----BEGIN CERTIFICATE"):].encode() if identity else None
        self.credentials = grpc.ssl_channel_credentials(authorities.encode(), key, chain)


class Client:
    """Calls of one service at one address. A call returns its answer or raises grpc.RpcError; streams are iterated."""

    def __init__(self, address, service=None, tls=None, token=None):
        """`tls`: a Tls, else in plaintext; `token`: is shown with each call."""
        options = [("grpc.max_send_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
        if tls:
            options.append(("grpc.ssl_target_name_override", tls.server))
            self.channel = grpc.secure_channel(address, tls.credentials, options)
        else:
            self.channel = grpc.insecure_channel(address, options)
        self._metadata = [("authorization", "Bearer " + token)] if token else []
        self._service = (service or agent.DESCRIPTOR.services_by_name["AgentService"])

    def close(self):
        self.channel.close()

    def call(self, name, /, timeout=20, **fields):
        """A unary request by the names of its fields, for a unary or streamed answer."""
        method = self._service.methods_by_name[name]
        return self.send(name, _class_of(method.input_type)(**fields), timeout)

    def send(self, name, request, timeout=20):
        """The same with a request as it is: a message or its bytes."""
        method = self._service.methods_by_name[name]
        answers = {"Watch", "Logs", "GetBlob", "WatchRun", "RunLogs", "ListRevisions", "ListArtifacts", "GetArtifact",
                   "Bundle", "Diagnose"}
        kind = self.channel.unary_stream if name in answers else self.channel.unary_unary
        return kind(self._path(name), _to_bytes, _class_of(method.output_type).FromString)(request, timeout=timeout, metadata=self._metadata)

    def session(self, messages, timeout=20):
        """AgentService.Session: what the agent says to these messages."""
        call = self.channel.stream_stream(self._path("Session"), _to_bytes, agent.FromAgent.FromString)
        return call(iter(messages), timeout=timeout)

    def collect_logs(self, credits, timeout=20):
        """AgentService.CollectLogs: the batches that the agent answers these messages with."""
        call = self.channel.stream_stream(self._path("CollectLogs"), _to_bytes, agent.LogBatch.FromString)
        return call(iter(credits), timeout=timeout)

    def put_blob(self, chunks, timeout=20):
        call = self.channel.stream_unary(self._path("PutBlob"), _to_bytes, agent.PutBlobResponse.FromString)
        return call(iter(chunks), timeout=timeout)

    def health(self, service="", timeout=20):
        """The bytes that the standard health service answers of this service, or of the whole program."""
        name = service.encode()
        request = b"\x0a" + bytes([len(name)]) + name if name else b""  # HealthCheckRequest{service}
        return self.channel.unary_unary("/grpc.health.v1.Health/Check")(request, timeout=timeout)

    def _path(self, name):
        return f"/{self._service.full_name}/{name}"


def _class_of(descriptor):
    for module in (types, agent, coordinator, access, debug, schedule, secrets):
        if hasattr(module, descriptor.name):
            return getattr(module, descriptor.name)
    raise KeyError(descriptor.full_name)


def _to_bytes(message):
    return message if isinstance(message, bytes) else message.SerializeToString()


def digest(data):
    return types.Digest(sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data))


def shell(text, **fields):
    """The spec of a job that is one shell script."""
    return types.TaskSpec(name="a job", project="p", script=types.Script(text=text.encode()), **fields)
