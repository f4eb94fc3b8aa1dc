"""What a task in a container costs: against `docker run --rm` of the same image and command, one after the other.

On an engine of its own, started as the tests do (tests/e2e/engine.py), so that no other's containers count.
"""

import os
import sys

import measure
from mesh import Mesh

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "e2e"))  # behind our own mesh.py

from engine import Engine  # noqa: E402

NAME = "a task in a container over docker run --rm"
LIMIT = 1.3
PAIRS = 15  # a round
COMMAND = "/bin/true"


def task(bench, row):
    try:
        engine = Engine()
    except (OSError, RuntimeError, AssertionError) as error:
        bench.say(f"container: no engine: {str(error).splitlines()[0]}")
        return row(NAME, 0, "ratio", f"<= {LIMIT}", skipped="no engine")
    try:
        engine.image("bench:1")
        environment = {**os.environ, "DOCKER_HOST": engine.address}
        with Mesh(bench.binaries, bench.folder, environment=environment) as mesh:
            mesh.apply(f"projects:\n  one:\n    run: {COMMAND}\n    container: {{image: 'bench:1', network: none}}\n")
            docker = ["docker", "run", "--rm", "--network", "none", "bench:1", COMMAND]
            seconds = {"docker": [], "cromt": []}
            for number in range(1 + bench.rounds * PAIRS):
                pair = {"docker": measure.timed(docker, env=environment, timeout=60)[0], "cromt": mesh.run("one")}
                if number > 0:  # connections, caches
                    for name, value in pair.items():
                        seconds[name].append(value)
    finally:
        engine.close()
    ratio = measure.median([ours / theirs for ours, theirs in zip(seconds["cromt"], seconds["docker"])])
    details = {f"{name}_ms": {"median": round(measure.median(values) * 1000, 1), "p90": round(measure.percentile(values, 90) * 1000, 1)}
               for name, values in seconds.items()}
    return row(NAME, ratio, "ratio", f"<= {LIMIT}", ratio <= LIMIT, {"pairs": len(seconds["cromt"]), **details})
