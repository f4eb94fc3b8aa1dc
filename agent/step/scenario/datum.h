// Values while a scenario runs: what Raku tells apart and parameters don't. A list and an array print differently, and
// a text from the environment that looks like a number counts as one. Immutable, cheap to copy. Pure.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "agent/step/value.h"
#include "base/result.h"

namespace cromt::step {

inline constexpr size_t kMaxTextBytes = 1 << 20;   // of one text
inline constexpr size_t kMaxDatumBytes = 4 << 20;  // of one value with all that it holds
inline constexpr size_t kMaxDatumDepth = 64;       // of lists in lists

struct Text {
  std::string text;
  bool from_environment = false;
};
struct Sequence;
struct Dictionary;

struct Datum {
  std::variant<std::monostate, Text, int64_t, bool, double, std::shared_ptr<const Sequence>,
               std::shared_ptr<const Dictionary>>
      form;  // monostate: undefined

  bool IsDefined() const { return form.index() != 0; }
  const Text* AsText() const { return std::get_if<Text>(&form); }
  // nullptr for what is none.
  const Sequence* AsSequence() const;
  const Dictionary* AsDictionary() const;
};

// How much a value holds, shared parts counted each time: bounds every walk over it.
struct Extent {
  size_t bytes = 1, depth = 0;
};

struct Sequence {
  std::vector<Datum> items;
  bool is_array = false;  // [ ], not ( )
  Extent extent;
};
struct Dictionary {
  std::vector<std::pair<std::string, Datum>> entries;  // in written order, keys unique
  Extent extent;
  const Datum* Find(std::string_view key) const;
};

// kExhausted: larger than a value may be.
Result<Datum> MakeSequence(std::vector<Datum> items, bool is_array);
// Of entries with equal keys the last wins.
Result<Datum> MakeDictionary(std::vector<std::pair<std::string, Datum>> entries);
Extent ExtentOf(const Datum& datum);

// Lists of `value` become arrays, as they are when JSON is read.
Result<Datum> FromValue(const Value& value);
Value ToValue(const Datum& datum);

// As Raku's `say` shows it.
std::string Gist(const Datum& datum);
// As Raku's "$x" and ~ write it; undefined is empty. kInvalid for a map: the order of its entries is chance.
Result<std::string> ToText(const Datum& datum);
bool IsTrue(const Datum& datum);

using Number = std::variant<int64_t, double>;
// As == and + take it. kInvalid: text that is no plain decimal number.
Result<Number> ToNumber(const Datum& datum);

}  // namespace cromt::step
