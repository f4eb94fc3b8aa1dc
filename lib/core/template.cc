#include "core/template.h"

#include <fmt/format.h>

#include "base/name.h"
#include "core/variables.h"

namespace cromt {
namespace {

constexpr std::string_view kOpen = "${{";
constexpr std::string_view kLiteral = "$${{";
constexpr size_t kMaxDepth = 100;

struct Piece {
  enum class Kind { kText, kVars, kEnv, kParams, kMalformed };
  Kind kind = Kind::kText;
  std::string_view text;  // literal, the name, or as written
};

std::string_view Trim(std::string_view text) {
  size_t begin = text.find_first_not_of(" \t");
  return begin == text.npos ? std::string_view() : text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// What stands between the braces.
Piece Reference(std::string_view text) {
  const size_t dot = text.find('.');
  if (dot == text.npos || !IsVariableName(text.substr(dot + 1))) return {Piece::Kind::kMalformed, {}};
  const std::string_view from = text.substr(0, dot), name = text.substr(dot + 1);
  if (from == "vars") return {Piece::Kind::kVars, name};
  if (from == "env") return {Piece::Kind::kEnv, name};
  if (from == "params") return {Piece::Kind::kParams, name};
  return {Piece::Kind::kMalformed, {}};
}

// Takes the next piece off `raw`, which is not empty. Only the `${{` of a malformed one is taken.
Piece Take(std::string_view& raw) {
  auto cut = [&](size_t bytes) {
    std::string_view taken = raw.substr(0, bytes);
    raw.remove_prefix(bytes);
    return taken;
  };
  if (raw.starts_with(kLiteral)) return {Piece::Kind::kText, cut(kLiteral.size()).substr(1)};
  if (!raw.starts_with(kOpen)) return {Piece::Kind::kText, cut(std::min(raw.find('$', 1), raw.size()))};
  const size_t end = raw.find("}}");
  Piece piece{Piece::Kind::kMalformed, {}};
  if (end != raw.npos) piece = Reference(Trim(raw.substr(kOpen.size(), end - kOpen.size())));
  if (piece.kind == Piece::Kind::kMalformed)
    piece.text = cut(kOpen.size());
  else
    cut(end + 2);
  return piece;
}

}  // namespace

TemplateScan ScanTemplates(std::string_view raw) {
  TemplateScan scan;
  while (!raw.empty()) switch (Take(raw).kind) {
      case Piece::Kind::kText: break;
      case Piece::Kind::kVars: scan.vars = true; break;
      case Piece::Kind::kEnv: scan.env = true; break;
      case Piece::Kind::kParams: scan.params = true; break;
      case Piece::Kind::kMalformed: scan.malformed = true; break;
    }
  return scan;
}

std::string Unescape(std::string_view raw) {
  std::string text;
  while (!raw.empty()) {
    const std::string_view before = raw;
    const Piece piece = Take(raw);
    text += piece.kind == Piece::Kind::kText ? piece.text : before.substr(0, before.size() - raw.size());
  }
  return text;
}

std::string EscapeTemplates(std::string_view text) {
  std::string raw;
  for (size_t open = text.find(kOpen); open != text.npos; open = text.find(kOpen)) {
    raw += text.substr(0, open);
    raw += kLiteral;
    text.remove_prefix(open + kOpen.size());
  }
  raw += text;
  return raw;
}

// ---- Filling in -------------------------------------------------------------------------------

TemplateFiller::TemplateFiller(const Variables& variables)
    : variables_(variables), states_(variables.size(), State::kRaw), values_(variables.size()) {
  index_.reserve(variables.size());
  for (size_t i = 0; i < variables.size(); ++i) index_.emplace(variables[i].first, i);
}

Result<FilledText> TemplateFiller::Fill(std::string_view raw) {
  FilledText out;
  while (!raw.empty()) {
    const Piece piece = Take(raw);
    switch (piece.kind) {
      case Piece::Kind::kText: out.text += piece.text; break;
      case Piece::Kind::kEnv: out.gaps.push_back({out.text.size(), std::string(piece.text)}); break;
      case Piece::Kind::kVars: {
        auto found = index_.find(piece.text);
        if (found == index_.end())
          return Fail(ErrorCode::kInvalid, fmt::format("there is no variable {} in vars", piece.text));
        CROMT_ASSIGN(const FilledText* value, Filled(found->second));
        for (const FilledText::Gap& gap : value->gaps) out.gaps.push_back({out.text.size() + gap.offset, gap.name});
        out.text += value->text;
        break;
      }
      case Piece::Kind::kParams: return Fail(ErrorCode::kInvalid, fmt::format("there is no parameter {}", piece.text));
      case Piece::Kind::kMalformed: return Fail(ErrorCode::kInvalid, "'${{' begins no template");
    }
    if (out.text.size() > kMaxVariableBytes)
      return Fail(ErrorCode::kInvalid, fmt::format("filled in it exceeds {} bytes", kMaxVariableBytes));
    if (out.gaps.size() > kMaxHostGaps)
      return Fail(ErrorCode::kInvalid, fmt::format("it holds ${{{{ env }}}} more than {} times", kMaxHostGaps));
  }
  return out;
}

Result<const FilledText*> TemplateFiller::Filled(size_t index) {
  const auto& [name, raw] = variables_[index];
  if (states_[index] == State::kFilled) return &values_[index];
  if (states_[index] == State::kFilling)
    return Fail(ErrorCode::kInvalid, fmt::format("the variable {} contains itself", name));
  if (depth_ == kMaxDepth)
    return Fail(ErrorCode::kInvalid, fmt::format("variables lie in each other more than {} deep", kMaxDepth));
  states_[index] = State::kFilling;
  ++depth_;
  auto filled = Fill(raw);
  --depth_;
  if (!filled) {
    states_[index] = State::kRaw;
    if (depth_ > 0) return tl::unexpected(std::move(filled).error());
    return Fail("variable " + name, std::move(filled).error());
  }
  bytes_ += filled->text.size();
  if (bytes_ > kMaxVariablesBytes)
    return Fail(ErrorCode::kInvalid, fmt::format("filled in, the variables exceed {} bytes", kMaxVariablesBytes));
  values_[index] = std::move(*filled);
  states_[index] = State::kFilled;
  return &values_[index];
}

Result<FilledText> TemplateFiller::Value(size_t index) {
  CROMT_ASSIGN(const FilledText* value, Filled(index));
  return *value;
}

Result<std::string> TemplateFiller::FillWhole(std::string_view raw) {
  CROMT_ASSIGN(FilledText filled, Fill(raw));
  if (!filled.gaps.empty())
    return Fail(
        ErrorCode::kInvalid,
        fmt::format("${{{{ env.{} }}}} is known on the host only, and this is needed before", filled.gaps[0].name));
  return std::move(filled.text);
}

}  // namespace cromt
