"""Runs the rows, prints a table and JSON, and holds the limits; called by script/bench, which see."""

import argparse
import dataclasses
import json
import os
import platform
import sys
import tempfile

sys.dont_write_bytecode = True

import rows as bench_rows  # noqa: E402
from mesh import Binaries  # noqa: E402


def say(text=""):
    print(text, file=sys.stderr, flush=True)


def parse():
    parser = argparse.ArgumentParser(prog="script/bench")
    parser.add_argument("--only", action="append", metavar="ROW,…", help=", ".join(bench_rows.ALL))
    parser.add_argument("--tasks", type=int, default=10000)
    parser.add_argument("--peer-tasks", type=int, help="default: as many as --tasks")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--build", default="build", help="build folder with bin/ and bench/")
    parser.add_argument("--json", metavar="FILE", help="write the JSON there instead of to stdout")
    parser.add_argument("--report-only", action="store_true", help="exit with 0 also when a limit is missed")
    options = parser.parse_args()
    options.only = ",".join(options.only).split(",") if options.only else list(bench_rows.ALL)
    unknown = [name for name in options.only if name not in bench_rows.ALL]
    if unknown:
        parser.error(f"unknown row {unknown[0]!r}; there are: {', '.join(bench_rows.ALL)}")
    if options.tasks < 1 or options.rounds < 1 or (options.peer_tasks or 1) < 1:
        parser.error("--tasks, --peer-tasks and --rounds are at least 1")
    return options


def measure_all(bench, names):
    """(rows, errors): a row that can't be measured does not stop the others."""
    measured, errors = [], {}
    for name in names:
        missing = bench.binaries.missing() if name in bench_rows.NEED_CROMT else []
        if missing:
            errors[name] = f"not built: {', '.join(missing)} in {bench.binaries.bin}; run script/build"
        else:
            say(f"bench: {name}")
            try:
                measured += bench_rows.ALL[name](bench)
            except bench_rows.FAILURES as error:
                errors[name] = f"{error}" or repr(error)
        if name in errors:
            say(f"bench: {name}: {errors[name]}")
    return measured, errors


def print_table(measured, errors):
    width = max([len(row.name) for row in measured] + [20])
    say(f"\n{'':{width}}  {'value':>10} {'':8}{'limit':>9}")
    for row in measured:
        if row.skipped:
            say(f"{row.name:{width}}  skipped: {row.skipped}")
            continue
        verdict = ("ok" if row.passed else "MISSED") if row.limit else ""
        digits = 3 if row.unit == "ratio" else 0 if row.value >= 100 else 2
        say(f"{row.name:{width}}  {row.value:>10.{digits}f} {row.unit:8}{row.limit:>9}  {verdict}")
        if "ratio_to_bare" in row.details:
            say(f"{'':{width}}    {row.details['ratio_to_bare']} of the bare loop beside it")
        cpu = row.details.get("cpu_us_per_task")
        if cpu:
            say(f"{'':{width}}    CPU µs a task: " + ", ".join(f"{name} {value:.0f}" for name, value in cpu.items()))
        if row.name == "idle agent: resident":
            for name, values in row.details.items():
                say(f"{'':{width}}    {name}: {values['rss_mb']} MB resident, {values['anonymous_mb']} MB anonymous, {values['cpu_ms_in_5_s']} ms")
    for name, error in errors.items():
        say(f"{name}: could not be measured: {error.splitlines()[0]}")


def main():
    options = parse()
    binaries = Binaries(os.path.abspath(options.build))
    if not os.access(binaries.spawn_loop, os.X_OK):
        say(f"bench: not built: {binaries.spawn_loop}; run script/build")
        return 1
    load = os.getloadavg()[0]
    if load > os.cpu_count() / 2:
        say(f"bench: this machine is busy (load {load:.1f}): the numbers will mean little")
    # In the build folder, not in /tmp: that may be memory, and what is measured is durable.
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.build) as folder:
        os.chmod(folder, 0o711)  # jobs of other users get to their workspaces
        bench = bench_rows.Bench(binaries, os.path.abspath(folder), options.tasks, options.peer_tasks or options.tasks,
                                 options.rounds, lambda text: say(f"bench: {text}"))
        measured, errors = measure_all(bench, options.only)
    print_table(measured, errors)
    report = {"machine": {"cores": os.cpu_count(), "kernel": platform.release(), "load_1m_before": load},
              "rows": [dataclasses.asdict(row) for row in measured], "errors": errors}
    text = json.dumps(report, indent=1)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            file.write(text + "\n")
    else:
        print(text)
    missed = [row for row in measured if not row.passed]
    say(f"bench: {len(missed)} limits missed, {len(errors)} rows not measured")
    return 1 if (missed or errors) and not options.report_only else 0


if __name__ == "__main__":
    sys.exit(main())
