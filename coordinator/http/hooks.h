// Answers POST /hooks/PROJECT. Whoever shows that he knows the project's secret is believed that something was pushed;
// to everybody else all projects are alike, those that there are and those that there are not. Any thread; blocks while
// the coordinator is asked.
#pragma once

#include <functional>
#include <string>

#include "base/thread_annotations.h"
#include "base/time.h"
#include "coordinator/access/failures.h"
#include "io/http_server/routes.h"

namespace cromt {

class Hooks {
 public:
  struct Edges {
    // As Coordinator's HookSecret and Pushed.
    std::function<Result<std::string>(const std::string& project)> secret;
    std::function<Result<std::string>(const std::string& project, const std::string& ref, const std::string& commit)>
        pushed;
    // Somebody was refused: where from, for which project ("" for what can't be one's name), why; not more often than
    // once a second for each place.
    std::function<void(const std::string& place, const std::string& project, const std::string& why)> refused;
  };

  explicit Hooks(Edges edges) : edges_(std::move(edges)) {}

  http::Response Answer(const http::Request& request, const http::PathParts& parts) CROMT_EXCLUDES(mutex_);

 private:
  http::Response Refuse(const http::Request& request, const std::string& project, const std::string& why)
      CROMT_EXCLUDES(mutex_);

  const Edges edges_;
  const SystemClock clock_;
  Mutex mutex_;
  Failures failures_ CROMT_GUARDED_BY(mutex_);
};

}  // namespace cromt
