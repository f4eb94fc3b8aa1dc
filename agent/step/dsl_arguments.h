// The arguments of a call of one of Sparrow's functions, asked for by what they have to be. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "agent/step/scenario/host.h"
#include "agent/step/value.h"
#include "base/result.h"

namespace cromt::step {

class DslArguments {
 public:
  // `call` outlives it.
  explicit DslArguments(const DslCall& call) : call_(call) {}

  const std::string& function() const { return call_.function; }
  size_t size() const { return call_.arguments.size(); }
  bool IsMap(size_t i) const { return i < size() && std::holds_alternative<Map>(call_.arguments[i].form); }
  bool IsList(size_t i) const { return i < size() && std::holds_alternative<List>(call_.arguments[i].form); }

  // Below, kInvalid names the function and `what` is wrong with it.
  tl::unexpected<Error> Wrong(std::string_view why) const;
  // Between `least` and `most` of them.
  Status Count(size_t least, size_t most) const;
  // Of text, a number or a flag; never empty.
  Result<std::string> Text(size_t i, std::string_view what) const;
  // Empty if there is none.
  Result<Map> Options(size_t i) const;
  const Value& at(size_t i) const { return call_.arguments[i]; }

 private:
  const DslCall& call_;
};

// An option as text; empty if there is none.
std::string OptionText(const Map& options, std::string_view name);
// An option that is there and means yes, as Raku sees it.
bool OptionIsOn(const Map& options, std::string_view name);

}  // namespace cromt::step
