#include "io/git/helper/tls.h"

#include <fmt/format.h>
#include <git2.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "base/unique_fd.h"

namespace cromt::git {

namespace {

constexpr const char* kSystemFile = "/etc/ssl/certs/ca-certificates.crt";

std::string SystemFile() {
  const char* named = std::getenv("SSL_CERT_FILE");
  return named != nullptr && *named != '\0' ? named : kSystemFile;
}

Result<std::string> ReadAll(const std::string& file) {
  std::ifstream in(file);
  if (!in) return tl::unexpected<Error>(ErrnoError(file, errno));
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// Replaces what was trusted before.
Status TrustOnly(const std::string& file, const std::string& name) {
  if (git_libgit2_opts(GIT_OPT_SET_SSL_CERT_LOCATIONS, file.c_str(), nullptr) == 0) return {};
  const git_error* last = git_error_last();
  return Fail(ErrorCode::kInvalid, fmt::format("{}: it holds no certificate that can be read ({})", name,
                                               last != nullptr ? last->message : "no reason given"));
}

// The library takes one file: both are put together in one that has no name.
Status TrustBoth(const std::string& texts) {
  UniqueFd file(memfd_create("certificates", MFD_CLOEXEC));
  if (!file) return tl::unexpected<Error>(ErrnoError("certificates: making a file in memory", errno));
  for (std::string_view rest = texts; !rest.empty();) {
    const ssize_t written = write(file.get(), rest.data(), rest.size());
    if (written < 0) return tl::unexpected<Error>(ErrnoError("certificates: writing to memory", errno));
    rest.remove_prefix(static_cast<size_t>(written));
  }
  return TrustOnly(fmt::format("/proc/self/fd/{}", file.get()), "certificates");
}

}  // namespace

Status TrustCertificates(const std::string& ca_file) {
  const std::string system = SystemFile();
  if (ca_file.empty() && system == kSystemFile) return {};  // the library's own default
  if (ca_file.empty()) return TrustOnly(system, "SSL_CERT_FILE " + system);
  CROMT_ASSIGN(std::string own, ReadAll(ca_file));
  CROMT_TRY(TrustOnly(ca_file, ca_file));  // judged alone: beside the system's, rubbish would pass
  auto others = ReadAll(system);
  return others ? TrustBoth(*others + "\n" + own) : Status();
}

}  // namespace cromt::git
