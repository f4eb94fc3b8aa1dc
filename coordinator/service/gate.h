// Asks each call of the coordinator's services who makes it, and whether he may (access/call_rules.h). Any thread.
// Included by this folder's .cc files only.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "base/thread_annotations.h"
#include "coordinator/access/access.h"
#include "coordinator/access/call_rules.h"
#include "coordinator/access/failures.h"
#include "io/rpc/tls.h"

namespace cromt {

class Gate {
 public:
  // `access` and `tls` are null in local mode; they outlive the gate.
  Gate(Access* access, const rpc::Tls* tls) : access_(access), tls_(tls) {}

  // Somebody who may make this call, as far as that can be said before it is known which project it concerns.
  Result<Principal> Enter(const grpc::ServerContextBase& context, std::string_view method) CROMT_EXCLUDES(mutex_);
  // Whether he may, once it is known which project it concerns; what takes more than looking is written down.
  Status Into(const grpc::ServerContextBase& context, std::string_view method, const Principal& principal,
              const std::string& project, const std::string& subject) CROMT_EXCLUDES(mutex_);
  // Of a call for which the above has not: what is done, to what. Nothing is done that can't be written down.
  Status Record(const Principal& principal, std::string_view method, const std::string& subject);
  // False once whoever makes a long call may not any more: his token was taken back, his role changed.
  bool MayStay(const grpc::ServerContextBase& context, std::string_view method, const std::string& project) const;
  // What the caller has shown. kDenied for a certificate that is not good here.
  Result<Credential> Shown(const grpc::ServerContextBase& context) const;
  // Refuses a call: writes it down and makes the error that the caller gets. `guess`: since its token was wrong.
  tl::unexpected<Error> Refuse(const grpc::ServerContextBase& context, std::string_view method, const std::string& who,
                               Error why, bool guess = false) CROMT_EXCLUDES(mutex_);
  // kExhausted if too many wrong tokens came from there lately, and this one was never good there.
  Status MayTry(const grpc::ServerContextBase& context, const std::string& token) const CROMT_EXCLUDES(mutex_);

 private:
  Access* const access_;
  const rpc::Tls* const tls_;
  const SystemClock clock_;
  mutable Mutex mutex_;
  Failures failures_ CROMT_GUARDED_BY(mutex_);
};

}  // namespace cromt
