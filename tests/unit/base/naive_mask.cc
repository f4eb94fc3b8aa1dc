#include "tests/unit/base/naive_mask.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "base/mask_patterns.h"

namespace cromt {
namespace {

struct Span {
  size_t begin, end;
};

// The text as some program reads it, with where each character stands.
struct Reading {
  std::string characters;
  std::vector<Span> places;
  void Add(char c, size_t begin, size_t end) {
    characters += c;
    places.push_back({begin, end});
  }
};

Reading AsItIs(std::string_view text) {
  Reading reading;
  for (size_t i = 0; i < text.size(); ++i) reading.Add(text[i], i, i + 1);
  return reading;
}

bool IsHex(char c) {
  return std::isxdigit(static_cast<unsigned char>(c)) != 0;
}

Reading Decoded(std::string_view text) {
  Reading reading;
  for (size_t i = 0; i < text.size();) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && IsHex(text[i + 1]) && IsHex(text[i + 2]);
    const size_t length = escape ? 3 : 1;
    reading.Add(escape ? static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16)) : text[i], i,
                i + length);
    i += length;
  }
  return reading;
}

Reading WithoutLineEnds(std::string_view text) {
  Reading reading;
  for (size_t i = 0; i < text.size(); ++i)
    if (text[i] != '\n' && text[i] != '\r') reading.Add(text[i], i, i + 1);
  return reading;
}

void FindIn(const Reading& reading, const std::vector<std::string>& forms, std::vector<Span>& found) {
  for (const std::string& form : forms)
    for (size_t at = reading.characters.find(form); at != std::string::npos;
         at = reading.characters.find(form, at + 1)) {
      bool broken = false;  // by something else than one line end behind four characters
      for (size_t i = 1; i < form.size(); ++i) {
        const size_t gap = reading.places[at + i].begin - reading.places[at + i - 1].end;
        broken |= gap > 2 || (gap > 0 && i < 4);
      }
      if (!broken) found.push_back({reading.places[at].begin, reading.places[at + form.size() - 1].end});
    }
}

}  // namespace

std::string NaivelyMasked(std::span<const std::string> values, std::string_view text) {
  std::vector<Span> found;
  for (const std::string& value : values) {
    FindIn(AsItIs(text), PlainForms(value), found);
    FindIn(Decoded(text), PlainForms(value), found);
    FindIn(WithoutLineEnds(text), Base64Forms(value), found);
  }
  std::sort(found.begin(), found.end(), [](const Span& a, const Span& b) { return a.begin < b.begin; });
  std::string out;
  size_t at = 0;
  for (size_t i = 0; i < found.size();) {
    Span whole = found[i];
    for (++i; i < found.size() && found[i].begin < whole.end; ++i) whole.end = std::max(whole.end, found[i].end);
    out += text.substr(at, whole.begin - at);
    out += "***";
    at = whole.end;
  }
  return out += text.substr(at);
}

}  // namespace cromt
