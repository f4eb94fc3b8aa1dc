#include "cli/project_word.h"

#include <string_view>
#include <vector>

#include "base/name.h"
#include "core/diagnostic.h"

namespace cromt::cli {

Status CheckProjectKnown(Control& control, const std::string& project) {
  CROMT_ASSIGN(const ProjectList listed, control.ListProjects());
  std::vector<std::string_view> names;
  for (const ProjectView& one : listed.projects) {
    if (one.name == project) return {};
    names.push_back(one.name);
  }
  return Fail(ErrorCode::kNotFound, "there is no project " + Quote(project) + DidYouMean(project, names));
}

}  // namespace cromt::cli
