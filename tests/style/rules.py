"""What is not called, how long things may be, and what every file must have."""

import posixpath
import re

from source import Finding, line_at

# ---- Banned calls -------------------------------------------------------------------------------

PROGRAMS = ("lib/", "coordinator/", "agent/", "cli/", "tests/")
CALL = r"(?<![\w.>])"  # a free function: not a member, not the tail of a longer name

# (pattern, folders where it is banned, folders where it may stand, what to use instead)
BANNED = [
    (r"YAML::Load", ("",), (), "io/config: YAML::Load accepts duplicate keys and takes ten times the memory"),
    (CALL + r"(?:system|popen)\s*\(", ("",), (), "an argument vector and posix_spawn, or the launcher: no shell reads our strings"),
    (CALL + r"v?fork\s*\(", PROGRAMS, ("agent/launcher/", "agent/step/"), "the launcher: it alone is parent of jobs; elsewhere posix_spawn"),
    (CALL + r"(?:sleep|usleep|nanosleep|clock_nanosleep|sleep_for|sleep_until)\s*\(", PROGRAMS, (),
     "a wait for the condition with a deadline (poll, condition variable)"),
    (CALL + r"(?:strcpy|strcat|sprintf|vsprintf|gets|strtok)\s*\(", ("",), (), "std::string and fmt::format"),
    (CALL + r"(?:ato[ifl]|atoll|sto[ifld]|stoul|stoll|stoull)\s*\(", PROGRAMS, ("tests/",), "std::from_chars: it says what is wrong and does not throw"),
    (CALL + r"s?rand\s*\(", ("",), (), "base/random.h: seeded in tests, the system's in production"),
    (CALL + r"(?:localtime|gmtime|ctime|asctime)\s*\(", ("",), (), "base/time.h, or the _r form: this one is not thread-safe"),
    (r"\.\s*detach\s*\(\s*\)", ("",), (), "a thread that its owner joins"),
    (r"\bstd::endl\b", ("",), (), r"'\n': endl also flushes"),
    (r"\bstd::(?:cout|cerr|clog)\b|" + CALL + r"printf\s*\(", ("lib/", "coordinator/", "agent/"), (),
     "a returned Error, or io/log: libraries don't print"),
]
ALLOW = re.compile(r"//\s*style: allow (\w+): \S+")


def banned_calls(tree):
    for path, text in tree.cpp():
        code, lines = tree.code(path), text.split("\n")
        for pattern, folders, homes, instead in BANNED:
            if not path.startswith(folders) or (homes and path.startswith(homes)):
                continue
            for match in re.finditer(pattern, code):
                line = line_at(code, match.start())
                call = match.group().strip(" .(")
                if call.split("::")[-1] not in ALLOW.findall("\n".join(lines[max(0, line - 2) : line])):
                    yield Finding(path, line, "banned-call", f"{call}: use {instead}")


# ---- Sizes --------------------------------------------------------------------------------------

MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 100
LONG_FUNCTION_LINES = 50
# Nineteen functions in twenty stay under LONG_FUNCTION_LINES.
LONG_FUNCTION_SHARE = 0.05
SIGNATURE = re.compile(r"^( {0,4})(?!namespace\b|class\b|struct\b|enum\b|union\b|extern\b|public|private|protected|#)[\w~:<\[][^;]*\(")


def file_length(tree):
    for path, text in tree.files.items():
        lines = text.count("\n")
        if path.endswith((".cc", ".h", ".py", ".proto", ".cmake", "CMakeLists.txt", ".ts")) and lines > MAX_FILE_LINES:
            yield Finding(path, lines, "file-length", f"{lines} lines, at most {MAX_FILE_LINES}: split it by its nouns")


def functions(code):
    """(first line, length in lines) of the functions of formatted code: a body ends at a } in its signature's column."""
    lines = code.split("\n")
    index = 0
    while index < len(lines):
        match = SIGNATURE.match(lines[index])
        end = index + 1
        if match:
            opening = next((i for i in range(index, min(index + 20, len(lines))) if lines[i].rstrip().endswith(("{", ";", "}"))), None)
            if opening is not None and lines[opening].rstrip().endswith("{"):
                closing = match.group(1) + "}"
                end = next((i for i in range(opening + 1, len(lines)) if lines[i].startswith(closing)), len(lines) - 1) + 1
                yield index + 1, end - index
        index = end


def function_length(tree):
    lengths = [(length, path, line) for path, _ in tree.cpp() for line, length in functions(tree.code(path))]
    for length, path, line in lengths:
        if length > MAX_FUNCTION_LINES:
            yield Finding(path, line, "function-length", f"{length} lines, at most {MAX_FUNCTION_LINES}: give its parts names")
    long_ones = sorted((entry for entry in lengths if entry[0] > LONG_FUNCTION_LINES), reverse=True)
    allowed = max(3, int(len(lengths) * LONG_FUNCTION_SHARE))
    for length, path, line in long_ones[allowed:]:
        share = f"{len(long_ones)} of {len(lengths)} functions are over {LONG_FUNCTION_LINES} lines, {allowed} may be"
        yield Finding(path, line, "function-length", f"{length} lines; {share}: shorten this or another")


# ---- What no file may name ----------------------------------------------------------------------

# Put together from pieces so that this file passes its own rule.
FOREIGN = [
    (r"(?<![\w./$}~-])/(?:wo" + r"rk|ro" + r"ot)/\w", "a path of one machine: make it relative, a flag or a variable"),
    (r"\.\./sha" + r"red\b", "a folder outside of the project: copy what is needed into examples/ or tests/"),
    (r"(?:de" + r"b\.debian\.org|registry\.np" + r"mjs\.org|registry\.yarn" + r"pkg\.com|py" + r"pi\.org|files\.python"
     + r"hosted\.org|cra" + r"tes\.io|proxy\.go" + r"lang\.org|registry-1\.do" + r"cker\.io)",
     "a package registry's address: which mirror is used is each machine's own configuration"),
]


def foreign_names(tree):
    for path, text in tree.files.items():
        for pattern, reason in FOREIGN:
            for match in re.finditer(pattern, text):
                yield Finding(path, line_at(text, match.start()), "foreign-name", f"'{match.group()}' is {reason}")


# ---- What every file must have ------------------------------------------------------------------


def listed(tree):
    """A source that no CMakeLists.txt names is never built; a test like that is never run."""
    for path, _ in tree.cpp():
        if not re.fullmatch(r"[\w./+-]+", path):
            yield Finding(path, 1, "file-name", "letters, digits and . _ - only: scripts pass names on unquoted")
        if not path.endswith(".cc"):
            continue
        folder, name = posixpath.split(path)
        while True:
            lists = tree.files.get(posixpath.join(folder, "CMakeLists.txt"), "")
            relative = posixpath.relpath(path, folder or ".")
            if re.search(r"(?<![\w./-])" + re.escape(relative) + r"(?![\w./-])", re.sub(r"#[^\n]*", "", lists)):
                break
            if not folder:
                what = "test is never run" if name.endswith("_test.cc") else "source is never built"
                yield Finding(path, 1, "unlisted", f"no CMakeLists.txt names it: this {what}")
                break
            folder = posixpath.dirname(folder)


def header_form(tree):
    for path, text in tree.cpp():
        if path.endswith(".h"):
            if not text.startswith("//"):
                yield Finding(path, 1, "header-comment", "a header begins with a comment: what it is, who owns, which thread, how it fails")
            if not re.search(r"^#pragma once$", text, re.MULTILINE):
                yield Finding(path, 1, "pragma-once", "a header holds #pragma once after its first comment")


RULES = [banned_calls, file_length, function_length, foreign_names, listed, header_form]
