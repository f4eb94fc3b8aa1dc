// Which lines begin:, between: and within: look at first. Pure; any thread.
#pragma once

#include <memory>

#include "agent/step/check/checked_text.h"
#include "agent/step/check/rule.h"
#include "agent/step/check/search_context.h"
#include "base/result.h"

namespace cromt::step {

std::shared_ptr<SearchContext> AllLines(std::shared_ptr<const CheckedText> text, SearchContext::Kind kind);

// Errors are those of Regex. From a line that matches `from` to the next one that matches `to`, both included; a second
// `from` before that begins anew, and what has no end is left out. With a line's index instead of a regex there is one
// range, from the first line that fits to the first or last that does.
Result<std::shared_ptr<SearchContext>> LinesBetween(std::shared_ptr<const CheckedText> text, const RangeRule& range);

// Each line that matches, or the one with the index.
Result<std::shared_ptr<SearchContext>> LinesWithin(std::shared_ptr<const CheckedText> text, const WithinRule& within);

}  // namespace cromt::step
