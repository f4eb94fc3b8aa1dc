// Asking a Coordinator's loop: for the files of Coordinator only, which is what Question belongs to.
#pragma once

#include <fmt/format.h>

#include <future>
#include <memory>

#include "coordinator/coordinator.h"

namespace cromt {

namespace coordinator_internal {

template <class T>
Result<T> Await(std::future<Result<T>> future, Duration patience) {
  try {
    if (future.wait_for(patience) == std::future_status::ready) return future.get();
  } catch (const std::future_error&) {  // the loop has ended and let go of the question
    return Fail(ErrorCode::kUnavailable, "the coordinator has stopped working; its log says why");
  }
  return Fail(ErrorCode::kTimeout,
              "the coordinator did not answer within " + FormatDuration(patience) +
                  "; whether it has taken the request is not known: ask again with the same request id");
}

// One that counts until it is answered or nobody can answer it any more, whether or not somebody still waits; who does
// is woken after that.
template <class T>
struct Asked {
  explicit Asked(std::atomic<int>& counted) : count(counted) {}
  Asked(const Asked&) = delete;
  ~Asked() {
    if (!answered) --count;
  }
  void Answer(Result<T> result) {
    answered = true;
    --count;
    promise.set_value(std::move(result));
  }

  std::atomic<int>& count;
  bool answered = false;
  std::promise<Result<T>> promise;
};

}  // namespace coordinator_internal

template <class T>
Result<T> Coordinator::Question(const std::function<EngineInput(std::function<void(Result<T>)> answer)>& make) {
  if (++questions_ > kMostQuestions) {
    --questions_;
    return cromt::Fail(
        ErrorCode::kExhausted,
        fmt::format("{} questions wait for an answer already, which is the limit; ask again later", kMostQuestions));
  }
  auto asked = std::make_shared<coordinator_internal::Asked<T>>(questions_);
  auto future = asked->promise.get_future();
  EngineInput input = make([asked = std::move(asked)](Result<T> result) { asked->Answer(std::move(result)); });
  if (!inbox_.Post(std::move(input))) return cromt::Fail(ErrorCode::kUnavailable, "the coordinator is stopping");
  return coordinator_internal::Await(std::move(future), kPatience);
}

}  // namespace cromt
