// `${{ vars.NAME }}`, `${{ env.NAME }}` and `${{ params.NAME }}` in texts of a job file. Pure.
#pragma once

#include <string>
#include <string_view>

namespace cromt {

struct TemplateText {
  std::string text;  // `$${{`, which stands for a literal `${{`, is replaced; templates are as written
  bool has_template = false;
  bool is_malformed = false;  // a `${{` that is none of the three
};

TemplateText ScanTemplates(std::string_view text);

}  // namespace cromt
