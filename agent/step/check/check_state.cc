#include "agent/step/check/check_state.h"

#include <fmt/format.h>

#include "agent/step/value.h"

namespace cromt::step {
namespace {

std::string_view LineOf(const CheckState& state, const Hit& hit) {
  return state.context->text().Line(hit.line.index);
}

void AppendNumber(int64_t number, std::string& out) {
  out += number == ContextLine::kNone ? "null" : std::to_string(number);
}

template <class Items, class Append>
void AppendArray(const Items& items, std::string& out, Append append) {
  out += '[';
  bool first = true;
  for (const auto& item : items) {
    if (!first) out += ',';
    first = false;
    append(item);
  }
  out += ']';
}

void AppendCaptured(const CheckState& state, const Hit& hit, std::string& out) {
  const auto append = [&](std::string_view text) { AppendJsonString(text, out); };
  if (hit.captured.empty())
    AppendArray(std::vector{LineOf(state, hit)}, out, append);
  else
    AppendArray(hit.captured, out, append);
}

void AppendStreamEntry(const CheckState& state, const Hit& hit, std::string& out) {
  out += R"({"captures":)";
  AppendCaptured(state, hit, out);
  out += R"(,"data":)";
  AppendJsonString(LineOf(state, hit), out);
  out += fmt::format(R"(,"index":{},"next":)", hit.line.index);
  AppendNumber(hit.line.next, out);
  out += R"(,"stream-id":)";
  AppendNumber(hit.line.stream, out);
  out += '}';
}

}  // namespace

std::string CheckState::MatchedText() const {
  std::string text;
  for (size_t i = 0; i < hits.size(); ++i) {
    if (i > 0) text += '\n';
    text += LineOf(*this, hits[i]);
  }
  return text;
}

std::string CheckState::CapturesJson() const {
  std::string out;
  AppendArray(hits, out, [&](const Hit& hit) {
    out += R"({"data":)";
    AppendCaptured(*this, hit, out);
    out += fmt::format(R"(,"index":{},"stream-id":)", hit.line.index);
    AppendNumber(hit.line.stream, out);
    out += '}';
  });
  return out;
}

std::string CheckState::CaptureJson() const {
  if (hits.empty()) return "null";
  std::string out;
  AppendCaptured(*this, hits.front(), out);
  return out;
}

std::string CheckState::StreamsJson() const {
  if (context == nullptr) return "{}";
  std::string out = "{";
  for (const auto& [stream, entries] : context->streams()) {
    if (out.size() > 1) out += ',';
    out += fmt::format(R"("{}":)", stream);
    AppendArray(entries, out, [&](const Hit& hit) { AppendStreamEntry(*this, hit, out); });
  }
  return out + '}';
}

std::string CheckState::StreamsArrayJson() const {
  if (context == nullptr) return "[]";
  std::string out;
  AppendArray(context->streams(), out, [&](const auto& stream) {
    AppendArray(stream.second, out, [&](const Hit& hit) { AppendCaptured(*this, hit, out); });
  });
  return out;
}

}  // namespace cromt::step
