"""The blob line (lib/io/transfer/blob_line.h), as anybody may speak it who reaches an agent's port."""

import contextlib
import os
import socket
import ssl
import struct
import tempfile

import rpc

HELLO = b"CROMTB1\n"
Refusal = rpc.agent.GetBlobAnswer.Refusal


def dial(address, patience=30):
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=patience)


def secured(raw, identity, authorities):
    """As a member of the mesh: `identity` and `authorities` are PEM texts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # certificates name members, not addresses
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cadata=authorities)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "identity.pem")
        with open(path, "w", encoding="ascii") as file:
            file.write(identity)
        context.load_cert_chain(path)
    return context.wrap_socket(raw)


def take(line, count):
    data = b""
    while len(data) < count:
        piece = line.recv(count - len(data))
        if not piece:
            raise ConnectionError(f"the line ended after {len(data)} bytes of {count}")
        data += piece
    return data


@contextlib.contextmanager
def opened(address, identity=None, authorities=None):
    """A line on which a request may come now; in plaintext without an identity."""
    with dial(address) as raw:
        raw.sendall(HELLO)
        hello = take(raw, len(HELLO))
        assert hello == HELLO, hello
        with (secured(raw, identity, authorities) if identity else contextlib.nullcontext(raw)) as line:
            yield line


def ask(line, **fields):
    """(refusal's name or NONE, its reason)."""
    request = rpc.agent.GetBlobRequest(**fields).SerializeToString()
    line.sendall(struct.pack(">I", len(request)) + request)
    (size,) = struct.unpack(">I", take(line, 4))
    answer = rpc.agent.GetBlobAnswer.FromString(take(line, size))
    return Refusal.Name(answer.refusal), answer.reason


def get(address, identity=None, authorities=None, **fields):
    """As ask, and the bytes."""
    with opened(address, identity, authorities) as line:
        refusal, reason = ask(line, **fields)
        data = b""
        while piece := line.recv(1 << 16):
            data += piece
        return refusal, reason, data
