#include "io/yaml/yaml_feed.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/name.h"
#include "io/yaml/yaml_builder.h"

namespace cromt {
namespace {

constexpr size_t kChunkBytes = 2048;
constexpr size_t kMaxGapBytes = 2 << 20;
constexpr size_t kCommonGapBytes = 64 << 10;
constexpr size_t kMaxWideBytes = 3 << 20;
constexpr size_t kMaxGapMarks = 80'000;

constexpr std::array<bool, 256> kIsMark = [] {
  std::array<bool, 256> marks{};
  for (unsigned char c : std::string_view(",:[]{}&*!")) marks[c] = true;
  return marks;
}();

size_t CountMarks(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](unsigned char c) { return kIsMark[c]; }));
}

bool IsForbidden(std::string_view text, size_t i) {
  auto c = static_cast<unsigned char>(text[i]);
  if (c == '\r') return i + 1 == text.size() || text[i + 1] != '\n';
  return (c < 0x20 && c != '\t' && c != '\n') || c == 0x7F;
}

// What is wrong with the line `text[begin, end)`, if anything.
std::optional<YamlRefusal> CheckLine(std::string_view text, size_t begin, size_t end, uint32_t number) {
  for (size_t i = begin; i < end; ++i)
    if (IsForbidden(text, i))
      return YamlRefusal{{number, static_cast<uint32_t>(i - begin) + 1},
                         fmt::format("control character 0x{:02x}", static_cast<unsigned char>(text[i]))};
  std::string_view line = text.substr(begin, end - begin);
  if (IsUtf8(line)) return std::nullopt;
  size_t good = 0, bad = line.size();  // the longest good prefix, by halves; a cut sequence only moves it by three
  while (bad - good > 1) (IsUtf8(line.substr(0, (good + bad) / 2)) ? good : bad) = (good + bad) / 2;
  return YamlRefusal{{number, static_cast<uint32_t>(good) + 1}, "not valid UTF-8"};
}

}  // namespace

std::optional<YamlRefusal> CheckYamlBytes(std::string_view text) {
  if (text.size() > kMaxYamlBytes)
    return YamlRefusal{{}, fmt::format("the file is larger than {} MiB", kMaxYamlBytes >> 20)};
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) return YamlRefusal{{1, 1}, "UTF-16; write UTF-8"};
  uint32_t number = 1;
  for (size_t begin = 0; begin < text.size(); ++number) {
    size_t end = std::min(text.find('\n', begin), text.size());
    if (auto refusal = CheckLine(text, begin, end, number)) return refusal;
    begin = end + 1;
  }
  return std::nullopt;
}

YamlFeed::int_type YamlFeed::underflow() {
  if (next_ == text_.size()) return traits_type::eof();
  std::string_view chunk = text_.substr(next_, kChunkBytes);
  Count(chunk);
  next_ += chunk.size();
  char* begin = const_cast<char*>(chunk.data());  // only read: this stream takes nothing back
  setg(begin, begin, begin + chunk.size());
  return traits_type::to_int_type(*begin);
}

void YamlFeed::Count(std::string_view chunk) {
  if (progress_.events() != events_seen_) {
    events_seen_ = progress_.events();
    gap_bytes_ = gap_marks_ = 0;
  }
  gap_bytes_ += chunk.size();
  gap_marks_ += CountMarks(chunk);
  if (gap_bytes_ > kCommonGapBytes) wide_bytes_ += chunk.size();
  if (gap_marks_ > kMaxGapMarks)
    throw YamlRefusal{progress_.last_at(), "what begins here is too large for one '[…]' or '{…}'; write it in lines"};
  if (gap_bytes_ > kMaxGapBytes || wide_bytes_ > kMaxWideBytes)
    throw YamlRefusal{progress_.last_at(), "a text is too long from here on, or there is too much white space"};
}

}  // namespace cromt
