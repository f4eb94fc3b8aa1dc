"""What Sparrow tasks cost: cromt-step against bash on the same scripts, one after the other."""

import json
import os
import tempfile
from datetime import datetime

import measure

TASKS = 1000


def write(folder, path, text):
    path = os.path.join(folder, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def many(bench, row):
    """A thousand tasks that read one parameter each, and a loop that runs the same script without it."""
    with tempfile.TemporaryDirectory(prefix="sparrow-", dir=bench.folder) as folder:
        write(folder, "tasks/t/task.bash", 'x=$(config name); : "hello $x"\n')
        bare = write(folder, "bare.bash", 'x=$(printf %s name); : "hello $x"\n')
        write(folder, ".tom/many.raku", "for ^%d -> $n { task-run 'tasks/t', %%(name => $n) }\n" % TASKS)
        environment = {**os.environ, "TMPDIR": folder}
        commands = {"bash": ["bash", "-c", f"for ((i = 0; i < {TASKS}; i++)); do bash {bare}; done"],
                    "cromt": [bench.binaries.path("cromt-step"), "many"]}
        seconds = {name: [] for name in commands}
        for _ in range(bench.rounds):
            for name, command in commands.items():
                seconds[name].append(measure.timed(command, env=environment, cwd=folder, timeout=300)[0])
    ratio = measure.median(seconds["bash"]) / measure.median(seconds["cromt"])
    details = {f"{name}_s": [round(value, 2) for value in values] for name, values in seconds.items()}
    return row(f"{TASKS} bash tasks with config / bare loop without", ratio, "ratio", ">= 0.5", ratio >= 0.5, details)


def took_ms(run):
    task = run["tasks"][0]
    begin, end = (datetime.fromisoformat(task[key].replace("Z", "+00:00")) for key in ("started_at", "finished_at"))
    return (end - begin).total_seconds() * 1000


def hello(bench, row):
    """The article's hello by `cromt run`: its task alone, over bash on its script."""
    with tempfile.TemporaryDirectory(prefix="sparrow-", dir=bench.folder) as folder:
        script = write(folder, "r/tasks/hello/task.bash", 'echo "Hello worker " $(config worker)!\n')
        write(folder, "r/.tom/hello.raku", '#!raku\ntask-run "tasks/hello", %(\n  worker => %*ENV<WORKER>\n);\n')
        file = write(folder, "hello.yaml", f"projects:\n  hello:\n    path: {folder}/r\n    action: hello\n    vars: {{WORKER: A}}\n")
        environment = {**os.environ, "XDG_STATE_HOME": folder, "XDG_RUNTIME_DIR": folder}
        bash = ["bash", "-c", f"config() {{ echo A; }}; source {script}"]
        cromt = [bench.binaries.path("cromt"), "run", file, "-o", "json"]
        times = {"bash": [], "cromt": []}
        for number in range(3 + 31):
            seconds, _ = measure.timed(bash, env=environment, cwd=folder, timeout=60)
            _, output = measure.timed(cromt, env=environment, cwd=folder, timeout=60)
            if number >= 3:
                times["bash"].append(seconds * 1000)
                times["cromt"].append(took_ms(json.loads(output)))
    difference = measure.median(times["cromt"]) - measure.median(times["bash"])
    details = {f"{name}_ms": {"median": round(measure.median(values), 2), "p90": round(measure.percentile(values, 90), 2)}
               for name, values in times.items()}
    return row("the article's hello, its task over bash", difference, "ms", "< 10 ms", difference < 10, details)
