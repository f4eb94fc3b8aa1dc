#include "agent/step/check/check_file.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "agent/step/check/regex.h"
#include "base/name.h"

namespace cromt::step {
namespace {

constexpr std::string_view kBlanks = " \t\r\v\f";

std::string_view TrimStart(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(kBlanks), text.size()));
}
std::string_view Trim(std::string_view text) {
  return TrimStart(text.substr(0, text.find_last_not_of(kBlanks) + 1));
}
bool IsBlankByte(char c) {
  return kBlanks.find(c) != std::string_view::npos;
}

// What follows `word` at the start of a line; nullopt if it doesn't begin with it.
std::optional<std::string_view> AfterWord(std::string_view line, std::string_view word) {
  const std::string_view text = TrimStart(line);
  return text.starts_with(word) ? std::optional(text.substr(word.size())) : std::nullopt;
}
// The same where a blank has to follow, and blanks around what comes don't count.
std::optional<std::string_view> Argument(std::string_view line, std::string_view word) {
  auto rest = AfterWord(line, word);
  if (!rest || rest->empty() || !IsBlankByte(rest->front()) || Trim(*rest).empty()) return std::nullopt;
  return Trim(*rest);
}

// ":N:" as N, a number too large for any file as the largest.
std::optional<size_t> LineNumber(std::string_view text) {
  if (text.size() < 3 || text.front() != ':' || text.back() != ':') return std::nullopt;
  const std::string_view digits = text.substr(1, text.size() - 2);
  if (digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  size_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc() ? number : std::numeric_limits<size_t>::max();
}

struct Language {
  std::string_view name;
  CodeLanguage language;
};
constexpr std::array<Language, 7> kLanguages = {{
    {"bash", CodeLanguage::kBash},
    {"perl", CodeLanguage::kPerl},
    {"php", CodeLanguage::kPhp},
    {"python", CodeLanguage::kPython},
    {"raku", CodeLanguage::kRaku},
    {"perl6", CodeLanguage::kRaku},
    {"ruby", CodeLanguage::kRuby},
}};

// ---- Lines, and blocks of them --------------------------------------------------------------------

class CheckParser {
 public:
  CheckParser(std::string_view name, std::string_view text, CheckStart start)
      : rest_(text), place_(start == CheckStart::kAnywhere ? Place::kUnknown : Place::kAllLines) {
    file_.name = name;
  }

  Result<CheckFile> Parse() {
    if (rest_.size() > kMaxCheckBytes)
      return Fail(ErrorCode::kInvalid, fmt::format("{}: larger than {} KiB", file_.name, kMaxCheckBytes >> 10));
    if (!IsUtf8(rest_)) return Fail(ErrorCode::kInvalid, fmt::format("{}: not UTF-8 text", file_.name));
    while (!rest_.empty()) CROMT_TRY(Line(TakeLine()));
    return std::move(file_);
  }

 private:
  // What is known of where the next rule stands. Behind a generator nothing is: it may print begin: and end:.
  enum class Place { kAllLines, kInside, kUnknown };

  std::string_view TakeLine() {
    const size_t end = std::min(rest_.find('\n'), rest_.size());
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++line_;
    return line;
  }

  tl::unexpected<Error> ErrorHere(std::string_view what) const {
    return Fail(ErrorCode::kInvalid, fmt::format("{}:{}: {}", file_.name, line_, what));
  }

  template <class Form>
  Status Add(Form form) {
    return AddAt(line_, std::move(form));
  }
  template <class Form>
  Status AddAt(int line, Form form) {
    if (file_.rules.size() == kMaxCheckRules) return ErrorHere(fmt::format("more than {} rules", kMaxCheckRules));
    file_.rules.push_back({.line = line, .form = std::move(form)});
    return {};
  }

  Status Line(std::string_view line) {
    const std::string_view text = TrimStart(line);
    if (text.empty() || text[0] == '#') return {};
    CROMT_ASSIGN(const bool with_regex, RegexLine(text));
    if (with_regex) return {};
    const std::string_view code = line.substr(0, line.find('#'));
    if (auto note = AfterWord(code, "note:")) return Add(NoteRule{std::string(TrimStart(*note))});
    if (auto block = AfterWord(code, "code:")) return Code<CodeRule>(TrimStart(*block), "code:");
    if (auto block = AfterWord(code, "generator:")) return Code<GeneratorRule>(TrimStart(*block), "generator:");
    if (auto path = Argument(code, "source:")) return Source(*path);
    if (auto assertion = Argument(code, "assert:")) return Assert(TrimStart(*AfterWord(code, "assert:")), Trim(code));
    return Word(Trim(code));
  }

  // ---- Lines with regexes: a '#' in them is the regex's ------------------------------------------

  // True if `text` was one.
  Result<bool> RegexLine(std::string_view text) {
    struct Kind {
      std::string_view word;
      bool negated, soft;
    };
    for (const auto& [word, negated, soft] :
         {Kind{"regexp:", false, false}, Kind{"!regexp:", true, false}, Kind{"~regexp:", false, true}}) {
      auto rest = AfterWord(text, word);
      if (!rest) continue;
      CROMT_ASSIGN(std::string pattern, Pattern(Trim(*rest)));
      CROMT_TRY(Add(RegexRule{.pattern = std::move(pattern), .negated = negated, .soft = soft}));
      return true;
    }
    if (auto where = AfterWord(text, "within:")) {
      CROMT_ASSIGN(Boundary boundary, ReadBoundary(Trim(*where)));
      CROMT_TRY(Enter("within:"));
      CROMT_TRY(Add(WithinRule{std::move(boundary)}));
      return true;
    }
    auto range = AfterWord(text, "between:");
    if (range) CROMT_TRY(Range(Trim(*range)));
    return range.has_value();
  }

  Result<std::string> Pattern(std::string_view pattern) const {
    auto regex = Regex::Compile(pattern);
    if (!regex) return ErrorHere(regex.error().message);
    return regex->text();
  }

  Result<Boundary> ReadBoundary(std::string_view text) const {
    if (auto number = LineNumber(text)) return Boundary(*number);
    CROMT_ASSIGN(std::string pattern, Pattern(text));
    return Boundary(std::move(pattern));
  }

  // { R } { R }: the first brace that another one follows ends the first regex, the last of the line the second.
  Status Range(std::string_view text) {
    size_t end = std::string_view::npos, next = 0;
    for (size_t at = text.find('}'); at != std::string_view::npos; at = text.find('}', at + 1)) {
      next = text.find_first_not_of(kBlanks, at + 1);
      if (next == std::string_view::npos || next == at + 1 || text[next] != '{') continue;
      end = at;
      break;
    }
    if (!text.starts_with('{') || !text.ends_with('}') || end == std::string_view::npos)
      return ErrorHere("'between:' wants two regexes: between: { from } { to }");
    CROMT_ASSIGN(Boundary from, ReadBoundary(Trim(text.substr(1, end - 1))));
    CROMT_ASSIGN(Boundary to, ReadBoundary(Trim(text.substr(next + 1, text.size() - next - 2))));
    CROMT_TRY(Enter("between:"));
    return Add(RangeRule{.from = std::move(from), .to = std::move(to)});
  }

  Status Enter(std::string_view word) {
    if (place_ == Place::kInside)
      return ErrorHere(fmt::format("'{}' inside of another begin:, between: or within:, which ends with 'end:'", word));
    if (place_ == Place::kAllLines) place_ = Place::kInside;
    return {};
  }

  // ---- Other lines ------------------------------------------------------------------------------

  Status Word(std::string_view text) {
    if (text == "begin:") {
      CROMT_TRY(Enter(text));
      return Add(SequenceRule{});
    }
    if (text == "end:") {
      if (place_ == Place::kInside) place_ = Place::kAllLines;
      return Add(EndRule{});
    }
    if (text == ":any:") return Add(AnyLineRule{});
    if (auto number = LineNumber(text)) return Add(LineNumberRule{.index = *number, .text = std::string(text)});
    return Add(TextRule{std::string(text)});
  }

  Status Source(std::string_view path) {
    if (path.find_first_of(kBlanks) != std::string_view::npos)
      return ErrorHere("'source:' wants one path without blanks");
    if (place_ == Place::kInside) place_ = Place::kAllLines;
    return Add(SourceRule{std::string(path)});
  }

  // `argument` is what follows "assert:" in `line`. Without a value and a text it is a text to look for, as in Sparrow.
  Status Assert(std::string_view argument, std::string_view line) {
    for (std::string_view value : {"1", "true", "True", "0", "false", "False"}) {
      if (!argument.starts_with(value) || argument.size() == value.size() || !IsBlankByte(argument[value.size()]))
        continue;
      const bool holds = value == "1" || value == "true" || value == "True";
      return Add(AssertRule{.holds = holds, .text = std::string(TrimStart(argument.substr(value.size())))});
    }
    return Add(TextRule{std::string(line)});
  }

  // ---- Code -------------------------------------------------------------------------------------

  template <class Form>
  Status Code(std::string_view text, std::string_view word) {
    const int line = line_;
    if (std::is_same_v<Form, GeneratorRule>) place_ = Place::kUnknown;
    std::string code(text);
    CROMT_ASSIGN(const std::string_view marker, Marker(text, word));
    if (!marker.empty()) {
      CROMT_ASSIGN(code, Heredoc(marker, word));
    } else if (Trim(text).empty()) {
      return ErrorHere(fmt::format("'{0}' has no code: write it behind, or {0} <<END, lines, END", word));
    }
    CROMT_ASSIGN(CodeBlock block, Block(std::move(code), line));
    return AddAt(line, Form{std::move(block)});
  }

  // Of <<MARKER or << MARKER; empty: the code is this line.
  Result<std::string_view> Marker(std::string_view text, std::string_view word) const {
    const size_t at = text.find("<<");
    if (at == std::string_view::npos) return std::string_view();
    const std::string_view marker = Trim(text.substr(at + 2));
    const bool alone = at == 0 && !marker.empty() && marker.find_first_of(kBlanks) == std::string_view::npos;
    if (alone) return marker;
    if (at + 2 == text.size() || IsBlankByte(text[at + 2])) return std::string_view();  // a shift: 1 << 2
    return ErrorHere(fmt::format("'{0}' with '<<' in it: write {0} <<MARKER and nothing else on the line", word));
  }

  Result<std::string> Heredoc(std::string_view marker, std::string_view word) {
    const int opening = line_;
    std::string code;
    while (!rest_.empty()) {
      const std::string_view line = TakeLine();
      if (Trim(line) == marker) return code;
      code.append(line).append("\n");
    }
    line_ = opening;
    return ErrorHere(fmt::format("'{}' has no end: a line with {} alone", word, Quote(marker)));
  }

  // The first line that isn't blank may name the language.
  Result<CodeBlock> Block(std::string code, int line) const {
    const size_t start = code.find_first_not_of(" \t\r\n");
    const size_t end = std::min(code.find('\n', std::min(start, code.size())), code.size());
    if (start == std::string::npos || code[start] != '!')
      return CodeBlock{.language = CodeLanguage::kPerl, .code = code};
    const std::string_view name = Trim(std::string_view(code).substr(start + 1, end - start - 1));
    for (const Language& language : kLanguages) {
      if (language.name != name) continue;
      code.erase(start, end - start);
      return CodeBlock{.language = language.language, .code = std::move(code)};
    }
    return Fail(ErrorCode::kInvalid,
                fmt::format("{}:{}: code in {}; there are: !bash, !perl, !python, !ruby, !raku, !php", file_.name, line,
                            Quote(name)));
  }

  std::string_view rest_;
  int line_ = 0;
  Place place_;
  CheckFile file_;
};

}  // namespace

Result<CheckFile> ParseCheck(std::string_view name, std::string_view text, CheckStart start) {
  return CheckParser(name, text, start).Parse();
}

}  // namespace cromt::step
