"""What every test file here begins and ends with: a test with a mesh of its own, and a main that counts.

A failed test prints the logs of the programs it ran. The last line is "N passed, N failed", as script/test reads it.
"""

import sys
import unittest

from mesh import Mesh


class Story(unittest.TestCase):
    """A test with a mesh of which nothing runs yet."""

    maxDiff = None
    mesh_kind = Mesh

    def setUp(self):
        self.mesh = self.mesh_kind()
        self.addCleanup(self.mesh.close)

    def succeeded(self, done):
        """The call ended with 0."""
        self.exited(0, done)

    def exited(self, code, done):
        if done.code != code:
            self.fail(f"exit {done.code} instead of {code}\n{done}")

    def says(self, text, *parts):
        """All parts are in the text."""
        for part in parts:
            if part not in text:
                self.fail(f"does not say {part!r}:\n{text}")


class _Result(unittest.TextTestResult):
    def addError(self, test, err):
        super().addError(test, err)
        self._tell(test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._tell(test)

    def _tell(self, test):
        # Called before the clean-up, while the logs are there.
        if isinstance(test, Story):
            self.stream.writeln(f"\n=== {test.id()}: what the programs said\n{test.mesh.logs()}")


def main():
    loaded = unittest.defaultTestLoader
    loaded.testNamePatterns = [f"*{pattern}*" for pattern in sys.argv[1:]] or None
    result = unittest.TextTestRunner(verbosity=2, resultclass=_Result).run(loaded.loadTestsFromModule(sys.modules["__main__"]))
    # A test counts once however many of its parts failed, and none may be skipped.
    bad = result.failures + result.errors + result.skipped
    failed = len({getattr(test, "test_case", test).id() for test, _ in bad})
    print(f"{max(0, result.testsRun - failed)} passed, {failed} failed", flush=True)
    sys.exit(1 if failed or result.testsRun == 0 else 0)
