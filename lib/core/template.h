// `${{ vars.NAME }}`, `${{ env.NAME }}` and `${{ params.NAME }}` in texts of a job file. Pure.
//
// A raw text is one as the file writes it: templates in it, and `$${{` for a literal `${{`. What `vars` names is filled
// in when a run is planned, once host, entry and project are put together; `env` is the host's, and filled in there.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "core/model.h"

namespace cromt {

struct TemplateScan {
  bool vars = false;
  bool env = false;
  bool params = false;
  bool malformed = false;  // a `${{` that is none of the three
  bool any() const { return vars || env || params; }
};
TemplateScan ScanTemplates(std::string_view raw);

// A raw text without templates as the text it stands for; templates stay as they are.
std::string Unescape(std::string_view raw);
// The raw text that stands for `text`.
std::string EscapeTemplates(std::string_view text);

// A text with gaps that only the host can fill.
struct FilledText {
  struct Gap {
    size_t offset = 0;  // bytes of `text` before it
    std::string name;   // of a variable of the host's environment
    friend bool operator==(const Gap&, const Gap&) = default;
  };
  std::string text;
  std::vector<Gap> gaps;  // in order
  friend bool operator==(const FilledText&, const FilledText&) = default;
};

// Fills texts in with one set of variables, whose values are raw themselves. Each value is filled once, so time is
// linear in what comes out, and that is bounded. Not thread-safe.
class TemplateFiller {
 public:
  // `variables`: names unique; outlives it.
  explicit TemplateFiller(const Variables& variables);

  // kInvalid for a variable that is not set, for one that contains itself, for a value that grows too large, for more
  // than kMaxHostGaps gaps, and for `params`.
  Result<FilledText> Fill(std::string_view raw);
  // The value of variables[index].
  Result<FilledText> Value(size_t index);
  // As Fill, for what must be known before a host is: a gap is kInvalid, too.
  Result<std::string> FillWhole(std::string_view raw);

 private:
  enum class State { kRaw, kFilling, kFilled };
  Result<const FilledText*> Filled(size_t index);

  const Variables& variables_;
  std::unordered_map<std::string_view, size_t> index_;
  std::vector<State> states_;
  std::vector<FilledText> values_;
  size_t bytes_ = 0;  // of all values
  size_t depth_ = 0;  // of values within values
};

}  // namespace cromt
