// What a task check knows after a rule: what code blocks ask for by captures(), capture(), matched(), streams() and
// streams_array(). The texts are those of the files that Sparrow's libraries read. Not thread-safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/step/check/search_context.h"

namespace cromt::step {

struct CheckState {
  std::vector<Hit> hits;                         // of the last rule that looked for lines
  std::shared_ptr<const SearchContext> context;  // that it looked in; null before the first one

  std::string MatchedText() const;   // matched.txt: the lines, joined by newlines
  std::string CapturesJson() const;  // captures.json: [{"data": ["…"], "index": 0, "stream-id": null}, …]
  std::string CaptureJson() const;   // the data of the first of them, or null
  std::string StreamsJson() const;   // streams.json: {"1": [{"captures": […], "data": "the line", …}, …], …}
  std::string StreamsArrayJson() const;  // streams-array.json: [[["captured", …], …], …], by stream
};

}  // namespace cromt::step
