#!/usr/bin/python3
"""nfq_delay.py QUEUE MILLISECONDS: holds every packet of an nfnetlink queue for that long; a stand-in for `tc netem delay`.

Prints a line when it listens, ends with its standard input, and lets go of what it holds then.
"""

import collections
import select
import socket
import struct
import sys
import time

NETLINK_NETFILTER = 12
PACKET, VERDICT, CONFIG = 3 << 8 | 0, 3 << 8 | 1, 3 << 8 | 2  # of the subsystem nfqueue
REQUEST = 1
CONFIG_COMMAND, CONFIG_PARAMS, CONFIG_MAX_LENGTH = 1, 2, 3
BIND, COPY_META = 1, 1
PACKET_HEADER, VERDICT_HEADER = 1, 2
ACCEPT = 1


def attribute(kind, data):
    length = 4 + len(data)
    return struct.pack("=HH", length, kind) + data + bytes(-length % 4)


def message(kind, queue, attributes):
    """nlmsghdr, nfgenmsg and the attributes."""
    body = struct.pack("!BBH", 0, 0, queue) + attributes
    return struct.pack("=IHHII", 16 + len(body), kind, REQUEST, 0, 0) + body


def packet_ids(data):
    """Of the packets that these messages are about."""
    while len(data) >= 16:
        length, kind = struct.unpack_from("=IH", data)
        at = 20
        while kind == PACKET and at + 4 <= length:
            size, name = struct.unpack_from("=HH", data, at)
            if name == PACKET_HEADER:
                yield struct.unpack_from("!I", data, at + 4)[0]
            at += max(4, size + 3 & ~3)
        data = data[max(16, length + 3 & ~3):]


def main():
    queue, delay = int(sys.argv[1]), int(sys.argv[2]) / 1000
    netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    netlink.bind((0, 0))
    netlink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    netlink.setsockopt(270, 5, 1)  # SOL_NETLINK, NETLINK_NO_ENOBUFS: what overflows is a lost packet, no error
    netlink.send(message(CONFIG, queue, attribute(CONFIG_COMMAND, struct.pack("!BBH", BIND, 0, 0))))
    netlink.send(message(CONFIG, queue, attribute(CONFIG_PARAMS, struct.pack("!IB", 0, COPY_META))))
    netlink.send(message(CONFIG, queue, attribute(CONFIG_MAX_LENGTH, struct.pack("!I", 10000))))
    print(flush=True)
    held = collections.deque()  # (when it may go, packet)

    def let_go(until):
        while held and held[0][0] <= until:
            verdict = struct.pack("!II", ACCEPT, held.popleft()[1])
            netlink.send(message(VERDICT, queue, attribute(VERDICT_HEADER, verdict)))

    while True:
        patience = max(0, held[0][0] - time.monotonic()) if held else None
        ready, _, _ = select.select([netlink, sys.stdin], [], [], patience)
        if netlink in ready:
            held.extend((time.monotonic() + delay, packet) for packet in packet_ids(netlink.recv(1 << 16)))
        let_go(time.monotonic())
        if sys.stdin in ready:
            let_go(float("inf"))
            return


if __name__ == "__main__":
    main()
