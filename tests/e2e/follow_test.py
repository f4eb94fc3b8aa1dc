#!/usr/bin/python3
"""What a person sees of a run that goes on: on a terminal its tasks are drawn below the output, and why they wait is said."""

import os
import pty
import re
import select
import struct
import subprocess
import termios
import fcntl
import time

from mesh import BIN
from process import wait_for
from story import Story, main

# All that the command line may send to a terminal: colours, and what its lines at the bottom need.
ALLOWED = re.compile(rb"\x1b\[(?:[0-9;]*m|J|K|[0-9]+A|\?7[lh])")


class Terminal:
    """A call of the CLI on a terminal of its own."""

    def __init__(self, mesh, *arguments, columns=80, rows=24, **environment):
        self.bytes = b""
        self.master, slave = pty.openpty()
        self.resize(columns, rows)
        at = ["--coordinator", mesh.coordinator.address] if mesh.coordinator else []
        self.call = subprocess.Popen([os.path.join(BIN, "cromt"), *arguments, *at], cwd=mesh.folder, start_new_session=True,
                                     env={**mesh.environment, "TERM": "xterm", "LANG": "C.UTF-8", **environment},
                                     stdin=slave, stdout=slave, stderr=slave,
                                     preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)

    def resize(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds):
        """Takes what comes within that time; false once the call has closed its end."""
        try:
            if select.select([self.master], [], [], seconds)[0]:
                self.bytes += os.read(self.master, 65536)
            return True
        except OSError:
            return False

    def until(self, text, seconds=30):
        deadline = time.monotonic() + seconds
        while text.encode() not in self.bytes:
            if time.monotonic() > deadline or not self.read(0.2):
                raise AssertionError(f"{text!r} was not shown; so far:\n{self.bytes.decode(errors='replace')}")

    def end(self, seconds=60):
        """Its exit code, once it has ended."""
        deadline = time.monotonic() + seconds
        while self.read(0.2):
            if time.monotonic() > deadline:
                self.call.kill()
                raise AssertionError(f"it did not end; so far:\n{self.bytes.decode(errors='replace')}")
        return self.call.wait(timeout=10)

    def close(self):
        if self.call.poll() is None:
            self.call.kill()
            self.call.wait()
        os.close(self.master)

    def drawn(self):
        """The lines that were drawn last."""
        frames = re.findall(rb"\x1b\[\?7l(.*?)\x1b\[\?7h", self.bytes, re.DOTALL)
        return ALLOWED.sub(b"", frames[-1]).replace(b"\r", b"").decode().split("\n") if frames else []

    def left(self):
        """The text without the lines that were drawn and cleared again."""
        drawn = re.sub(rb"\x1b\[\?7l.*?\x1b\[\?7h", b"", self.bytes, flags=re.DOTALL)
        return ALLOWED.sub(b"", drawn).replace(b"\r", b"").decode(errors="replace")


class Follow(Story):
    def terminal(self, *arguments, **settings):
        terminal = Terminal(self.mesh, *arguments, **settings)
        self.addCleanup(terminal.close)
        return terminal

    def test_the_tasks_are_drawn_below_and_nothing_of_them_is_left(self):
        self.mesh.start_all("a", "b")
        gate = self.mesh.path("gate")
        self.mesh.apply("projects:\n  one:\n    run: |\n      seq 1 300\n      printf working\n"
                        f"      until [ -e {gate} ]; do :; done\n"
                        "    hosts: [{url: 'http://a'}, {url: 'http://b'}]\n"
                        "  two: {run: exit 7, before: [{name: one}], url: 'http://a'}\n")
        screen = self.terminal("start", "two", "--follow")
        screen.until("0/3 tasks")
        screen.until("working")
        open(gate, "w").close()
        self.assertEqual(screen.end(), 1)
        self.assertEqual(ALLOWED.sub(b"", screen.bytes).count(b"\x1b"), 0)
        left = screen.left()
        for number in range(1, 301):
            self.assertEqual(len(re.findall(rf"^{number}$", left, re.MULTILINE)), 2, f"line {number} of both")
        self.says(left, "cromt: two on a failed", "exit code 7; its output: cromt logs ")
        self.assertNotIn("tasks, ", left.replace("3 tasks in", ""))
        self.assertTrue(screen.bytes.rstrip().endswith(b"3"), screen.bytes[-200:])

    def test_ctrl_c_on_a_terminal_cancels_what_runs_here(self):
        self.mesh.write("slow.yaml", "projects: {slow: {run: 'echo begin; sleep 600'}}\n")
        screen = self.terminal("run", "./slow.yaml")
        screen.until("0/1 task")
        os.write(screen.master, b"\x03")
        self.assertEqual(screen.end(), 130)
        self.says(screen.left(), "begin\n", "interrupted: canceling run", "1 canceled of 1 task")
        wait_for("nothing is left", lambda: not self.mesh.jobs())

    def test_a_window_that_becomes_small_gets_short_lines_and_few(self):
        lines = "".join(f"      - {{id: host{number}}}\n" for number in range(12))
        self.mesh.write("slow.yaml", f"projects:\n  slow:\n    run: echo {'x' * 60}; sleep 600\n    hosts:\n{lines}")
        screen = self.terminal("run", "./slow.yaml", "--slots", "12")
        screen.until("12 running")
        screen.resize(30, 9)
        shown = wait_for("lines that fit", lambda: screen.read(0.1) and (f := screen.drawn()) and max(map(len, f)) < 30 and f)
        self.assertLessEqual(len(shown), 6, shown)
        self.says("\n".join(shown), "0/12 tasks")
        os.write(screen.master, b"\x03")
        self.assertEqual(screen.end(), 130)
        self.assertEqual(screen.left().count("x" * 60), 12)

    def test_a_jobs_escape_codes_reach_no_terminal(self):
        evil = r"printf '\033[2J\033[1;1H\033]0;title\007\033[?1049h\0337\233 \r over\n'; printf '\033[31mred\033[0m\n'; sleep 1"
        self.mesh.write("evil.yaml", f"projects:\n  evil:\n    run: |\n      {evil}\n")
        screen = self.terminal("run", "./evil.yaml")
        self.assertEqual(screen.end(), 0)
        self.assertEqual(ALLOWED.sub(b"", screen.bytes).count(b"\x1b"), 0)
        self.says(screen.left(), "^[[2J^[[1;1H^[]0;title^G^[[?1049h^[7", "red\n")
        self.assertIn(b"\x1b[31mred", screen.bytes)

    def test_a_dumb_terminal_gets_plain_lines(self):
        self.mesh.write("job.yaml", "projects: {job: {run: 'echo out; sleep 1'}}\n")
        screen = self.terminal("run", "./job.yaml", TERM="dumb")
        self.assertEqual(screen.end(), 0)
        self.assertNotIn(b"\x1b", screen.bytes)
        self.says(screen.left(), "job on local started\n", "out\n", "job on local succeeded")

    def test_why_a_task_waits_is_said(self):
        """By show and by whoever follows, as long as its host can't be reached."""
        self.mesh.start_agent("a")
        self.mesh.start_coordinator(agents={"far": "127.0.0.1:1"})
        self.mesh.apply("projects: {job: {run: echo, hosts: [{url: 'http://far'}, {url: 'http://a'}]}}\n")
        run = self.mesh.start("job")
        self.addCleanup(self.mesh.cromt, "cancel", run)
        task = wait_for("the reason", lambda: (t := self.mesh.show(run)["tasks"][0])["reason"] and t)
        self.assertEqual((task["state"], task["outcome"]), ("ready", None))
        self.says(task["reason"], "far (", ") can't be reached: ", "refused")
        self.says(self.mesh.cromt("show", run).out, ") can't be reached: ")
        screen = self.terminal("start", "job", "--follow", columns=200)
        screen.until("can't be reached: ")
        os.write(screen.master, b"\x03")
        self.assertEqual(screen.end(), 130)
        self.mesh.cromt("cancel", "last")


if __name__ == "__main__":
    main()
