#include "agent/service/diagnose_call.h"

#include <atomic>

#include "agent/diagnosis.h"

namespace cromt::service {
namespace {

constexpr size_t kChunkBytes = 256 << 10;
constexpr int kAtOnce = 4;  // each holds the whole text

class DiagnoseReactor final : public grpc::ServerWriteReactor<v1::DiagnoseChunk> {
 public:
  explicit DiagnoseReactor(Agent& agent) {
    if (++open_ > kAtOnce) {
      Finish({grpc::StatusCode::RESOURCE_EXHAUSTED, "the agent is being asked how it stands already"});
      return;
    }
    agent.Diagnose([question = std::make_shared<Question>(*this)](Diagnosis diagnosis) {
      question->Answer(std::move(diagnosis));
    });
  }

  // The first message is empty: when it has left, we are on one of gRPC's threads, where there is time for the text.
  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::CANCELLED);
    if (diagnosis_) {
      text_ = std::move(*diagnosis_).Text();
      diagnosis_.reset();
    }
    if (at_ == text_.size()) return Finish(grpc::Status::OK);
    chunk_.set_data(text_.substr(at_, kChunkBytes));
    at_ += chunk_.data().size();
    StartWrite(&chunk_);
  }
  void OnDone() override {
    --open_;
    delete this;
  }

 private:
  // What the supervisor holds. Where it lets go without an answer, it has stopped working.
  class Question {
   public:
    explicit Question(DiagnoseReactor& reactor) : reactor_(&reactor) {}
    ~Question() {
      if (reactor_) reactor_->Finish({grpc::StatusCode::UNAVAILABLE, "the agent has stopped working"});
    }
    Question(const Question&) = delete;
    Question& operator=(const Question&) = delete;
    void Answer(Diagnosis diagnosis) {
      reactor_->diagnosis_ = std::move(diagnosis);
      DiagnoseReactor* const reactor = std::exchange(reactor_, nullptr);
      reactor->StartWrite(&reactor->chunk_);
    }

   private:
    DiagnoseReactor* reactor_;
  };

  static inline std::atomic<int> open_ = 0;
  std::optional<Diagnosis> diagnosis_;
  std::string text_;
  size_t at_ = 0;
  v1::DiagnoseChunk chunk_;
};

}  // namespace

grpc::ServerWriteReactor<v1::DiagnoseChunk>* Diagnose(Agent& agent) {
  return new DiagnoseReactor(agent);
}

}  // namespace cromt::service
