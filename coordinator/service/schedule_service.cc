#include "coordinator/service/schedule_service.h"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include "base/name.h"
#include "coordinator/coordinator.h"
#include "coordinator/service/gate.h"
#include "cromt/v1/schedule.grpc.pb.h"
#include "io/rpc/status.h"

namespace cromt {
namespace {

constexpr uint32_t kDefaultTicks = 50;
constexpr uint32_t kMostTicks = 10'000;
constexpr Duration kLongestPause = std::chrono::hours(24 * 3660);

grpc::Status StatusOf(const Status& status) {
  return status ? grpc::Status::OK : rpc::ToStatus(status.error());
}

// Each call blocks its thread until the loop or the store has answered.
class ScheduleServiceImpl final : public v1::ScheduleService::Service {
 public:
  ScheduleServiceImpl(Coordinator& coordinator, Gate& gate) : coordinator_(coordinator), gate_(gate) {}

  grpc::Status ListTicks(grpc::ServerContext* context, const v1::ListTicksRequest* request,
                         v1::ListTicksResponse* response) override {
    return StatusOf(DoList(*context, *request, *response));
  }
  grpc::Status Pause(grpc::ServerContext* context, const v1::PauseRequest* request, v1::PauseResponse*) override {
    return StatusOf(DoPause(*context, *request));
  }
  grpc::Status Unpause(grpc::ServerContext* context, const v1::UnpauseRequest* request, v1::UnpauseResponse*) override {
    return StatusOf(DoUnpause(*context, *request));
  }

 private:
  Status DoList(const grpc::ServerContext& context, const v1::ListTicksRequest& request,
                v1::ListTicksResponse& response) {
    constexpr std::string_view kMethod = "ScheduleService/ListTicks";
    CROMT_ASSIGN(const Principal caller, gate_.Enter(context, kMethod));
    CROMT_TRY(CheckName("project", request.project()));
    CROMT_TRY(gate_.Into(context, kMethod, caller, request.project(), request.project()));
    if (request.limit() > kMostTicks) return Fail(ErrorCode::kInvalid, fmt::format("limit: at most {}", kMostTicks));
    CROMT_ASSIGN(const auto ticks,
                 coordinator_.ListTicks(request.project(), request.limit() == 0 ? kDefaultTicks : request.limit()));
    for (const TickSettled& tick : ticks) {
      v1::Tick& to = *response.add_ticks();
      to.set_revision(tick.revision);
      to.set_first_us(Micros(tick.first));
      to.set_last_us(Micros(tick.last));
      to.set_count(tick.count);
      to.set_outcome(std::string(ToString(tick.outcome)));
      to.set_run(tick.run.text());
      to.set_why(tick.why);
      to.set_at_us(Micros(tick.at));
    }
    return {};
  }

  // In whose name; `project` empty concerns all of them.
  Result<std::string> Enter(const grpc::ServerContext& context, std::string_view method, const std::string& project,
                            const std::string& said) {
    CROMT_ASSIGN(const Principal caller, gate_.Enter(context, method));
    if (!project.empty()) CROMT_TRY(CheckName("project", project));
    CROMT_TRY(gate_.Into(context, method, caller, project, project.empty() ? "all projects" : project));
    return AuthorOf(caller, said);
  }

  Status DoPause(const grpc::ServerContext& context, const v1::PauseRequest& request) {
    CROMT_ASSIGN(std::string author, Enter(context, "ScheduleService/Pause", request.project(), request.author()));
    if (!request.why().empty() && !IsTitle(request.why()))
      return Fail(ErrorCode::kInvalid, "reason: not a text that can be shown, of at most 1 KiB");
    const Duration time = milliseconds(std::clamp<int64_t>(request.for_ms(), -1, kLongestPause / milliseconds(1) + 1));
    if (time < Duration(0) || time > kLongestPause)
      return Fail(ErrorCode::kInvalid, "for: a time of at most ten years; without one it lasts until it is ended");
    std::optional<Duration> until;
    if (time > Duration(0)) until = time;
    return coordinator_.Pause({request.project(), request.why(), until, std::move(author)});
  }

  Status DoUnpause(const grpc::ServerContext& context, const v1::UnpauseRequest& request) {
    CROMT_TRY(Enter(context, "ScheduleService/Unpause", request.project(), request.author()));
    return coordinator_.Unpause(request.project(), request.author());
  }

  Coordinator& coordinator_;
  Gate& gate_;
};

}  // namespace

rpc::ServicePtr MakeScheduleService(Coordinator& coordinator, Gate& gate) {
  return {new ScheduleServiceImpl(coordinator, gate), [](grpc::Service* service) { delete service; }};
}

}  // namespace cromt
