"""What much costs: unfinished tasks at a restart, agents, finished tasks, history."""

import json
import os
import signal
import subprocess
import time
from contextlib import contextmanager

import measure
from mesh import Mesh

TASKS = 100_000
AGENTS = 1000
RUNS = 1_000_000


# ---- Restart ------------------------------------------------------------------------------------

# `go` is what says when the first task has begun: by the kernel's clock for files, the same that time.time_ns reads.
ONE_LEVEL = "x-hosts: &hosts\n" + "".join(f"  - {{id: h{n}}}\n" for n in range(TASKS)) + """projects:
  all:
    run: mkdir -p %(go)s
    hosts: *hosts
"""


def hundred_levels(go):
    """A hundred projects, one after the other, on a thousand hosts each."""
    lines = ["x-hosts: &hosts"] + [f"  - {{id: h{number}}}" for number in range(TASKS // 100)] + ["projects:"]
    for number in range(100):
        lines += [f"  p{number}:" if number < 99 else "  all:", f"    run: mkdir -p {go}", "    hosts: *hosts"]
        if number:
            lines += [f"    before: [{{name: p{number - 1}}}]"]
    return "\n".join(lines) + "\n"


def first_dispatch(bench, text):
    """Seconds from the start of the coordinator's process to the start of the first task's, with the agent there; until it
    listened; and that it was on a CPU."""
    with Mesh(bench.binaries, bench.folder) as mesh:
        go = os.path.join(mesh.folder, "go")
        mesh.kill("agent1")  # so that nothing of the run begins
        mesh.apply(text % {"go": go} if "%(go)s" in text else text.replace("GO", go))
        mesh.cromt("start", "all", "-o", "quiet")
        mesh.kill("coordinator")
        mesh.start_agent("agent1")
        begin = time.time_ns()
        mesh.start_coordinator()
        listens = time.time_ns()
        measure.wait_for("the first task", lambda: os.path.exists(go), seconds=60)
        busy = measure.cpu_exact_ms(mesh.processes["coordinator"].pid) / 1e3
        return (os.stat(go).st_mtime_ns - begin) / 1e9, (listens - begin) / 1e9, busy


def restart(bench, row):
    rows = []
    for name, text in (("all ready", ONE_LEVEL), ("of 100 projects in order", hundred_levels("GO"))):
        took = [first_dispatch(bench, text) for _ in range(bench.rounds)]
        seconds = measure.median([one[0] for one in took])
        names = ("seconds", "until_it_listens", "on_a_cpu")
        details = {name: [round(one[index], 3) for one in took] for index, name in enumerate(names)}
        rows.append(row(f"restart with {TASKS} tasks, {name}: to the first dispatch", seconds, "s", "< 2 s", seconds < 2, details))
    return rows


# ---- Many agents --------------------------------------------------------------------------------


class ManyAgents:
    """bench/many_agents: agents that say at once that each job has succeeded."""

    def __init__(self, process):
        self.process = process
        self.addresses = json.loads(process.stdout.readline())["addresses"]

    def known(self):
        return {f"agent{number}": address for number, address in enumerate(self.addresses)}

    def wait_live(self):
        """When all have a session, in seconds of time.monotonic()."""
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("many_agents has ended")
        return json.loads(line)["live_at"]

    def break_all(self):
        self.process.send_signal(signal.SIGUSR1)


@contextmanager
def many_agents(bench, count):
    with subprocess.Popen([bench.binaries.many_agents, str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield ManyAgents(process)
        finally:
            process.kill()


def reconnect(bench, row):
    with many_agents(bench, AGENTS) as agents, Mesh(bench.binaries, bench.folder, agents=0, known=agents.known()) as mesh:
        return all_anew(bench, row, mesh, agents, f"{AGENTS} agents reconnect", 5)


def all_anew(bench, row, mesh, agents, title, limit):
    """All sessions anew: the coordinator was killed and is started again, and all connections broke at once."""
    restarts, breaks = [], []
    agents.wait_live()
    for _ in range(bench.rounds):
        mesh.kill("coordinator")
        begin = time.monotonic()
        mesh.start_coordinator()
        restarts.append(agents.wait_live() - begin)
        begin = time.monotonic()
        agents.break_all()
        breaks.append(agents.wait_live() - begin)
        bench.say(f"{title}: restart {restarts[-1]:.2f} s, broken connections {breaks[-1]:.2f} s")
    up = mesh.cromt("agents", "-o", "json")[1].count('"state":"up"')
    if up != AGENTS:
        raise RuntimeError(f"all have a session, and the coordinator says that {up} of {AGENTS} are up")
    resident, anonymous = measure.memory_mb(mesh.processes["coordinator"].pid)
    details = {"coordinator_mb": round(resident, 1), "coordinator_anonymous_mb": round(anonymous, 1)}
    rows = []
    for name, values in (("the coordinator restarted", restarts), ("all connections broke", breaks)):
        seconds = measure.median(values)
        rows.append(row(f"{title}, {name}", seconds, "s", f"< {limit} s", seconds < limit,
                        {**details, "seconds": [round(value, 2) for value in values]}))
    return rows


# ---- Memory -------------------------------------------------------------------------------------

BATCH = 10_000
# What a heap may still grow by after the first fifth, in MB: its fragments come in steps of some MB.
MAY_GROW_MB = 16


def memory(bench, row):
    """Anonymous memory after the first fifth of the tasks and after all: the coordinator's over a million that agents only
    say they ran, and agent's and launcher's over as many as --tasks that are really run, ten times."""
    rows = []
    with many_agents(bench, 10) as agents, Mesh(bench.binaries, bench.folder, agents=0, known=agents.known()) as mesh:
        hosts = "".join(f"    - {{id: h{n}, url: 'http://agent{n % 10}'}}\n" for n in range(BATCH))
        mesh.apply(f"projects:\n  many:\n    run: /bin/true\n    hosts:\n{hosts}")
        rows += growth(bench, row, mesh, 1_000_000 // BATCH, 1_000_000, ["coordinator"])
    with Mesh(bench.binaries, bench.folder) as mesh:
        hosts = "".join(f"    - {{id: h{n}}}\n" for n in range(bench.tasks))
        mesh.apply(f"projects:\n  many:\n    run: /bin/true\n    hosts:\n{hosts}")
        rows += growth(bench, row, mesh, 10, 10 * bench.tasks, ["agent", "launcher"])
    return rows


def growth(bench, row, mesh, runs, tasks, programs):
    """Of these programs over so many runs of `many`."""
    def anonymous():
        pids = {name.rstrip("0123456789"): pid for name, pid in mesh.pids().items()}
        return {name: measure.memory_mb(pids[name])[1] for name in programs}

    begin = time.monotonic()
    for number in range(runs):
        mesh.run("many")
        if number == runs // 5 - 1:
            first = anonymous()
    seconds = time.monotonic() - begin
    last = anonymous()
    bench.say(f"memory: {tasks} tasks in {seconds:.0f} s")
    rows = []
    for name, megabytes in last.items():
        grown = megabytes - first[name]
        details = {"first_mb": round(first[name], 1), "last_mb": round(megabytes, 1), "tasks_per_s": round(tasks / seconds)}
        rows.append(row(f"{name}: memory from {tasks // 5} to {tasks} finished tasks", grown, "MB", f"< {MAY_GROW_MB} MB",
                        grown < MAY_GROW_MB, details))
    return rows


# ---- History ------------------------------------------------------------------------------------


def history(bench, row):
    """The command line's calls with a million runs in the store, from start to end of its process."""
    with Mesh(bench.binaries, bench.folder) as mesh:
        mesh.kill("coordinator")
        store = os.path.join(mesh.folder, "coordinator")
        for name in os.listdir(store):
            if name.startswith("store.db"):
                os.unlink(os.path.join(store, name))
        measure.timed([bench.binaries.many_runs, store, str(RUNS)])
        begin = time.monotonic()
        mesh.start_coordinator()
        listens = time.monotonic() - begin
        mesh.apply("projects: {p1: {run: /bin/true}}\n")
        mesh.run("p1")
        calls = {"cromt runs": ["runs"], "cromt runs --project": ["runs", "--project", "p1"], "cromt show last": ["show", "last"]}
        rows = []
        for name, arguments in calls.items():
            times = sorted(mesh.cromt(*arguments)[0] * 1000 for _ in range(21))
            details = {"median_ms": round(measure.median(times), 1), "max_ms": round(times[-1], 1),
                       "store_mb": round(os.path.getsize(os.path.join(store, "store.db")) / 1e6)}
            worst = measure.percentile(times, 90)
            rows.append(row(f"{name} over {RUNS} runs, p90", worst, "ms", "< 100 ms", worst < 100, details))
        rows.append(row(f"a coordinator with {RUNS} runs: start to listening", listens, "s", "< 2 s", listens < 2))
    return rows
