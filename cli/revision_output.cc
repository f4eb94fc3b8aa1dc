#include "cli/revision_output.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/clean_text.h"
#include "cli/line_diff.h"
#include "cli/terminal_safe.h"

namespace cromt::cli {
namespace {

using Json = nlohmann::ordered_json;

Json HeaderJson(const RevisionText& revision) {
  const RevisionView& view = revision.view;
  Json json = {{"revision", view.revision}, {"at", FormatRfc3339(view.at)}};
  json["author"] = view.author.empty() ? Json(nullptr) : Json(view.author);
  json["file"] = view.file;
  json["path"] = view.path;
  return json;
}

void Write(Session& session, const Json& json) {
  session.world().out.Write(json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

// One line, without its end, as a terminal may see it.
std::string Safe(std::string_view line) {
  std::string colours, safe;
  AppendTerminalSafe(line, colours, safe);
  return safe;
}

// "/srv/jobs.yaml", a tab, and what says of when it is: patch reads the name up to the tab.
std::string NameOf(const RevisionText& revision) {
  const RevisionView& view = revision.view;
  return fmt::format("{}\trevision {}, {}, {}", Clean(view.path), view.revision, FormatRfc3339(view.at),
                     view.author.empty() ? "-" : Clean(view.author));
}

std::string DiffOf(const RevisionText* before, const RevisionText& after) {
  const std::string body = UnifiedDiff(before ? before->text : "", after.text);
  if (body.empty()) return "";
  return fmt::format("--- {}\n+++ {}\n{}", before ? NameOf(*before) : "/dev/null", NameOf(after), body);
}

// `number` from 1: the first two name the texts.
std::string Painted(std::string_view line, size_t number, const Palette& palette) {
  const std::string safe = Safe(line);
  if (number <= 2) return palette.Bold(safe);
  if (line.starts_with("@@")) return palette.Dim(safe);
  if (line.starts_with('+')) return palette.Good(safe);
  if (line.starts_with('-')) return palette.Bad(safe);
  return safe;
}

// Each line of `text` by itself, for a terminal.
template <class F>
std::string ByLine(std::string_view text, const F& shown) {
  std::string out;
  size_t number = 0;
  for (std::string_view line : SplitLines(text)) {
    if (line.ends_with('\n')) line.remove_suffix(1);
    out += shown(line, ++number) + "\n";
  }
  return out;
}

}  // namespace

void ShowText(Session& session, const RevisionText& revision) {
  if (session.format() == Format::kJson) {
    Json json = HeaderJson(revision);
    json["text"] = revision.text;
    return Write(session, json);
  }
  const bool terminal = session.world().out_is_terminal;
  session.world().out.Write(terminal ? ByLine(revision.text, [](auto line, size_t) { return Safe(line); })
                                     : revision.text);
}

void ShowDiff(Session& session, const RevisionText* before, const RevisionText& after) {
  const std::string diff = DiffOf(before, after);
  if (session.format() == Format::kJson) {
    Json json = HeaderJson(after);
    json["against"] = before ? Json(before->view.revision) : Json(nullptr);
    json["diff"] = diff;
    return Write(session, json);
  }
  if (diff.empty()) return session.messages().Say("the two texts are the same");
  if (!session.world().out_is_terminal) return session.world().out.Write(diff);
  session.world().out.Write(
      ByLine(diff, [&](auto line, size_t number) { return Painted(line, number, session.palette()); }));
}

}  // namespace cromt::cli
