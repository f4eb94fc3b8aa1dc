// Values of a scenario: what parameters hold after evaluation, and how each language of a task sees them.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace cromt::step {

struct Value;
struct Entry;
using List = std::vector<Value>;
using Map = std::vector<Entry>;  // in written order, keys unique

struct Value {
  // monostate: undefined, such as an unset variable
  std::variant<std::monostate, std::string, int64_t, List, Map, bool, double> form;
};

struct Entry {
  std::string key;
  Value value;
};

// Null if there is none. Takes time linear in the map.
const Value* Find(const Map& map, std::string_view key);
// In the place of what has this key, else at the end.
void Set(Map& map, std::string key, Value value);

// `over` on top of `base`: maps key by key, all the way down; anything else is replaced.
Map MergeMaps(Map base, const Map& over);

// As shell tasks see it: text as it is, undefined = empty, True or False, a list "(x y z)", a map as Raku's gist "{a =>
// 1, b => 2}".
std::string ShellText(const Value& value);

// As JSON. Bytes that are no UTF-8 stay as they are: Python reads them with surrogateescape, so nothing is lost.
std::string JsonText(const Map& map);
void AppendJsonString(std::string_view text, std::string& out);  // "text", escaped

// Every value that `config a.b.c` can name, by its dotted path. A key with a dot of its own can't be named.
std::vector<std::pair<std::string, std::string>> DottedPaths(const Map& map);

// A parameter `args` that is a list becomes one string of command-line words, as Sparrow makes it: text and numbers as
// they are, each item of an inner list as "--item", each entry of an inner map as "--key value" ("--key=value" when the
// value begins with '='). Names that begin with '-' are kept.
void JoinArgs(Map& parameters);

}  // namespace cromt::step
