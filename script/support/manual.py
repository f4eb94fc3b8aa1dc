#!/usr/bin/python3
"""Writes what the packages hold beside the programs, out of the programs themselves: script/support/manual.py BIN OUT VERSION

OUT gets man/NAME.1 of each program, what its --help says; completions; and the changelog of CHANGELOG.md as Debian has it.
"""

import datetime
import os
import re
import subprocess
import sys
import textwrap

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
# What --help does not say in one line.
NAMES = {
    "cromt": "run the projects of a job file, here or on a mesh of agents",
    "cromt-agent": "the job queue of a host",
    "cromt-coordinator": "keep the runs of a mesh, place their tasks, gather their logs",
    "cromt-launcher": "parent of the job processes of one agent",
    "cromt-step": "run a task's actions, Sparrow tasks or scenarios",
    "cromt-container": "first process of a job that runs in a container",
    "cromt-git": "fetch or pack a repository for the coordinator",
}
SEE_ALSO = {"cromt": "cromt-agent cromt-coordinator"}
MAINTAINER = "The cromt maintainers <cromt@example.org>"


def ask(path, *arguments):
    """What the program says of itself, wherever it says it."""
    done = subprocess.run([os.path.basename(path), *arguments], executable=path, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=30)
    return (done.stdout or done.stderr).rstrip()


def subcommands(text):
    """The words under "Commands:" or "Subcommands:"."""
    found = re.search(r"^(?:Sub)?[Cc]ommands:\n((?:  +\S.*\n?)+)", text, re.MULTILINE)
    return re.findall(r"^  (\S+)", found.group(1), re.MULTILINE) if found else []


def escape(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.MULTILINE)


def page(name, path, version, date):
    """The manual page: the words of --help as they stand, and those of each command below them."""
    main = ask(path, "--help")
    parts = [f'.TH {name.upper()} 1 "{date}" "cromt {version}" "cromt"', ".SH NAME", f"{name} \\- {escape(NAMES[name])}",
             ".SH DESCRIPTION", ".nf", escape(main), ".fi"]
    if commands := subcommands(main):
        parts.append(".SH COMMANDS")
        for command in commands:
            parts += [f'.SS "{name} {command}"', ".nf", escape(ask(path, command, "--help")), ".fi"]
    parts += [".SH SEE ALSO", ", ".join(f".BR {other} (1)" for other in SEE_ALSO.get(name, "cromt").split()).replace(", .BR", "\n.BR")]
    return "\n".join(parts) + "\n"


def debian_changelog(text, newest):
    """CHANGELOG.md in Debian's form; its first version is called `newest`, as the package is."""
    entries = []
    for number, part in enumerate(re.split(r"^## ", text, flags=re.MULTILINE)[1:]):
        title, body = part.split("\n", 1)
        version, date = re.fullmatch(r"(\S+) \((\d{4}-\d\d-\d\d)\)", title).groups()
        stamp = datetime.datetime.fromisoformat(date).strftime("%a, %d %b %Y 00:00:00 +0000")
        items = "\n".join(textwrap.fill(" ".join(item.split()), 76, initial_indent="  * ", subsequent_indent="    ")
                          for item in re.split(r"^- ", body, flags=re.MULTILINE)[1:])
        entries.append(f"cromt ({newest if number == 0 else version}) unstable; urgency=medium\n\n{items}\n\n -- {MAINTAINER}  {stamp}\n")
    return "\n".join(entries)


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def compressed(path):
    subprocess.run(["gzip", "--best", "--no-name", "--force", path], check=True)


def main():
    programs, out, version = sys.argv[1:]
    with open(os.path.join(SOURCE, "CHANGELOG.md"), encoding="utf-8") as file:
        changes = file.read()
    date = re.search(r"\((\d{4}-\d\d-\d\d)\)", changes).group(1)
    for name in NAMES:
        write(f"{out}/man/{name}.1", page(name, os.path.join(programs, name), version, date))
        compressed(f"{out}/man/{name}.1")
    for shell, name in (("bash", "cromt"), ("zsh", "_cromt"), ("fish", "cromt.fish")):
        write(f"{out}/completion/{shell}/{name}", ask(os.path.join(programs, "cromt"), "completion", shell) + "\n")
    write(f"{out}/changelog", debian_changelog(changes, version))
    compressed(f"{out}/changelog")


if __name__ == "__main__":
    main()
