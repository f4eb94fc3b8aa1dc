#!/usr/bin/python3
"""Output that is too much, too long or no text: it hurts nobody, and what is left out is said."""

import hashlib
import json
import os
import subprocess

from mesh import BIN
from process import peak_rss
from story import Story, main

MIB = 1 << 20
LINE = "0123456789" * 10


class Logs(Story):
    def setUp(self):
        super().setUp()
        self.mesh.start_all("host")

    def followed(self, script, keys=""):
        """Starts it and follows: (how many bytes came, their digest, their first and last, the CLI's peak of memory)."""
        self.mesh.apply(f"projects:\n  p:\n    run: |\n      {script}\n    {keys}\n")
        call = subprocess.Popen([os.path.join(BIN, "cromt"), "start", "p", "--follow", "--coordinator", self.mesh.coordinator.address],
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=self.mesh.environment)
        count, digest, first, last, peak = 0, hashlib.sha256(), b"", b"", 0
        while piece := os.read(call.stdout.fileno(), MIB):
            count += len(piece)
            digest.update(piece)
            first = (first + piece)[:1000] if len(first) < 1000 else first
            last = (last + piece)[-1000:]
            if count % (16 * MIB) < len(piece):
                peak = max(peak, peak_rss(call.pid))
        call.stdout.close()
        self.assertEqual(call.wait(timeout=60), 0)
        return count, digest.hexdigest(), first, last, peak

    def assert_nobody_grew(self, before):
        for name, program in self.programs().items():
            self.assertLess(peak_rss(program.process.pid) - before[name], 96 * MIB, name)

    def programs(self):
        return {"agent": self.mesh.agents["host"], "coordinator": self.mesh.coordinator}

    def peaks(self):
        return {name: peak_rss(program.process.pid) for name, program in self.programs().items()}

    def test_all_of_what_is_much_arrives_and_memory_is_bounded(self):
        size = 1_000_000_000 if os.environ.get("CROMT_TEST_FULL") else 300_000_000
        before = self.peaks()
        count, digest, _, _, peak = self.followed(f"yes {LINE} | head -c {size}", "log_limit: 2GiB")
        line = f"{LINE}\n".encode()
        expected = hashlib.sha256()
        for _ in range(size // len(line)):
            expected.update(line)
        expected.update(line[:size % len(line)])
        if not line[:size % len(line)].endswith(b"\n"):
            expected.update(b"\n")  # the last line was open
            size += 1
        self.assertEqual((count, digest), (size, expected.hexdigest()))
        self.assert_nobody_grew(before)
        self.assertLess(peak, 128 * MIB)

    def test_what_goes_beyond_its_limit_is_left_out_and_said(self):
        script = f"echo first; yes {LINE} | head -c 50000000; echo; echo the end"
        count, _, first, last, _ = self.followed(script, "log_limit: 1MiB")
        self.assertTrue(first.startswith(b"first\n"), first)
        self.assertLess(count, 2 * MIB)
        self.assertTrue(last.endswith(b"the end\n"), last)
        notes = [line for line in self.mesh.cromt("logs", "last").out.splitlines() if line.startswith("cromt: ")]
        left_out = 50_000_000 + len("first\n\nthe end\n") - 1048576 - 65536
        self.assertEqual(notes, [
            "cromt: the output has passed its limit of 1048576 bytes: only the last 65536 bytes will be added at its end",
            f"cromt: the output passed its limit of 1048576 bytes: {left_out} bytes are left out here"])

    def test_a_line_of_a_hundred_megabytes(self):
        before = self.peaks()
        count, _, first, last, peak = self.followed("head -c 100000000 /dev/zero; echo; echo the end")
        self.assertEqual(count, 100_000_001 + len("the end\n"))
        self.assertEqual(first, bytes(1000))
        self.assertTrue(last.endswith(b"\0\nthe end\n"))
        self.assert_nobody_grew(before)
        self.assertLess(peak, 128 * MIB)

    def test_bytes_that_are_no_text_arrive_as_they_are_and_json_stays_json(self):
        script = r"printf 'a\377\376b\000c\355\240\200d\n\303\n'"
        self.assertEqual(self.followed(script)[2], b"a\xff\xfeb\0c\xed\xa0\x80d\n\xc3\n")
        done = self.mesh.cromt("logs", "last", "-o", "json")
        self.succeeded(done)
        data = "".join(json.loads(line)["data"] for line in done.out.splitlines())
        self.assertEqual(data, "a\ufffd\ufffdb\0c\ufffd\ufffd\ufffdd\n\ufffd\n")


if __name__ == "__main__":
    main()
