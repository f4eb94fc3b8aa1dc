#include "agent/service/renewal.h"

#include <algorithm>
#include <chrono>

#include "io/config/read_file.h"
#include "io/pki/certificate.h"
#include "io/rpc/tls.h"

namespace cromt {
namespace {

constexpr std::chrono::hours kLookAgain{1};
// When it did not come off: the certificate may have expired and be readmitted, and nothing goes on before.
constexpr std::chrono::minutes kTryAgain{1};

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

void Renewal::Heard(std::vector<std::string> authorities) {
  {
    MutexLock lock(mutex_);
    if (heard_ == authorities) return;
    heard_ = std::move(authorities);
    news_ = true;
  }
  changed_.notify_all();
}

void Renewal::Run() {
  for (;;) {
    const Status renewed = Renew();
    if (!renewed) warn_("the certificate of this agent can't be renewed: " + renewed.error().message);
    if (StopComesWithin(renewed ? std::chrono::minutes(kLookAgain) : kTryAgain, /*or_news=*/true)) return;
  }
}

// True if it does; sooner if news do that count.
bool Renewal::StopComesWithin(Duration pause, bool or_news) {
  std::unique_lock<Mutex> lock(mutex_);
  bool stopping = false;
  changed_.wait_for(lock, pause, [&]() CROMT_THREAD_ANNOTATION(no_thread_safety_analysis) {
    stopping = stopping_;
    return stopping || (or_news && std::exchange(news_, false));
  });
  return stopping;
}

// If there is reason to.
Status Renewal::Renew() {
  CROMT_ASSIGN(const std::string identity, ReadFile(files_.identity(), pki::kMostPemBytes));
  CROMT_ASSIGN(const pki::Certificate certificate, pki::ReadCertificate(identity));
  CROMT_ASSIGN(const bool follows, FollowsAuthorities(identity));
  const Wall now = SystemClock().Read().wall;
  if (follows && !pki::IsDue(certificate, now)) return {};
  const bool expired = certificate.not_after <= now;
  const auto renewed = expired ? RenewExpired(member_, files_) : cromt::Renew(member_, *tls_);
  if (renewed) return Take(*renewed, expired);
  return Fail("it is good until " + FormatRfc3339(certificate.not_after), renewed.error());
}

// Whether we believe and have what the coordinator last said.
Result<bool> Renewal::FollowsAuthorities(const std::string& identity) {
  std::vector<std::string> heard;
  {
    MutexLock lock(mutex_);
    heard = heard_;
  }
  if (heard.empty()) return true;
  CROMT_ASSIGN(const std::string pem, ReadFile(files_.authorities(), pki::kMostPemBytes));
  CROMT_ASSIGN(const auto believed, pki::ReadAuthorities(pem));
  const auto same = [](const pki::AuthorityCertificate& one, const std::string& other) {
    return one.fingerprint == other;
  };
  return std::equal(believed.begin(), believed.end(), heard.begin(), heard.end(), same) &&
         pki::IsIssuedBy(identity, believed.front().pem);
}

// First whom to believe. What a new authority has signed is shown only when the others have had the time to believe it,
// unless there is nothing else left to show.
Status Renewal::Take(const Renewed& renewed, bool at_once) {
  CROMT_ASSIGN(const std::string before, ReadFile(files_.authorities(), pki::kMostPemBytes));
  if (renewed.authorities != before) {
    CROMT_TRY(files_.WriteAuthorities(renewed.authorities));
    if (!at_once && StopComesWithin(2 * rpc::kReadAgain, /*or_news=*/false)) return {};
  }
  return files_.WriteIdentity(renewed.identity);
}

}  // namespace cromt
