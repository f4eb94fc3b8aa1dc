"""Runs the fuzz targets of tests/fuzz, two at a time; called by run_tests.py.

A target starts from its kept inputs and looks for SECONDS for one that breaks its property. That input is kept in
build/test-results/fuzz/, and the command that replays it is shown.
"""

import concurrent.futures
import glob
import os
import re
import shutil
import subprocess

RESULTS = "build/test-results/fuzz"
PROGRAMS = "build/fuzz/bin"
BROKEN = re.compile(r"PROPERTY BROKEN|^==\d+== ?ERROR")  # by a sanitizer; libraries have errors of their own
DONE = re.compile(r"^Done (\d+) runs in ", re.MULTILINE)
# A second for a hostile input is the promise; sanitizers and a busy machine take their share.
LIMITS = ["-timeout=10", "-rss_limit_mb=1024", "-max_len=8192"]


class Outcome:
    """What became of one target."""

    def __init__(self, name, output, exit_code, inputs):
        self.name = name
        self.output = output
        self.exit_code = exit_code
        self.inputs = inputs  # files that broke it
        found = DONE.search(output)
        self.runs = int(found.group(1)) if found else 0

    def problem(self):
        """Why it failed; empty if it did not."""
        replay = "; ".join(f"replay: {PROGRAMS}/{self.name}_fuzz {path}" for path in self.inputs)
        if self.inputs or self.exit_code:
            return replay or f"exit code {self.exit_code}"
        return "" if self.runs else "it ran no input"


def targets():
    """Names of all targets: jobs for tests/fuzz/jobs_fuzz.cc."""
    return sorted(os.path.basename(path)[: -len("_fuzz.cc")] for path in glob.glob("tests/fuzz/*_fuzz.cc"))


def run_target(name, seconds):
    corpus = f"tests/fuzz/corpus/{name}"
    if not os.path.isdir(corpus) or not os.listdir(corpus):
        return Outcome(name, f"{corpus} holds no kept input", 1, [])
    grown = f"{RESULTS}/{name}"
    os.makedirs(grown)
    command = [f"{PROGRAMS}/{name}_fuzz", f"-max_total_time={seconds}", f"-artifact_prefix={RESULTS}/{name}-", *LIMITS,
               grown, corpus]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=seconds * 4 + 60)
        output, code = done.stdout.decode("utf-8", "replace"), done.returncode
    except subprocess.TimeoutExpired:
        output, code = f"{name} did not end", 1
    return Outcome(name, output, code, sorted(glob.glob(f"{RESULTS}/{name}-*")))


def story(output):
    """The lines that tell what went wrong: from the first that says so."""
    lines = output.splitlines()
    first = next((i for i, line in enumerate(lines) if BROKEN.search(line)), 0)
    return "\n".join(lines[first:][:60] if first else lines[-20:])


def run_all(seconds):
    """Yields the outcome of each target as it ends. REQUIRES: the programs are built."""
    shutil.rmtree(RESULTS, ignore_errors=True)
    os.makedirs(RESULTS)
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        waiting = [pool.submit(run_target, name, seconds) for name in targets()]
        for future in concurrent.futures.as_completed(waiting):
            yield future.result()
