#include "agent/service/renewal.h"

#include <chrono>

#include "agent/service/membership_client.h"
#include "io/config/read_file.h"
#include "io/pki/certificate.h"
#include "io/rpc/tls.h"

namespace cromt {
namespace {

constexpr std::chrono::hours kLookAgain{1};
constexpr std::chrono::minutes kExpiredLookAgain{1};  // it may be readmitted, and nothing goes on before

}  // namespace

Renewal::Renewal(Member member, MemberFiles files, std::shared_ptr<rpc::Tls> tls,
                 std::function<void(const std::string&)> warn)
    : member_(std::move(member)),
      files_(std::move(files)),
      tls_(std::move(tls)),
      warn_(std::move(warn)),
      thread_([this] { Run(); }) {}

Renewal::~Renewal() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Renewal::Run() {
  for (;;) {
    const bool good = RenewIfDue();
    std::unique_lock<Mutex> lock(mutex_);
    const auto stopping = [this]() CROMT_THREAD_ANNOTATION(no_thread_safety_analysis) { return stopping_; };
    const auto pause = good ? std::chrono::minutes(kLookAgain) : kExpiredLookAgain;
    if (changed_.wait_for(lock, pause, stopping)) return;
  }
}

// False while the certificate can't be used.
bool Renewal::RenewIfDue() {
  const auto identity = ReadFile(files_.identity(), pki::kMostPemBytes);
  const auto certificate = identity ? pki::ReadCertificate(*identity) : tl::unexpected(identity.error());
  if (!certificate) {
    warn_("the certificate of this agent can't be read: " + certificate.error().message);
    return true;
  }
  const Wall now = SystemClock().Read().wall;
  const bool expired = certificate->not_after <= now;
  if (!pki::IsDue(*certificate, now)) return true;
  const Status renewed = expired ? RenewExpired(member_, files_) : Renew(member_, files_, *tls_);
  if (renewed) return true;
  warn_("the certificate of this agent, which is good until " + FormatRfc3339(certificate->not_after) +
        ", can't be renewed: " + renewed.error().message);
  return !expired;
}

}  // namespace cromt
