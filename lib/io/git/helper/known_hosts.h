// The keys by which ssh servers are known, as OpenSSH's known_hosts files say them (sshd(8)): plain, hashed and
// wildcard names, [HOST]:PORT, @revoked. Lines of certificate authorities (@cert-authority) are passed over: libssh2
// knows no certificates. Immutable once filled; the library reads none of these files itself.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cromt::git {

// As it travels: u32 length | type | the key itself.
struct HostKey {
  std::string bytes;

  std::string Type() const;         // "ssh-ed25519"; empty if the bytes are none
  std::string Fingerprint() const;  // "SHA256:…", as ssh-keygen -l says it
};

class KnownHosts {
 public:
  enum class Trust {
    kKnown,
    kUnknown,  // no line is about this host and this type of key, or about this host at all
    kChanged,  // a line of this host has another key of this type
    kRevoked,
  };
  struct Verdict {
    Trust trust = Trust::kUnknown;
    std::string place;  // FILE:LINE that decided, if one did
  };

  // Missing files hold nothing; one that can't be read is an error.
  static Result<KnownHosts> Load(const std::vector<std::string>& files);

  // Adds the lines of `text`; `name` is what places call it. Lines that make no sense are passed over, as ssh does.
  void Add(std::string_view text, const std::string& name);

  // `host` is without brackets.
  Verdict Check(std::string_view host, uint16_t port, const HostKey& key) const;

  // The types of key that the host is known by, the ones to be preferred first.
  std::vector<std::string> TypesOf(std::string_view host, uint16_t port) const;

  // The line that makes `key` known.
  static std::string Line(std::string_view host, uint16_t port, const HostKey& key);
  // A line for TypesOf()[i], whatever its key.
  std::string LineOf(std::string_view host, uint16_t port, std::string_view type) const;

 private:
  struct Entry {
    bool revoked = false;
    std::string names;  // patterns with commas between, or "|1|SALT|HASH"
    HostKey key;
    std::string place;
  };
  std::vector<Entry> entries_;
};

}  // namespace cromt::git
