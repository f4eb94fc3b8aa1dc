"""The rows of the benchmark. Each function returns a list of Row; a RuntimeError says what did not work."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from datetime import datetime

import containers
import measure
import peers
import sandboxes
import scale
import secured
import simulator
import sparrow
from mesh import Mesh

# The task kinds: what jobs.yaml says, and exactly the argv that the agent executes for it.
DIRECT = ("direct", "/bin/true", ["/bin/true"])
SHELL = ("shell", "true; true", ["/bin/sh", "-e", "-c", "true; true"])
KINDS = [DIRECT, SHELL]


@dataclass
class Row:
    name: str
    value: float
    unit: str
    limit: str = ""  # empty: for comparison only
    passed: bool = True
    details: dict = field(default_factory=dict)
    skipped: str = ""  # why it was not measured, which is no failure


@dataclass
class Bench:
    """What the rows share."""

    binaries: object
    folder: str
    tasks: int
    peer_tasks: int
    rounds: int
    say: object
    rates: dict = field(default_factory=dict)  # kind → cromt's tasks a second, for the rows of the peers

    def scratch(self):
        return tempfile.TemporaryDirectory(prefix="peer-", dir=self.folder)


def job_file(line, address, count):
    """One project whose tasks all go to one agent: a host entry a task."""
    entry = f'    - url: "http://{address}"\n'
    head = f'projects:\n  one:\n    run: "{line}"\n    hosts:\n{entry}  many:\n    run: "{line}"\n    hosts:\n'
    return head + entry * count


# ---- Throughput: coordinator and agent apart, durable, output kept ------------------------------


def reference(bench, argv, count):
    with bench.scratch() as folder:
        return count / peers.spawn_loop(bench.binaries, folder, argv, count)


def cpu_per_task_us(before, after, count):
    """Process → own CPU microseconds a task, and what the jobs themselves took."""
    own = {name: (after[name].own - before[name].own) / count * 1e6 for name in before}
    own["jobs"] = sum(after[name].children - before[name].children for name in before if name.startswith("launcher")) / count * 1e6
    return {name: round(value, 1) for name, value in own.items()}


def one_round(bench, mesh):
    pids = mesh.pids()
    before = {name: measure.cpu(pid) for name, pid in pids.items()}
    seconds = mesh.run("many")
    after = {name: measure.cpu(pid) for name, pid in pids.items()}
    run = mesh.show_last()
    ended = [task["outcome"] for task in run["tasks"]]
    if ended != ["succeeded"] * bench.tasks:
        raise RuntimeError(f"{len(ended)} tasks of {bench.tasks}, of which {ended.count('succeeded')} succeeded")
    return bench.tasks / seconds, cpu_per_task_us(before, after, bench.tasks)


def throughput(bench, kind):
    """Interleaved: reference, cromt, reference, cromt, …, reference; each cromt round against the mean of its neighbours."""
    name, line, argv = kind
    with Mesh(bench.binaries, bench.folder) as mesh:
        mesh.apply(job_file(line, mesh.addresses["agent1"], bench.tasks))
        mesh.run("one")  # connections, caches
        references, ours, cpus = [reference(bench, argv, bench.tasks)], [], []
        for number in range(bench.rounds):
            rate, cpu = one_round(bench, mesh)
            ours.append(rate)
            cpus.append(cpu)
            references.append(reference(bench, argv, bench.tasks))
            bench.say(f"{name}: round {number + 1}: bare {references[-1]:.0f}/s, cromt {rate:.0f}/s")
    ratios = [rate * 2 / (references[i] + references[i + 1]) for i, rate in enumerate(ours)]
    ratio = measure.median(ratios)
    bench.rates[name] = measure.median(ours)
    details = {"tasks": bench.tasks, "cromt_per_s": [round(r) for r in ours], "bare_per_s": [round(r) for r in references],
               "ratios": [round(r, 3) for r in ratios],
               "cpu_us_per_task": {process: measure.median([cpu[process] for cpu in cpus]) for process in cpus[0]}}
    return [Row(f"{bench.tasks} tasks, {name}: cromt / bare spawn loop", ratio, "ratio", ">= 0.6", ratio >= 0.6, details)]


def peer_rows(bench):
    """Once each, between two references; the tools are named with what the ratio was in the same minute."""
    absent = [tool for peer in peers.ALL for tool in peers.missing(peer)]
    if absent:
        raise RuntimeError(f"{', '.join(absent)}: not installed; run script/bootstrap bench")
    rows = []
    for name, line, argv in KINDS:
        references = [reference(bench, argv, bench.peer_tasks)]
        for peer, run in peers.ALL.items():
            with bench.scratch() as folder:
                rate = bench.peer_tasks / run(folder, line, bench.peer_tasks)
            references.append(reference(bench, argv, bench.peer_tasks))
            details = {"tasks": bench.peer_tasks, "ratio_to_bare": round(rate * 2 / (references[-1] + references[-2]), 3)}
            if name in bench.rates:
                details["cromt_is_times_faster"] = round(bench.rates[name] / rate, 2)
            bench.say(f"{name}: {peers.TITLES[peer]} {rate:.0f}/s")
            rows.append(Row(f"{name}: {peers.TITLES[peer]}", rate, "tasks/s", details=details))
        details = {"tasks": bench.peer_tasks, "bare_per_s": [round(rate) for rate in references]}
        rows.append(Row(f"{name}: bare spawn loop", measure.median(references), "tasks/s", details=details))
    return rows


# ---- Latency ------------------------------------------------------------------------------------


def hello(bench):
    """`cromt run` of a one-line script over bash on the same script, one after the other."""
    script, seconds = "echo hello", {"bash": [], "cromt": []}
    with tempfile.TemporaryDirectory(prefix="hello-", dir=bench.folder) as folder:
        path = os.path.join(folder, "hello.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"projects:\n  hello:\n    run: {script}\n")
        environment = {**os.environ, "XDG_STATE_HOME": folder, "XDG_RUNTIME_DIR": folder}
        commands = {"bash": ["bash", "-c", script], "cromt": [bench.binaries.path("cromt"), "run", path]}
        for number in range(3 + 31):
            for name, command in commands.items():
                took, output = measure.timed(command, env=environment, cwd=folder, timeout=60)
                if "hello" not in output:
                    raise RuntimeError(f"{' '.join(command)} printed no hello but {output!r}")
                if number >= 3:
                    seconds[name].append(took * 1000)
    difference = measure.median(seconds["cromt"]) - measure.median(seconds["bash"])
    details = {f"{name}_ms": {"median": round(measure.median(values), 2), "p90": round(measure.percentile(values, 90), 2)}
               for name, values in seconds.items()}
    return [Row("cromt run of a one-line hello, over bash", difference, "ms", "< 25 ms", difference < 25, details)]


CHAIN = 40


def chain_file(addresses):
    lines = ["projects:"]
    for number in range(CHAIN):
        lines += [f"  link{number}:", "    run: /bin/true", "    hosts:", f'    - url: "http://{addresses[number % 2]}"']
        if number:
            lines += ["    before:", f"    - name: link{number - 1}"]
    return "\n".join(lines) + "\n"


def gaps_ms(run):
    """From each task's end to the start of the next, by the wall clock of this one host."""
    times = sorted((datetime.fromisoformat(task["started_at"].replace("Z", "+00:00")),
                    datetime.fromisoformat(task["finished_at"].replace("Z", "+00:00"))) for task in run["tasks"])
    if len(times) != CHAIN:
        raise RuntimeError(f"{len(times)} tasks in a chain of {CHAIN}")
    return [(begin - end).total_seconds() * 1000 for (_, end), (begin, _) in zip(times, times[1:])]


def chain(bench):
    gaps = []
    with Mesh(bench.binaries, bench.folder, agents=2) as mesh:
        mesh.apply(chain_file([mesh.addresses["agent1"], mesh.addresses["agent2"]]))
        mesh.run(f"link{CHAIN - 1}")  # connections, caches
        for _ in range(10):
            mesh.run(f"link{CHAIN - 1}")
            gaps += gaps_ms(mesh.show_last())
    details = {"gaps": len(gaps), "min_ms": round(min(gaps), 3), "max_ms": round(max(gaps), 3)}
    if min(gaps) < 0:
        raise RuntimeError(f"a task started {-min(gaps):.3f} ms before the end of the one it waits for")
    rows = []
    for percent, limit in ((50, 5), (99, 25)):
        value = measure.percentile(gaps, percent)
        name = f"chain of {CHAIN} over two agents: end to next start, p{percent}"
        rows.append(Row(name, value, "ms", f"< {limit} ms", value < limit, details))
    return rows


LINES = 100
CLOCK = "/usr/bin/python3 -uc 'import time\\nfor _ in range(%d): print(time.time_ns()); time.sleep(0.02)'" % LINES


def logs(bench):
    """From the printing of a line to its coming out of `cromt start --follow`."""
    late = []
    with Mesh(bench.binaries, bench.folder) as mesh:
        mesh.apply(f"projects:\n  clock:\n    run: \"{CLOCK}\"\n")
        command = [bench.binaries.path("cromt"), "--coordinator", mesh.addresses["coordinator"], "start", "clock", "--follow"]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              env={**os.environ, "XDG_STATE_HOME": mesh.folder}) as follower:
            for line in follower.stdout:
                late.append((time.time_ns() - int(line)) / 1e6)
        if follower.returncode != 0 or len(late) != LINES:
            raise RuntimeError(f"{len(late)} of {LINES} lines came, and it ended with {follower.returncode}")
    p99 = measure.percentile(late, 99)
    details = {"median_ms": round(measure.median(late), 2), "max_ms": round(max(late), 2)}
    return [Row("a line of a log: printed to seen by --follow, p99", p99, "ms", "< 100 ms", p99 < 100, details)]


# ---- Idle ---------------------------------------------------------------------------------------


def idle(bench):
    """An agent that has a session and has run a task: memory after 5 s of nothing, then CPU over 5 s."""
    with Mesh(bench.binaries, bench.folder) as mesh:
        mesh.apply(job_file("/bin/true", mesh.addresses["agent1"], 1))
        mesh.run("one")
        time.sleep(5)
        pids = mesh.pids()
        memory = {name: measure.memory_mb(pid) for name, pid in pids.items()}
        before = {name: measure.cpu_exact_ms(pid) for name, pid in pids.items()}
        time.sleep(5)
        cpu_ms = {name: measure.cpu_exact_ms(pid) - before[name] for name, pid in pids.items()}
    details = {name: {"rss_mb": round(memory[name][0], 2), "anonymous_mb": round(memory[name][1], 2),
                      "cpu_ms_in_5_s": round(cpu_ms[name], 2)} for name in sorted(pids)}
    resident, anonymous = memory["agent1"]
    return [
        Row("idle agent: resident", resident, "MB", "< 28 MB", resident < 28, details),
        Row("idle agent: anonymous", anonymous, "MB", "< 8 MB", anonymous < 8),
        # "Not measurable": less than one tick of the kernel's own accounting in five seconds.
        Row("idle agent: CPU in 5 s", cpu_ms["agent1"], "ms", "< 10 ms", cpu_ms["agent1"] < 10),
    ]


# ---- Sizes --------------------------------------------------------------------------------------


def many_projects(count):
    """Each with what a project of a real file has, and one before it."""
    lines = ["projects:"]
    for number in range(count):
        lines += [f"  job{number}:", "    path: https://git.example.org/team/jobs.git", "    action: build test",
                  f"    vars: {{NUMBER: '{number}', LEVEL: high}}", "    hosts:",
                  "      - {url: 'https://hostA:4000', vars: {SIDE: left}}", "      - {url: 'https://hostB:4000'}"]
        if number % 10:
            lines += ["    before:", f"      - {{name: job{number - 1}, vars: {{FROM: '{number}'}}}}"]
    return "\n".join(lines) + "\n"


def many_tasks(projects, hosts):
    """`all` runs each project on each host, one project after the other."""
    lines = ["x-hosts: &hosts"] + [f"  - {{id: h{number}}}" for number in range(hosts)] + ["projects:"]
    for number in range(projects):
        lines += [f"  p{number}:", f"    run: ./work.sh {number}", "    hosts: *hosts"]
        if number:
            lines += [f"    before: [{{name: p{number - 1}}}]"]
    return "\n".join(lines) + "\n"


def sizes(bench):
    rows = []
    with bench.scratch() as folder:
        path = os.path.join(folder, "jobs.yaml")

        def row(name, text, arguments, limit, tasks=0):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            runs = [measure.timed_with_peak([bench.binaries.path("cromt"), *arguments]) for _ in range(bench.rounds)]
            seconds, peak = measure.median([run[0] for run in runs]), max(run[1] for run in runs)
            rows.append(Row(name, seconds, "s", f"< {limit} s", seconds < limit, {"peak_mb": round(peak / 1e6, 1)}))
            if tasks:
                rows.append(Row(f"{name}: peak memory a task", peak / tasks, "bytes", "< 1024 bytes", peak / tasks < 1024))

        row("a file of 10,000 projects: validate", many_projects(10_000), ["validate", path], 2)
        plan = ["plan", "-o", "quiet", "--conf", path]
        row("a plan of 100,000 tasks", many_tasks(100, 1000), [*plan, "p99"], 2)
        row("a plan of 1,000,000 tasks", many_tasks(1000, 1000), [*plan, "p999"], 20, tasks=1_000_000)
    return rows


# ---- Artifacts ----------------------------------------------------------------------------------

ARTIFACT_MB = 1000
# On a virtual machine the first touch of a page can cost more than all else: the host must find it. So both sides begin
# right after somebody has given back memory that was in use.
WARM = f"/usr/bin/python3 -c 'b = bytes(1) * (3 * {ARTIFACT_MB} * 1000000)'"


def artifact_file(addresses, megabytes):
    return f"""
projects:
  make:
    run: head -c {megabytes}000000 /dev/urandom > f
    hosts: [{{url: "http://{addresses["agent1"]}"}}]
    artifacts: {{out: [{{file: x, path: f}}]}}
  warm:
    run: {WARM}
    hosts: [{{url: "http://{addresses["agent2"]}"}}]
    before: [{{name: make}}]
  take:
    run: test $(stat -c %s .artifacts/x) = {megabytes}000000
    hosts: [{{url: "http://{addresses["agent2"]}"}}]
    artifacts: {{in: [x]}}
    before: [{{name: warm}}]
"""


def seconds_to_start(run):
    """Until `take` starts, which then has the artifact in its directory: one copy more."""
    warm, take = (next(task for task in run["tasks"] if task["project"] == name) for name in ("warm", "take"))
    end, begin = (datetime.fromisoformat(text.replace("Z", "+00:00")) for text in (warm["finished_at"], take["started_at"]))
    return (begin - end).total_seconds()


def seconds_of_transfer(store):
    """From the making of the store's largest file to its getting its name: received, digested, written and synced."""
    files = [os.path.join(folder, name) for folder, _, names in os.walk(store) for name in names]
    largest = max(files, key=os.path.getsize)
    born, named = (float(text) for text in measure.timed(["stat", "-c", "%.W %.Z", largest])[1].split())
    return named - born


def move(bench, folder, megabytes, tls=False):
    """One artifact between two agents, and the reference: a dict of seconds and MB."""
    with Mesh(bench.binaries, folder, agents=2, tls=tls) as mesh:
        mesh.apply(artifact_file(mesh.addresses, 1))
        mesh.run("take")  # connections, threads
        agents = [pid for name, pid in mesh.pids().items() if name.startswith("agent")]
        before = [measure.peak_mb(pid) for pid in agents]
        mesh.apply(artifact_file(mesh.addresses, megabytes))
        mesh.run("take")
        found = {"to_start": seconds_to_start(mesh.show_last()),
                 "transfer": seconds_of_transfer(os.path.join(mesh.folder, "agent2", "blobs")),
                 "growth_mb": max(measure.peak_mb(pid) - was for pid, was in zip(agents, before))}
        source = os.path.join(mesh.folder, "from")
        measure.timed(["sh", "-c", 'head -c "$1" /dev/urandom > "$2"', "sh", f"{megabytes}000000", source])
        measure.timed(["sh", "-c", WARM])
        output = measure.timed([bench.binaries.copy_loop, source, os.path.join(mesh.folder, "to")])[1]
        return {**found, "bare": json.loads(output)["seconds"]}


def iperf_mb_per_s():
    """One TCP stream over the loopback, as iperf3 sees it."""
    port = str(measure.free_port())

    def received():  # it answers also that nobody listens yet, as JSON
        output = measure.output_of(["iperf3", "-c", "127.0.0.1", "-p", port, "-t", "3", "-J"])
        return output if output and "sum_received" in output else None

    with subprocess.Popen(["iperf3", "-s", "-1", "-p", port], stdout=subprocess.DEVNULL) as server:
        try:
            output = measure.wait_for("iperf3 listens", received)
        finally:
            server.kill()
    return json.loads(output)["end"]["sum_received"]["bits_per_second"] / 8e6


def artifact(bench):
    rows = []
    for name, folder, limit in (("disk", bench.folder, 0.7), ("tmpfs", "/dev/shm", None)):
        moves = []
        for number in range(bench.rounds):
            moves.append(move(bench, folder, ARTIFACT_MB))
            bench.say(f"artifact on {name}: round {number + 1}: " + ", ".join(f"{key} {value:.2f}" for key, value in moves[-1].items()))
        ratio = measure.median([one["bare"] / one["transfer"] for one in moves])
        details = {key: [round(one[key], 2) for one in moves] for key in moves[0]}
        rows.append(Row(f"artifact of {ARTIFACT_MB} MB on {name}: cromt / bare copy", ratio, "ratio",
                        f">= {limit}" if limit else "", limit is None or ratio >= limit, details))
    growth = max(one["growth_mb"] for one in moves)
    rows.append(Row("artifact: growth of an agent's resident memory", growth, "MB", "< 64 MB", growth < 64))
    if shutil.which("iperf3"):
        iperf = iperf_mb_per_s()
        rate = ARTIFACT_MB / measure.median([one["transfer"] for one in moves])
        rows.append(Row("artifact on tmpfs: cromt / iperf3", rate / iperf, "ratio",
                        details={"mb_per_s": round(rate), "iperf3_mb_per_s": round(iperf)}))
    return rows


ALL = {
    "direct": lambda bench: throughput(bench, DIRECT),
    "shell": lambda bench: throughput(bench, SHELL),
    "peers": peer_rows,
    "hello": hello,
    "chain": chain,
    "idle": idle,
    "artifact": artifact,
    "sizes": sizes,
    "logs": logs,
    "container": lambda bench: [containers.task(bench, Row)],
    "sandbox": lambda bench: sandboxes.rows(bench, Row),
    "simulator": lambda bench: [simulator.speed(bench, Row)],
    "sparrow": lambda bench: [sparrow.hello(bench, Row), sparrow.many(bench, Row)],
    "tls": lambda bench: [secured.tasks(bench, Row, job_file, DIRECT), secured.artifact(bench, Row, move, ARTIFACT_MB), *secured.connect(bench, Row)],
    "restart": lambda bench: scale.restart(bench, Row),
    "reconnect": lambda bench: scale.reconnect(bench, Row),
    "memory": lambda bench: scale.memory(bench, Row),
    "history": lambda bench: scale.history(bench, Row),
}
NEED_CROMT = set(ALL) - {"peers"}
FAILURES = (RuntimeError, OSError, ValueError, KeyError, StopIteration, subprocess.SubprocessError, shutil.Error)
