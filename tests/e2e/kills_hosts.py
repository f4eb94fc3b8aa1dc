"""Hosts as network namespaces on one bridge, with what a network can do to them: nothing of the machine's own network is
touched, and all of it is gone with the processes.

REQUIRES: a network namespace of our own with the right to make more, iproute2 and nft.
"""

import itertools
import os
import shutil
import subprocess
import sys

from kills_mesh import AGENT_PORT, COORDINATOR, COORDINATOR_PORT, KillsMesh
from mesh import SOURCE

NET = "10.99.7"
QUEUE = 7  # of packets that are delayed
_numbers = itertools.count(1)


def why_not():
    """Why hosts can't be made here; empty if they can."""
    missing = [tool for tool in ("ip", "nft", "iptables", "nsenter", "unshare") if not shutil.which(tool)]
    if missing:
        return f"{', '.join(missing)} is not installed"
    try:
        host = _Host()
    except (OSError, subprocess.CalledProcessError) as error:
        return f"no network namespace can be made: {error}"
    try:
        host.run("nft", "table inet probe { chain in { type filter hook input priority 0; }; }")
    except subprocess.CalledProcessError as error:
        return f"nft does not work here: {error.stderr.decode(errors='replace').strip()}"
    finally:
        host.end()
    return ""


class _Host:
    """A network namespace that lives as long as a process of ours."""

    def __init__(self):
        self._holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if not self._holder.stdout.readline():
            raise OSError("unshare --net failed")
        self.pid = self._holder.pid
        self.enter = ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--"]

    def run(self, *command):
        return _run(*self.enter, *command)

    def end(self):
        self._holder.stdin.close()
        self._holder.wait()
        self._holder.stdout.close()


class HostsMesh(KillsMesh):
    """The coordinator and each agent on a host of its own; the CLI and we are at the bridge."""

    def __init__(self, names, slots, cgroup):
        super().__init__(names, slots, cgroup)
        self._hosts, self._delays = {}, []
        # The bridge of the seed before would be in the way of ours.
        self._bridge = f"br{next(_numbers)}"
        self._ip("link", "add", self._bridge, "type", "bridge")
        self._ip("addr", "add", f"{NET}.254/24", "dev", self._bridge)
        self._ip("link", "set", self._bridge, "up")
        for number, name in enumerate([*names, COORDINATOR], 1):
            self._add_host(name, number)

    def _add_host(self, name, number):
        host = self._hosts[name] = _Host()
        host.port, host.address = f"{self._bridge}p{number}", f"{NET}.{number}"
        self._ip("link", "add", host.port, "type", "veth", "peer", "name", "eth0", "netns", str(host.pid))
        self._ip("link", "set", host.port, "master", self._bridge, "up")
        for command in (["link", "set", "lo", "up"], ["addr", "add", f"{host.address}/24", "dev", "eth0"], ["link", "set", "eth0", "up"]):
            host.run("ip", *command)

    def _ip(self, *arguments):
        _run("ip", *arguments)

    def address(self, name):
        return f"{self._hosts[name].address}:{COORDINATOR_PORT if name == COORDINATOR else AGENT_PORT}"

    def before(self, name):
        return [*self._hosts[name].enter, *super().before(name)]

    def flags(self):
        return ["--insecure"]

    # ---- Faults -------------------------------------------------------------------------------------

    def network_fault(self, kind, name, dice):
        """Begins it between this agent's host and the coordinator's (`peers`: and another agent's); what ends it."""
        host, other = self._hosts[name], self._hosts[COORDINATOR]
        if kind == "peers":
            other = self._hosts[dice.choice([other for other in self.names if other != name])]
        if kind == "unplug":
            self._ip("link", "set", host.port, "down")
            return lambda: self._ip("link", "set", host.port, "up")
        if kind == "delay":
            return self._delay(host, dice.choice([20, 60, 150]))
        rules = {"partition": [("input", f"ip saddr {other.address} drop"), ("output", f"ip daddr {other.address} drop")],
                 "peers": [("input", f"ip saddr {other.address} drop")],
                 "deaf": [("input", f"ip saddr {other.address} drop")],
                 "mute": [("output", f"ip daddr {other.address} drop")],
                 "reset": [("input", f"ip saddr {other.address} tcp dport {AGENT_PORT} reject with tcp reset")],
                 "loss": [("input", "ip protocol tcp numgen random mod 100 < 30 drop")]}[kind]
        return self._rules(host, rules)

    def _rules(self, host, rules):
        table = f"kills{next(_numbers)}"
        chains = " ".join(f"chain {hook} {{ type filter hook {hook} priority 0; {rule}; }};" for hook, rule in rules)
        host.run("nft", f"table inet {table} {{ {chains} }}")
        return lambda: host.run("nft", f"delete table inet {table}")

    def _delay(self, host, milliseconds):
        """A program takes all packets that come in and lets them go later."""
        delay = os.path.join(SOURCE, "tests", "support", "nfq_delay.py")
        helper = subprocess.Popen([*host.enter, sys.executable, delay, str(QUEUE), str(milliseconds)],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._delays.append(helper)
        if not helper.stdout.readline():
            raise OSError("nfq_delay.py did not start")
        rule = ["INPUT", "-p", "tcp", "-j", "NFQUEUE", "--queue-num", str(QUEUE)]  # nft's own needs more of the kernel
        host.run("iptables", "-A", *rule)

        def mend():
            host.run("iptables", "-D", *rule)
            helper.communicate(b"")  # it lets go of what it holds

        return mend

    # ---- The end --------------------------------------------------------------------------------------

    def close(self):
        super().close()
        for helper in self._delays:
            if helper.poll() is None:
                helper.communicate(b"")
        for host in self._hosts.values():
            host.end()
        self._ip("link", "delete", self._bridge)


def _run(*command):
    return subprocess.run(command, check=True, capture_output=True)
