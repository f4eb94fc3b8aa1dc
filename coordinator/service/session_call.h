// The coordinator's end of one Session call. Included by this folder's .cc files only.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>

#include "base/thread_annotations.h"
#include "coordinator/access/access.h"
#include "coordinator/engine.h"
#include "coordinator/service/agent_dialing.h"
#include "cromt/v1/agent.grpc.pb.h"
#include "io/rpc/status.h"
#include "io/wire/session.h"

namespace cromt::service {

// Lives until its call is done, by a reference to itself. Send and Cancel may be called at any time before and after.
class SessionCall final : public grpc::ClientBidiReactor<v1::ToAgent, v1::FromAgent>,
                          public std::enable_shared_from_this<SessionCall> {
 public:
  // So many messages may wait until the loop has taken them in; what the agent says next waits at the agent.
  static constexpr int kMostUntaken = 8;

  // `agent`: whose certificate is at the other end, the only one who may speak there; empty: whoever does.
  SessionCall(std::shared_ptr<grpc::Channel> channel, AgentId agent, AgentDialing dialing, LinkId link,
              std::function<void(EngineInput)> post)
      : stub_(v1::AgentService::NewStub(std::move(channel))),
        agent_(std::move(agent)),
        dialing_(std::move(dialing)),
        link_(link),
        post_(std::move(post)) {}

  void Start() {
    self_ = shared_from_this();
    stub_->async()->Session(&context_, this);
    AddHold();  // writes come from outside of reactions; released when reading has ended
    StartRead(&incoming_);
    StartCall();
    post_(engine_input::LinkOpened{link_});
  }

  // One message may need several writes.
  void Send(const ToAgent& message) CROMT_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (ended_) return;
    outgoing_ = wire::Split(message);
    AddTrust(outgoing_.front());
    next_ = 0;
    StartWrite(&outgoing_[next_]);
  }
  void Cancel() { context_.TryCancel(); }

  void OnWriteDone(bool ok) override {
    if (!ok) return;  // reading ends too
    {
      MutexLock lock(mutex_);
      if (ended_) return;
      if (++next_ < outgoing_.size()) return StartWrite(&outgoing_[next_]);
    }
    post_(engine_input::LinkWritable{link_});
  }
  void OnReadDone(bool ok) override {
    if (ok) {
      auto message = wire::FromProto(incoming_);
      if (message && message->hello && !agent_.empty() && message->hello->agent != agent_)
        message = Fail(ErrorCode::kDenied, "it says that it is agent " + message->hello->agent.text() +
                                               ", and its certificate is that of " + agent_.text());
      if (message && !agent_.empty() && !dialing_.is_member(agent_.text()))
        message = Fail(ErrorCode::kDenied, "it is no member of the mesh any more");
      if (message) {
        post_(engine_input::LinkMessage{link_, std::move(*message), Untaken()});
        return ReadOn();
      }
      problem_ = "what it said is refused: " + message.error().message;
      Cancel();
    }
    {
      MutexLock lock(mutex_);
      ended_ = true;
    }
    RemoveHold();
  }
  void OnDone(const grpc::Status& status) override {
    std::string reason = !problem_.empty() ? problem_
                         : status.ok()     ? "it closed the connection"
                                           : rpc::PlainWords(status.error_message());
    post_(engine_input::LinkClosed{link_, std::move(reason), !problem_.empty()});
    self_.reset();
  }

 private:
  // Along with what goes there anyway, which is something every few seconds.
  void AddTrust(v1::ToAgent& message) CROMT_REQUIRES(mutex_) {
    if (!dialing_.trust) return;
    const auto trust = dialing_.trust();
    if (trust->version == trust_sent_) return;
    for (const std::string& serial : trust->revoked) message.add_revoked(serial);
    for (const std::string& fingerprint : trust->authorities) message.add_authorities(fingerprint);
    trust_sent_ = trust->version;
  }
  std::shared_ptr<void> Untaken() CROMT_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    ++untaken_;
    return {nullptr, [self = shared_from_this()](std::nullptr_t) { self->Taken(); }};
  }
  void ReadOn() CROMT_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    held_back_ = untaken_ >= kMostUntaken;
    if (!held_back_) StartRead(&incoming_);
  }
  void Taken() CROMT_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    --untaken_;
    if (std::exchange(held_back_, false)) StartRead(&incoming_);
  }

  std::unique_ptr<v1::AgentService::Stub> stub_;
  grpc::ClientContext context_;
  const AgentId agent_;
  const AgentDialing dialing_;
  const LinkId link_;
  const std::function<void(EngineInput)> post_;
  v1::FromAgent incoming_;
  std::string problem_;
  Mutex mutex_;
  std::vector<v1::ToAgent> outgoing_ CROMT_GUARDED_BY(mutex_);
  size_t next_ CROMT_GUARDED_BY(mutex_) = 0;
  uint64_t trust_sent_ CROMT_GUARDED_BY(mutex_) = 0;  // version of what the agent was told
  bool ended_ CROMT_GUARDED_BY(mutex_) = false;
  int untaken_ CROMT_GUARDED_BY(mutex_) = 0;
  bool held_back_ CROMT_GUARDED_BY(mutex_) = false;  // no read is under way
  std::shared_ptr<SessionCall> self_;
};

}  // namespace cromt::service
