"""What a Sparrow task in Python asks of its runner."""
# Like the original it hands out json, os and Path: scripts that import * use them.
import json
import os
from pathlib import Path


def cache_dir():
    return os.environ["cache_dir"]


def cache_root_dir():
    return os.environ["cache_root_dir"]


_kept = {}


def _read(path):
    if path not in _kept:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            _kept[path] = json.load(file)
    return _kept[path]


def _places():
    return _read(os.path.join(cache_dir(), "places.json"))


def root_dir():
    return _places()["root_dir"]


def project_root_dir():
    return root_dir()


def task_dir():
    return _places()["task_dir"]


def test_root_dir():
    return cache_root_dir()


def stdout_file():
    return os.path.join(cache_dir(), "stdout")


def config():
    return _read(os.path.join(cache_root_dir(), "config.json"))


def task_variables():
    return _read(os.path.join(cache_dir(), "variables.json"))


def task_var(name):
    return task_variables().get(name)


def set_stdout(line):
    line = str(line)
    with open(stdout_file(), "a", encoding="utf-8", errors="surrogateescape") as file:
        file.write(line if line.endswith("\n") else line + "\n")


def run_task(path, params=None):
    print("task_var_json_begin")
    print(json.dumps(params or {}))
    print("task_var_json_end")
    print("task: " + path, flush=True)


def ignore_error(val=None):
    print("ignore_error:", flush=True)


def ignore_task_error(val=None):
    ignore_error()


def ignore_task_check_error(val=None):
    print("ignore_task_check_error:", flush=True)


def get_state():
    path = os.path.join(cache_root_dir(), "state.json")
    if not os.path.isfile(path):
        return {}
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return json.load(file)


def update_state(state):
    with open(os.path.join(cache_root_dir(), "state.json"), "w", encoding="utf-8") as file:
        json.dump(state, file)


# What a check found so far: for code: and generator: of task.check.


def matched():
    with open(os.path.join(cache_root_dir(), "matched.txt"), encoding="utf-8", errors="surrogateescape") as file:
        return file.read().splitlines()


def captures():
    return [entry["data"] for entry in _read(os.path.join(cache_root_dir(), "captures.json"))]


def capture():
    return captures()[0] if captures() else None


def streams():
    return _read(os.path.join(cache_root_dir(), "streams.json"))


def streams_array():
    return _read(os.path.join(cache_root_dir(), "streams-array.json"))
