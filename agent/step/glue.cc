#include "agent/step/glue.h"

namespace cromt::step {

const std::string_view kBashGlue = R"bash(# Written by cromt-step; see its glue.h.
root_dir=$2
task_dir=$3
declare -A __cromt_config=()
while IFS= read -r -d '' __cromt_path && IFS= read -r -d '' __cromt_value; do
  __cromt_config[".$__cromt_path"]=$__cromt_value
done <"$1"
config() { printf '%s' "${__cromt_config[".${1-}"]-}"; }
__cromt_task=$4
unset __cromt_path __cromt_value
set --
source "$__cromt_task"
)bash";

const std::string_view kShGlue = R"sh(# Written by cromt-step; see its glue.h.
__cromt_parameters=$1
root_dir=$2
task_dir=$3
__cromt_task=$4
config() {
  while IFS= read -r __cromt_path && IFS= read -r __cromt_value; do
    case $__cromt_path in
      *\\*) __cromt_path=$(printf '%bx' "$__cromt_path") && __cromt_path=${__cromt_path%x} ;;
    esac
    if [ "$__cromt_path" = "${1-}" ]; then
      printf '%b' "$__cromt_value"
      return 0
    fi
  done <"$__cromt_parameters"
  return 0
}
set --
. "$__cromt_task"
)sh";

// Like the original, it hands out json, os and Path: scripts that import * use them.
const std::string_view kPythonLibrary =
    R"py("""What a Sparrow task in Python asks of its runner. Written by cromt-step."""
import json
import os
from pathlib import Path


def _read(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return json.load(file)


def cache_dir():
    return os.environ["cache_dir"]


def cache_root_dir():
    return os.environ["cache_root_dir"]


_PLACES = _read(os.path.join(cache_dir(), "places.json"))
_CONFIG = _read(os.path.join(cache_root_dir(), "config.json"))


def root_dir():
    return _PLACES["root_dir"]


def task_dir():
    return _PLACES["task_dir"]


def config():
    return _CONFIG
)py";

namespace {

std::string OneLine(std::string_view text) {
  std::string line;
  for (char c : text) {
    if (c == '\\') {
      line += "\\\\";
    } else if (c == '\n') {
      line += "\\n";
    } else {
      line += c;
    }
  }
  return line + '\n';
}

}  // namespace

std::string BashParameters(const Map& parameters) {
  std::string out;
  for (const auto& [path, value] : DottedPaths(parameters)) {
    out.append(path).push_back('\0');
    out.append(value).push_back('\0');
  }
  return out;
}

std::string ShParameters(const Map& parameters) {
  std::string out;
  for (const auto& [path, value] : DottedPaths(parameters)) out += OneLine(path) + OneLine(value);
  return out;
}

}  // namespace cromt::step
