// What a scenario (.tom/NAME.raku) says, as a tree with the place of every part in the file. Plain values.
//
// Variables are slots, numbers that the parser gave out: a name means the same wherever its slot stands.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/step/scenario/position.h"

namespace cromt::step {

struct Expression;
struct MapEntry;
struct Index;
using Expressions = std::vector<Expression>;

struct StringLiteral {
  std::string text;  // escapes resolved
};
struct IntegerLiteral {
  int64_t value = 0;
};
struct BooleanLiteral {
  bool value = false;
};
struct Interpolation {  // "…$x…": the texts of its parts, one after another
  Expressions parts;
};
struct Variable {
  char sigil = '$';
  size_t slot = 0;
};
struct EnvironmentVariable {  // %*ENV<NAME>
  Expressions name;           // one
};
struct WorldValue {  // config(), tags(), os(), $*CWD
  enum class Kind { kConfig, kTags, kOs, kCwd };
  Kind kind = Kind::kConfig;
};
struct Subscript {     // target<key>{"key"}[0]
  Expressions target;  // one
  std::vector<Index> path;
  bool each = false;  // target<>, target[]: its items, where items are asked for
};
struct ListLiteral {  // [ value, … ], ( value, … ), <word word>
  Expressions items;
  bool array = false;     // [ ]
  bool flattens = false;  // [ @list ]: of the items of its only item
};
struct MapLiteral {  // %( key => value, … )
  std::vector<MapEntry> entries;
};
struct Range {       // from .. to, from ..^ to, ^to
  Expressions ends;  // two
  bool excludes_last = false;
};
enum class Operator {
  kOr,         // ||
  kDefinedOr,  // //
  kAnd,        // &&
  kEqual,
  kNotEqual,
  kLess,
  kGreater,
  kLessOrEqual,
  kGreaterOrEqual,
  kSameText,   // eq
  kOtherText,  // ne
  kJoin,       // ~
  kAdd,
  kSubtract,
  kMultiply,
};
struct Infix {  // a op b op c, all of one precedence, from the left
  Expressions operands;
  std::vector<Operator> operators;  // one less
};
struct Unary {
  enum class Kind { kNot, kTruth, kMinus };
  Kind kind = Kind::kNot;
  Expressions operand;  // one
};
struct Conditional {  // condition ?? yes !! no
  Expressions parts;  // three
};
struct Call {  // of a function of Sparrow's
  std::string function;
  Expressions arguments;
};
struct Builtin {  // of a function of Raku's
  enum class Kind { kSay, kDie, kExit };
  Kind kind = Kind::kSay;
  Expressions arguments;
};
struct Assignment {  // my $x = value; without a value, $x is undefined or empty
  Variable target;
  Expressions value;  // none or one
};

struct Expression {
  Position at;
  std::variant<StringLiteral, IntegerLiteral, BooleanLiteral, Interpolation, Variable, EnvironmentVariable, WorldValue,
               Subscript, ListLiteral, MapLiteral, Range, Infix, Unary, Conditional, Call, Builtin, Assignment>
      form;

  template <class Form>
  const Form* As() const {
    return std::get_if<Form>(&form);
  }
};

struct MapEntry {
  Expression key;
  Expression value;
};

struct Index {
  bool is_key = true;  // <key> or {key}; else [number]
  Expression value;
};

struct Statement;

struct Block {
  std::vector<Statement> statements;
  std::vector<size_t> slots;  // of the variables it declares: undefined whenever it begins
};

struct Branch {
  Expression condition;
  bool negated = false;  // unless
  Block body;
};
struct If {
  std::vector<Branch> branches;  // the first that holds
  Block otherwise;
};
struct For {
  Expression list;
  size_t slot = 0;  // of the variable that takes each item
  Block body;
};

struct Statement {
  Position at;
  std::variant<Expression, If, For> form;
};

struct Scenario {
  std::string file;  // as messages name it: ".tom/hello.raku"
  Block body;
  size_t slots = 0;  // of all variables
};

// How many values an expression gives where a list is wanted: `for @l` walks the list, `for $l` has one value, even if
// that is a list.
enum class Yield { kOne, kEach, kUnclear };
Yield YieldOf(const Expression& expression);

}  // namespace cromt::step
