#include "agent/step/scenario/cursor.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/step/scenario/characters.h"
#include "base/name.h"

namespace cromt::step {
namespace {

// Names of any length stand in messages.
std::string_view Shortened(std::string_view text) {
  constexpr size_t kShown = 200;
  if (text.size() <= kShown) return text;
  size_t size = kShown;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return text.substr(0, size);
}

}  // namespace

tl::unexpected<Error> Cursor::ErrorAt(Position at, std::string_view what) const {
  return Fail(ErrorCode::kInvalid, fmt::format("{}:{}:{}: {}", file_, at.line, at.column, Shortened(what)));
}

tl::unexpected<Error> Cursor::OutsideAt(Position at, std::string_view construct) const {
  auto error = ErrorAt(at, construct);
  error.value().message += " is outside what cromt reads itself yet";
  error.value().code = ErrorCode::kUnavailable;
  return error;
}

tl::unexpected<Error> Cursor::LimitAt(Position at, std::string_view what) const {
  auto error = ErrorAt(at, what);
  error.value().code = ErrorCode::kExhausted;
  return error;
}

std::string_view Cursor::PeekWord() const {
  return rest().substr(0, IdentifierBytes(rest()));
}

void Cursor::Advance(size_t bytes) {
  for (; bytes > 0 && !AtEnd(); --bytes) {
    const char c = text_[offset_];
    if (BodyFollows()) {
      at_ = {at_.line + passed_->lines + 1, 1};
      offset_ = passed_->resume;
      passed_.reset();
      continue;
    }
    ++offset_;
    if (c == '\n') {
      at_ = {at_.line + 1, 1};
    } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {  // a continuation byte is no character of its own
      ++at_.column;
    }
  }
}

bool Cursor::Take(std::string_view symbol) {
  if (!StartsWith(symbol)) return false;
  Advance(symbol.size());
  return true;
}

Status Cursor::SkipBlanks() {
  while (!AtEnd()) {
    if (IsBlank(Peek())) {
      Advance(1);
    } else if (Peek() == '#') {
      CROMT_TRY(SkipComment());
    } else if (AtPod()) {
      CROMT_TRY(SkipPod());
    } else {
      break;
    }
  }
  return {};
}

Status Cursor::SkipComment() {
  if (Peek(1) == '`' && IsOpening(Peek(2))) return SkipEmbeddedComment();
  if (Peek(1) == '|' || Peek(1) == '=') return OutsideAt(at_, "a declarator comment (#| or #=)");
  while (!AtEnd() && Peek() != '\n') Advance(1);
  return {};
}

// #`( … ), with brackets nested.
Status Cursor::SkipEmbeddedComment() {
  const Position at = at_;
  Advance(2);
  const char opening = Peek(), closing = ClosingOf(opening);
  if (Peek(1) == opening) return OutsideAt(at, "an embedded comment with doubled brackets");
  size_t depth = 0;
  for (; !AtEnd(); Advance(1)) {
    if (Peek() == opening) ++depth;
    if (Peek() == closing && --depth == 0) break;
  }
  if (AtEnd()) return ErrorAt(at, fmt::format("a comment has no closing {}", closing));
  Advance(1);
  return {};
}

// "=begin" and the like, first on their line.
bool Cursor::AtPod() const {
  if (Peek() != '=' || !IsAlpha(Peek(1))) return false;
  const size_t line = text_.substr(0, offset_).rfind('\n') + 1;  // 0 if there is none
  return std::all_of(text_.begin() + static_cast<ptrdiff_t>(line), text_.begin() + static_cast<ptrdiff_t>(offset_),
                     [](char c) { return IsBlank(c); });
}

void Cursor::SkipLine() {
  while (!AtEnd() && Peek() != '\n') Advance(1);
  Advance(1);
}

std::string_view Cursor::LineAt(size_t offset) const {
  const size_t newline = std::min(text_.find('\n', offset), end_);
  return text_.substr(offset, newline - offset);
}

// "=begin NAME" up to and with its "=end NAME".
Status Cursor::SkipPod() {
  const Position at = at_;
  auto directive = [&](std::string_view word) -> std::string_view {
    std::string_view line = LineAt(offset_);
    line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
    if (!line.starts_with(word)) return {};
    line.remove_prefix(word.size());
    const size_t blanks = std::min(line.find_first_not_of(" \t"), line.size());
    return blanks == 0 ? std::string_view() : line.substr(blanks, IdentifierBytes(line.substr(blanks)));
  };
  const std::string_view name = directive("=begin");
  if (name.empty() || name == "DATA" || name == "data") return OutsideAt(at, "a Pod line that isn't =begin NAME");
  size_t depth = 0;
  for (; !AtEnd(); SkipLine()) {
    if (directive("=begin") == name) ++depth;
    if (directive("=end") != name || --depth > 0) continue;
    SkipLine();
    return {};
  }
  return ErrorAt(at, fmt::format("=begin {0} has no =end {0}", Quote(name)));
}

Result<Cursor::Heredoc> Cursor::TakeHeredoc(std::string_view terminator) {
  const size_t newline = passed_ ? passed_->newline : text_.find('\n', offset_);
  const auto missing = [&] { return ErrorAt(at_, fmt::format("a heredoc has no line {}", Quote(terminator))); };
  if (newline >= end_) return missing();  // npos, too
  Heredoc heredoc{.begin = passed_ ? passed_->resume : newline + 1};
  int lines = passed_ ? passed_->lines : 0;
  heredoc.at = {at_.line + lines + 1, 1};
  for (size_t offset = heredoc.begin; offset < end_;) {
    const std::string_view line = LineAt(offset);
    const size_t indent = std::min(line.find_first_not_of(" \t"), line.size());
    std::string_view text = line.substr(indent);
    while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
    ++lines;
    const size_t next = std::min(offset + line.size() + 1, end_);
    if (text == terminator) {
      if (line.substr(0, indent).find('\t') != std::string_view::npos)
        return OutsideAt(at_, "a heredoc that is indented with tabs");
      heredoc.end = offset;
      heredoc.indent = indent;
      passed_ = Passed{.newline = newline, .resume = next, .lines = lines};
      return heredoc;
    }
    offset = next;
  }
  return missing();
}

Cursor Cursor::Within(const Heredoc& heredoc) const {
  Cursor inner = *this;
  inner.offset_ = heredoc.begin;
  inner.end_ = heredoc.end;
  inner.at_ = heredoc.at;
  inner.passed_.reset();
  return inner;
}

}  // namespace cromt::step
