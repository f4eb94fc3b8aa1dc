"""Builds the simulator with one planted bug after another and lets each look for its own; called by script/mutate,
which see. What is built first is the simulator as it is: it has to find nothing."""

import argparse
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tests", "mutations"))

import mutation as mutations  # noqa: E402

WORK = "build/mutate"
TREE = f"{WORK}/tree"
BUILD = f"{TREE}/build"  # as in a work tree: so ccache knows what is not mutated
PROGRAMS = f"{WORK}/programs"
PATIENCE = 60  # seconds for a seed, which takes less than one
# A checker is named by what it says without what differs from seed to seed.
VARIABLE = re.compile(r"\b[a-z0-9]{12}\b(/\d+\.\d+|/\d+)?|\d+")


def say(text):
    print(text, flush=True)


def sync(committed):
    """The copy holds what the work tree does, or what is committed. What is as it was keeps its time, so that it is not
    built again."""
    source = export() if committed else "."
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    if committed:
        listing = ["git", "ls-tree", "-rz", "--name-only", "HEAD"]
    listed = subprocess.run(listing, check=True, capture_output=True, text=True).stdout.split("\0")
    wanted = {path for path in listed if path and os.path.isfile(f"{source}/{path}")}
    for folder, folders, names in os.walk(TREE):
        folders[:] = [name for name in folders if os.path.join(folder, name) != BUILD]
        for name in names:
            path = os.path.join(folder, name)
            if os.path.relpath(path, TREE) not in wanted:
                os.remove(path)
    for path in wanted:
        write_if_other(f"{TREE}/{path}", read_bytes(f"{source}/{path}"), f"{source}/{path}")


def export():
    """A folder with what is committed."""
    folder = f"{WORK}/committed"
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    archive = subprocess.run(["git", "archive", "HEAD"], check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", folder], check=True, input=archive)
    return folder


def read_bytes(path):
    with open(path, "rb") as file:
        return file.read()


def write_if_other(path, data, like=None):
    if os.path.isfile(path) and read_bytes(path) == data:
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)
    if like:
        shutil.copymode(like, path)


def build(log):
    """Builds the simulator of the copy; False if that fails."""
    if not os.path.isfile(f"{BUILD}/build.ninja"):
        configure = ["cmake", "-S", TREE, "-B", BUILD, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DCROMT_RPC=OFF",
                     "-DCROMT_BENCH=OFF"]
        if not logged(configure, log):
            return False
    return logged(["cmake", "--build", BUILD, "--target", "cromt-sim"], log)


def logged(command, log):
    with open(log, "w", encoding="utf-8") as file:
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file).returncode == 0


def build_program(name):
    """The path of the program that was built, or None."""
    os.makedirs(PROGRAMS, exist_ok=True)
    if not build(f"{WORK}/{name}.log"):
        return None
    program = f"{PROGRAMS}/{name}"
    shutil.copyfile(f"{BUILD}/bin/cromt-sim", program)
    os.chmod(program, 0o755)
    return program


def build_with(mutation):
    """As build_program, of the copy with the bug in it, which is taken out again."""
    path = f"{TREE}/{mutation.file}"
    as_it_is = read_bytes(path)
    write_if_other(path, mutations.mutated(mutation, as_it_is.decode()).encode())
    try:
        return build_program(mutation.name)
    finally:
        write_if_other(path, as_it_is)


def search(program, seeds):
    """(seed, what was said) of the first that fails, or None."""
    with open(f"{program}.said", "w+", encoding="utf-8") as errors:
        process = subprocess.Popen([program, "--seeds", str(seeds), "-o", "json"], stdout=subprocess.PIPE, stderr=errors,
                                   stdin=subprocess.DEVNULL, text=True)
        seed = 0
        try:
            while (line := read_line(process)) is not None:
                report = json.loads(line)
                seed = report["seed"]
                if report["violations"]:
                    return seed, report["violations"][0]
        except TimeoutError:
            return seed + 1, f"it goes on for more than {PATIENCE} s"
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
        if process.returncode == 0:
            return None if seed == seeds else (seed + 1, "the simulator stopped")
        errors.seek(0)
        last = errors.read().strip().splitlines()
        return seed + 1, f"the simulator died with {process.returncode}: {last[-1] if last else 'without a word'}"


def read_line(process):
    """The next line of what it says; None at the end."""
    alarm = threading.Timer(PATIENCE, process.kill)
    alarm.start()
    line = process.stdout.readline()
    if not alarm.is_alive():
        raise TimeoutError
    alarm.cancel()
    if line:
        return line
    process.wait()
    return None


def checker(said):
    return VARIABLE.sub("…", said)[:110]


def report(mutation, program):
    """Lets the program look for its bug; the line to print, and whether it was found."""
    found = search(program, mutation.seeds)
    for path in (program, f"{program}.said"):
        os.remove(path)
    if found is None:
        return f"NOT CAUGHT  {mutation.name} in {mutation.seeds} seeds: {mutation.what}", False
    return f"caught      {mutation.name} at seed {found[0]} of {mutation.seeds}: {checker(found[1])}", True


def is_clean(seeds):
    """Whether nothing is found where nothing was planted."""
    program = build_program("as-it-is")
    if program is None:
        say(f"the simulator does not build as it is: {WORK}/as-it-is.log")
        return False
    found = search(program, seeds)
    if found:
        say(f"nothing is planted, and seed {found[0]} says: {found[1]}")
        return False
    say(f"nothing is planted, and {seeds} seeds say nothing")
    return True


def run(wanted, jobs):
    """Builds one after another; those that are built run beside that. How many were caught."""
    caught = 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        searches = []
        for mutation in wanted:
            program = build_with(mutation)
            if program is None:
                say(f"NO BUILD    {mutation.name}: {WORK}/{mutation.name}.log")
                continue
            searches.append(pool.submit(report, mutation, program))
            searches[-1].add_done_callback(lambda done: say(done.result()[0]))
        for one in searches:
            caught += one.result()[1]
    return caught


def choose(names):
    """The mutations of these names, all for none; dies of a wrong name or of one that does not fit its file."""
    everything = mutations.all_mutations()
    by_name = {mutation.name: mutation for mutation in everything}
    if unknown := [name for name in names if name not in by_name]:
        sys.exit(f"mutate: there is no '{unknown[0]}'; see --list")
    wanted = [by_name[name] for name in names] if names else everything
    for mutation in wanted:
        text = read_bytes(mutation.file).decode() if os.path.isfile(mutation.file) else None
        if why := mutations.problem(mutation, text):
            sys.exit(f"mutate: {mutation.name}: {why}")
    return wanted


def main():
    parser = argparse.ArgumentParser(prog="script/mutate")
    parser.add_argument("--list", action="store_true", help="only name them")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="simulators at a time")
    parser.add_argument("--committed", action="store_true", help="of what is committed, not of the work tree")
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    os.chdir(ROOT)
    wanted = choose(options.names)
    if options.list:
        for mutation in wanted:
            say(f"{mutation.name}: {mutation.what}")
        return 0
    started = time.monotonic()
    os.makedirs(WORK, exist_ok=True)
    sync(options.committed)
    if not is_clean(max(mutation.seeds for mutation in wanted)):
        return 1
    caught = run(wanted, max(1, options.jobs))
    say(f"{caught} of {len(wanted)} planted bugs are caught, in {time.monotonic() - started:.0f} s")
    return 0 if caught == len(wanted) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
