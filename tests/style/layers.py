"""Layering, by what files include and by what libraries link:

    base <- core <- io <- {coordinator, agent} <- cli        (an arrow is "may be included by")

agent/launcher and agent/step are small static programs: they see base, io/seglog and themselves; agent/step also io/yaml
and, since that speaks its words, core; io/archive, and what the launcher knows of processes. Core is pure.
Each third-party library is known to one folder.
"""

import re

from source import Finding

# What a place may include, in the order in which a home is looked for; `proto` is the generated contract.
MAY_INCLUDE = {
    "base": {"base"},
    "core": {"base", "core"},
    "proto": {"proto"},
    "io": {"base", "core", "proto", "io", "io/archive", "io/seglog", "io/yaml"},
    "coordinator": {"base", "core", "proto", "io", "io/archive", "io/seglog", "io/yaml", "coordinator"},
    "agent": {"base", "core", "proto", "io", "io/archive", "io/seglog", "io/yaml", "agent", "agent/launcher", "agent/step"},
    "agent/launcher": {"base", "io/seglog", "agent/launcher"},
    "agent/step": {"base", "core", "io/archive", "io/seglog", "io/yaml", "agent/launcher", "agent/step"},
    "cli": {"base", "core", "proto", "io", "io/archive", "io/seglog", "io/yaml", "coordinator", "agent", "agent/launcher", "agent/step", "cli"},
}
MAY_INCLUDE["io/seglog"] = MAY_INCLUDE["io"] - {"proto"}
MAY_INCLUDE["io/archive"] = {"base", "io/archive"}
MAY_INCLUDE["io/yaml"] = {"base", "core", "io/yaml"}
HOMES = ["base", "core", "io", "coordinator", "agent", "cli"]
FREE = ("tests/", "bench/")  # may include everything

# Folder → place, the longest prefix wins.
PLACES = [
    ("lib/base/", "base"),
    ("lib/core/", "core"),
    ("lib/io/archive/", "io/archive"),
    ("lib/io/seglog/", "io/seglog"),
    ("lib/io/yaml/", "io/yaml"),
    ("lib/io/", "io"),
    ("proto/", "proto"),
    ("agent/launcher/", "agent/launcher"),
    ("agent/step/", "agent/step"),
    ("agent/", "agent"),
    ("coordinator/", "coordinator"),
    ("cli/", "cli"),
]
FOLDER = {place: folder for folder, place in PLACES}

# Third-party header (prefix or name) → the folders that may know it, whether in headers too.
THIRD_PARTY = [
    (r"yaml-cpp/", ("lib/io/yaml/",)),
    (r"git2(\.h|/)", ("lib/io/git/",)),
    (r"sqlite3\.h", ("lib/io/sqlite/", "coordinator/store/")),
    (r"archive(_entry)?\.h", ("lib/io/archive/",)),
    (r"spdlog/", ("lib/io/log/",)),
    (r"re2/", ("agent/step/check/",)),
    (r"absl/", ("lib/io/zone/",)),
    (r"boost/", ("lib/io/http_server/",)),
]
GRPC = re.compile(r"grpc(pp|\+\+)?/|.*\.grpc\.pb\.h$")
GRPC_FOLDERS = ("lib/io/rpc/", "lib/io/transfer/", "coordinator/service/", "agent/service/", "cli/")
# Headers that these folders' own .cc files share say so in this sentence; nobody else may include one.
GRPC_INTERNAL = re.compile(r"Included by this folder's \.cc files only|Include in \.cc files only")

IMPURE = re.compile(
    r"(thread|mutex|shared_mutex|condition_variable|future|semaphore|fstream|iostream|filesystem|cstdio|stdio\.h"
    r"|unistd\.h|fcntl\.h|poll\.h|pthread\.h|sys/.*|netinet/.*|arpa/.*|spdlog/.*)$"
)
CLOCK = re.compile(r"\b(?:\w+_clock|SystemClock)\s*::\s*now\b|\bclock_gettime\s*\(|\bgettimeofday\s*\(|\bSystemClock\b")


def place_of(path):
    return next((place for folder, place in PLACES if path.startswith(folder)), None)


def place_of_include(name):
    """The place of a quoted include; the roots are lib/ and the top folder."""
    if name.startswith("cromt/v1/"):
        return "proto"
    return place_of("lib/" + name) or place_of(name)


def home_for(places):
    """The lowest folder that may include all of `places`."""
    fitting = [FOLDER[home] for home in HOMES if set(places) <= MAY_INCLUDE[home]]
    if not fitting:
        return "no folder may see all of these: split it, or share what they have in common in lib/core/"
    return f"it belongs in {fitting[0]}"


def includes(tree):
    for path, _ in tree.cpp():
        place = place_of(path)
        if place is None or path.startswith(FREE):
            continue
        seen = {name: place_of_include(name) for _, quoted, name in tree.includes(path) if quoted}
        for line, quoted, name in tree.includes(path):
            if not quoted:
                continue
            target = seen[name]
            if target is None:
                roots = "lib/ and the top folder are the include roots"
                yield Finding(path, line, "include-root", f'"{name}": {roots}, write "folder/name.h"')
            elif target not in MAY_INCLUDE[place]:
                home = home_for({t for t in seen.values() if t} | {place})
                yield Finding(path, line, "layer", f'{place} must not include {target} ("{name}"): {home}')


def purity(tree):
    for path, _ in tree.cpp():
        if place_of(path) != "core":
            continue
        for line, _, name in tree.includes(path):
            if IMPURE.match(name):
                message = f"<{name}> in core, which is pure: threads belong in coordinator/ or agent/, system calls in lib/io/"
                yield Finding(path, line, "pure-core", message)
        code = tree.code(path)
        for match in CLOCK.finditer(code):
            line = code.count("\n", 0, match.start()) + 1
            yield Finding(path, line, "pure-core", "core reads no clock: take a Now (base/time.h) as a parameter")


def third_party(tree):
    for path, text in tree.cpp():
        if path.startswith(FREE):
            continue
        for line, _, name in tree.includes(path):
            for pattern, folders in THIRD_PARTY:
                if re.match(pattern, name) and not path.startswith(folders):
                    yield Finding(path, line, "third-party", f"{name} is known to {' and '.join(folders)} only: use its interface")
            if not GRPC.match(name):
                continue
            if not path.startswith(GRPC_FOLDERS):
                yield Finding(path, line, "grpc", f"{name}: gRPC is known to {', '.join(GRPC_FOLDERS)} only")
            elif path.endswith(".h") and not GRPC_INTERNAL.search(text):
                yield Finding(path, line, "grpc", f"{name}: gRPC stays in .cc files; give the header an interface of our own")


# ---- Linking ------------------------------------------------------------------------------------

COMMAND = re.compile(r"\b(cromt_library|cromt_program|add_library|add_executable|target_link_libraries)\s*\(\s*([^\s()]+)([^()]*)\)")
KEYWORDS = {"SOURCES", "DEPS", "PRIVATE_DEPS", "STATIC", "PUBLIC", "PRIVATE", "INTERFACE", "LABEL"}
LINKING = {"DEPS", "PRIVATE_DEPS", "PUBLIC", "PRIVATE", "INTERFACE"}


def targets(tree):
    """(path, line, command, name, what it links, its sources) of each target command."""
    for path, text in tree.files.items():
        if not path.endswith("CMakeLists.txt"):
            continue
        text = re.sub(r"#[^\n]*", lambda comment: " " * len(comment.group()), text)
        for match in COMMAND.finditer(text):
            section, links, sources = "PUBLIC" if match.group(1) == "target_link_libraries" else "", [], []
            for word in match.group(3).split():
                if word in KEYWORDS:
                    section = word
                elif section in LINKING:
                    links.append(word)
                elif section == "SOURCES":
                    sources.append(word)
            yield path, text.count("\n", 0, match.start()) + 1, match.group(1), match.group(2), links, sources


def linking(tree):
    all_targets = list(targets(tree))
    made_in = {name: place_of(path) for path, _, command, name, _, _ in all_targets if command != "target_link_libraries"}
    for path, line, _, name, links, sources in all_targets:
        place = place_of(path)
        if place is None:
            continue
        for link in links:
            target = made_in.get(link)
            if target and target not in MAY_INCLUDE[place]:
                home = home_for({place, target})
                yield Finding(path, line, "link", f"{name} in {place} must not link {link} of {target}: {home}")
        for source in sources:
            if source.startswith(("..", "/", "${CMAKE_SOURCE_DIR}", "${PROJECT_SOURCE_DIR}")):
                yield Finding(path, line, "link", f"{name}: {source} is another folder's source; link that folder's library")


RULES = [includes, purity, third_party, linking]
