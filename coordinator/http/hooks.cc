#include "coordinator/http/hooks.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/name.h"
#include "coordinator/http/hook.h"

namespace cromt {
namespace {

// For a project that has none, so that its answer takes as long as another's.
constexpr char kNobodysSecret[] = "of no project";

http::Response Said(int status, const nlohmann::json& what) {
  return {.status = status,
          .type = "application/json",
          .body = what.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"};
}

http::Response NotNow(const Error& error) {
  // Which of these it was is known by then only to somebody who has the secret.
  if (error.code == ErrorCode::kInvalid) return http::Refusal(400, error.message);
  if (error.code == ErrorCode::kNotFound) return http::Refusal(404, error.message);
  http::Response later = http::Refusal(503, error.message);
  later.headers.emplace_back("Retry-After", "30");
  return later;
}

}  // namespace

http::Response Hooks::Refuse(const http::Request& request, const std::string& project, const std::string& why) {
  bool tell = false;
  int64_t untold = 0;
  {
    MutexLock lock(mutex_);
    tell = failures_.Add(request.place, /*guess=*/true, clock_.Read().mono);
    if (tell) untold = failures_.TakeUnwritten(request.place);
  }
  if (tell) edges_.refused(request.place, project, untold > 0 ? fmt::format("{} ({} more before)", why, untold) : why);
  return http::Refusal(401, "this is not signed as it must be");
}

http::Response Hooks::Answer(const http::Request& request, const http::PathParts& parts) {
  const std::string project = IsName(parts[0]) ? parts[0] : "";
  {
    // Who has sent a good one to this project is never locked out by others who call from the same place.
    MutexLock lock(mutex_);
    if (!failures_.MayTry(request.place, project, clock_.Read().mono)) {
      http::Response wait = http::Refusal(429, "too much from there was not signed as it must be; wait a minute");
      wait.headers.emplace_back("Retry-After", "60");
      return wait;
    }
  }
  auto secret = project.empty() ? Fail(ErrorCode::kNotFound, "no project has such a name") : edges_.secret(project);
  const Status good = CheckHookSignature(request, secret ? *secret : kNobodysSecret, clock_.Read().wall);
  if (!secret) return Refuse(request, project, secret.error().message);
  if (!good) return Refuse(request, project, good.error().message);
  if (MutexLock lock(mutex_); true) failures_.Good(request.place, project);
  const auto event = ReadHook(request);
  if (!event) return NotNow(event.error());
  if (!event->push) return Said(200, {{"project", project}, {"message", event->why_not}});
  const auto comes = edges_.pushed(project, event->push->ref, event->push->commit);
  if (!comes) return NotNow(comes.error());
  return Said(202,
              {{"project", project}, {"ref", event->push->ref}, {"commit", event->push->commit}, {"message", *comes}});
}

}  // namespace cromt
