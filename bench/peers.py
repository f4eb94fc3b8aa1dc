"""Other tools on the same tasks, two at a time, output kept in a file. Each returns seconds for `count` tasks.

None of them keeps its state so that a run survives a crash, save makeflow; they show what people are used to.
"""

import json
import os
import shutil
import subprocess

import measure

NEEDS = {"make": ["make"], "parallel": ["parallel"], "ninja": ["ninja"], "makeflow": ["makeflow", "work_queue_worker"]}


def missing(peer):
    return [tool for tool in NEEDS[peer] if not shutil.which(tool)]


def spawn_loop(binaries, folder, argv, count):
    """The reference: bare spawns, as many in flight as there are cores."""
    command = [binaries.spawn_loop, str(count), str(os.cpu_count()), os.path.join(folder, "spawn_loop.out"), "--", *argv]
    return json.loads(measure.timed(command)[1])["seconds"]


def _write(folder, name, lines):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return path


def _timed_to_file(command, folder, **options):
    with open(os.path.join(folder, "output"), "ab") as output:
        begin = measure.time.monotonic()
        subprocess.run(command, cwd=folder, stdout=output, stderr=output, check=True, **{"stdin": subprocess.DEVNULL, **options})
        return measure.time.monotonic() - begin


def make(folder, line, count):
    targets = " ".join(f"t{i}" for i in range(count))
    _write(folder, "Makefile", [f"TASKS = {targets}", "all: $(TASKS)", ".PHONY: all $(TASKS)", "$(TASKS):", f"\t@{line}"])
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")}
    return _timed_to_file(["make", "-s", "-j2"], folder, env=environment)


def parallel(folder, line, count):
    tasks = _write(folder, "tasks", [line] * count)
    environment = {**os.environ, "SHELL": "/bin/sh", "PARALLEL_HOME": folder}
    with open(tasks, "rb") as file:
        return _timed_to_file(["parallel", "--will-cite", "-j2"], folder, stdin=file, env=environment)


def ninja(folder, line, count):
    _write(folder, "build.ninja", ["rule run", f"  command = {line}", *(f"build t{i}: run" for i in range(count))])
    return _timed_to_file(["ninja", "--quiet", "-j2"], folder)


def makeflow(folder, line, count):
    """Its tasks must leave a file each. Timed from the moment a worker may connect."""
    tasks = (f"o{i}:\n\t({line}) > o{i}\n" for i in range(count))
    _write(folder, "tasks.makeflow", tasks)
    with open(os.path.join(folder, "output"), "ab") as output:
        options = {"cwd": folder, "stdin": subprocess.DEVNULL, "stdout": output, "stderr": output}
        manager = subprocess.Popen(["makeflow", "-T", "wq", "-Z", "port", "tasks.makeflow"], **options)
        worker = None
        try:
            port_file = os.path.join(folder, "port")
            measure.wait_for("makeflow says its port", lambda: os.path.exists(port_file) and os.path.getsize(port_file), 60)
            with open(port_file, encoding="utf-8") as file:
                port = file.read().strip()
            begin = measure.time.monotonic()
            worker = subprocess.Popen(["work_queue_worker", "--cores", "2", "-t", "60", "-s", folder, "127.0.0.1", port], **options)
            code = manager.wait(timeout=1200)
            seconds = measure.time.monotonic() - begin
        finally:
            for process in (manager, worker):
                if process and process.poll() is None:
                    process.terminate()
                    process.wait()
    if code != 0 or not os.path.exists(os.path.join(folder, f"o{count - 1}")):
        raise RuntimeError(f"makeflow ended with {code} and without all its files")
    return seconds


ALL = {"make": make, "ninja": ninja, "parallel": parallel, "makeflow": makeflow}
TITLES = {"make": "make -j2", "ninja": "ninja -j2", "parallel": "GNU parallel -j2", "makeflow": "makeflow + work_queue_worker"}
