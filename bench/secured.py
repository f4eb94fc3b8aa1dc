"""What mutual TLS costs: the same in plaintext, interleaved in the same minutes."""

import subprocess
from contextlib import ExitStack, contextmanager

import measure
from mesh import Mesh
from scale import AGENTS, ManyAgents, all_anew


def tasks(bench, row, job_file, kind):
    """Many short tasks: each round with TLS against the mean of the plaintext rounds beside it."""
    name, line, _ = kind
    with ExitStack() as stack:
        meshes = {tls: stack.enter_context(Mesh(bench.binaries, bench.folder, tls=tls)) for tls in (False, True)}
        for mesh in meshes.values():
            mesh.apply(job_file(line, mesh.addresses["agent1"], bench.tasks))
            mesh.run("one")  # connections, caches
        plain, secured = [bench.tasks / meshes[False].run("many")], []
        for number in range(bench.rounds):
            secured.append(bench.tasks / meshes[True].run("many"))
            plain.append(bench.tasks / meshes[False].run("many"))
            bench.say(f"tls: {name}: round {number + 1}: {secured[-1]:.0f}/s, in plaintext {plain[-1]:.0f}/s")
    ratio = measure.median([rate * 2 / (plain[i] + plain[i + 1]) for i, rate in enumerate(secured)])
    details = {"tls_per_s": [round(rate) for rate in secured], "plaintext_per_s": [round(rate) for rate in plain]}
    return row(f"{bench.tasks} tasks, {name}: mutual TLS / plaintext", ratio, "ratio", ">= 0.9", ratio >= 0.9, details)


def artifact(bench, row, move, megabytes):
    """One large artifact from one agent to another, on disk."""
    seconds = {False: [], True: []}
    for number in range(bench.rounds):
        for tls, took in seconds.items():
            took.append(move(bench, bench.folder, megabytes, tls)["transfer"])
        bench.say(f"tls: artifact: round {number + 1}: {seconds[True][-1]:.2f} s, in plaintext {seconds[False][-1]:.2f} s")
    ratio = measure.median(seconds[False]) / measure.median(seconds[True])
    details = {("tls" if tls else "plaintext"): [round(value, 2) for value in took] for tls, took in seconds.items()}
    return row(f"artifact of {megabytes} MB on disk: mutual TLS / plaintext", ratio, "ratio", ">= 0.9", ratio >= 0.9, details)


@contextmanager
def many_members(bench, mesh, count):
    command = [bench.binaries.many_agents, str(count), mesh.addresses["coordinator"], mesh.fingerprint, mesh.folder]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            agents = ManyAgents(process)
            invited = mesh.invite({f"agent{number}": address for number, address in enumerate(agents.addresses)})
            process.stdin.write("".join(one["token"] + "\n" for one in invited))
            process.stdin.flush()
            yield agents
        finally:
            process.kill()


def connect(bench, row):
    with Mesh(bench.binaries, bench.folder, agents=0, tls=True) as mesh, many_members(bench, mesh, AGENTS) as agents:
        return all_anew(bench, row, mesh, agents, f"{AGENTS} agents connect by mutual TLS", 10)
