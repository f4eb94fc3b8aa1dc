// What a scenario (.tom/NAME.raku) says, as a tree with the place of every part in the file. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "agent/step/scenario/position.h"

namespace cromt::step {

struct Expression;
struct MapEntry;

struct StringLiteral {
  std::string text;  // escapes resolved
};
struct IntegerLiteral {
  int64_t value = 0;
};
struct EnvironmentVariable {  // %*ENV<NAME>
  std::string name;
};
struct MapLiteral {  // %( key => value, … )
  std::vector<MapEntry> entries;
};
struct ListLiteral {  // [ value, … ]
  std::vector<Expression> items;
};

struct Expression {
  Position at;
  std::variant<StringLiteral, IntegerLiteral, EnvironmentVariable, MapLiteral, ListLiteral> form;
};

struct MapEntry {
  std::string key;
  Expression value;
};

// `function argument, …;`
struct Call {
  Position at;
  std::string function;
  std::vector<Expression> arguments;
};

struct Scenario {
  std::string file;  // as messages name it: ".tom/hello.raku"
  std::vector<Call> calls;
};

}  // namespace cromt::step
