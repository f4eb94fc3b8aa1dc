#include "core/template.h"

#include "base/name.h"

namespace cromt {
namespace {

constexpr std::string_view kOpen = "${{";
constexpr std::string_view kLiteral = "$${{";

std::string_view Trim(std::string_view text) {
  size_t begin = text.find_first_not_of(" \t");
  return begin == text.npos ? std::string_view() : text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

bool IsReference(std::string_view text) {
  size_t dot = text.find('.');
  if (dot == text.npos) return false;
  std::string_view from = text.substr(0, dot);
  return (from == "vars" || from == "env" || from == "params") && IsVariableName(text.substr(dot + 1));
}

}  // namespace

TemplateText ScanTemplates(std::string_view text) {
  TemplateText out;
  while (!text.empty()) {
    size_t plain = std::min(text.find('$'), text.size());
    out.text += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.starts_with(kLiteral)) {
      out.text += kOpen;
      text.remove_prefix(kLiteral.size());
    } else if (text.starts_with(kOpen)) {
      size_t end = text.find("}}");
      bool good = end != text.npos && IsReference(Trim(text.substr(kOpen.size(), end - kOpen.size())));
      (good ? out.has_template : out.is_malformed) = true;
      out.text += kOpen;
      text.remove_prefix(kOpen.size());
    } else if (!text.empty()) {
      out.text += text[0];
      text.remove_prefix(1);
    }
  }
  return out;
}

}  // namespace cromt
