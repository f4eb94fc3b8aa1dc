// The masker. However text is cut into pieces, the same comes out; no secret is left in it, in none of its forms; no
// more is held back than may be the beginning of one; and where no line ends are in the text only secrets are hidden.
#include <algorithm>
#include <vector>

#include "base/masker.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/base/naive_mask.h"

namespace cromt::fuzz {
namespace {

constexpr size_t kMostBytes = 2000;  // the naive way takes its time

// An input: how long pieces are, the secrets with \x01 between, \x02, the text.
struct Input {
  size_t piece = 1;
  std::vector<std::string> values;
  std::string_view text;
};

Input Read(std::string_view bytes) {
  Input input;
  input.piece = static_cast<unsigned char>(bytes[0]) % 32 + size_t{1};
  bytes.remove_prefix(1);
  const size_t end = std::min(bytes.find('\x02'), bytes.size());
  for (std::string_view rest = bytes.substr(0, end); !rest.empty();) {
    const size_t length = std::min(rest.find('\x01'), rest.size());
    input.values.emplace_back(rest.substr(0, length));
    rest.remove_prefix(std::min(length + 1, rest.size()));
  }
  input.text = bytes.substr(std::min(end + 1, bytes.size()));
  return input;
}

size_t LongestForm(const std::vector<std::string>& values) {
  size_t longest = 0;
  for (const std::string& value : values) {
    for (const std::string& form : PlainForms(value)) longest = std::max(longest, form.size());
    for (const std::string& form : Base64Forms(value)) longest = std::max(longest, form.size());
  }
  return longest;
}

}  // namespace
}  // namespace cromt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cromt;
  using namespace cromt::fuzz;
  if (size == 0 || size > kMostBytes) return 0;
  const Input input = Read(Text(data, size));
  const auto patterns = std::make_shared<const MaskPatterns>(input.values);
  const std::string whole = Masked(patterns, input.text);

  std::string pieces;
  Masker masker(patterns);
  for (size_t at = 0; at < input.text.size(); at += input.piece) masker.Add(input.text.substr(at, input.piece), pieces);
  Masker other = masker;
  std::string held;
  other.Finish(held);
  Require(held.size() <= 3 * LongestForm(input.values) + 3, "no more is held than the longest form", held);
  masker.Finish(pieces);
  Require(pieces == whole, "the pieces say what the whole says", pieces);

  const bool has_stars = std::any_of(input.values.begin(), input.values.end(),
                                     [](const std::string& value) { return value.find('*') != value.npos; });
  if (!has_stars) Require(NaivelyMasked(input.values, whole) == whole, "no secret is left", whole);
  if (input.text.find_first_of("\r\n") == input.text.npos)
    Require(NaivelyMasked(input.values, input.text) == whole, "only secrets are hidden", whole);
  return 0;
}
