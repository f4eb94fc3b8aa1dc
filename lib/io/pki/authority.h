// A mesh's certificate authority: who has its key says who is who.
#pragma once

#include <string>
#include <string_view>

#include "io/pki/certificate.h"

namespace cromt::pki {

// How long what it signs is good for; it is renewed when two thirds of that are over.
inline constexpr Duration kLifetime = std::chrono::hours(24 * 30);
inline constexpr Duration kAuthorityLifetime = std::chrono::hours(24 * 3650);
// Certificates begin so long before they are made: clocks of hosts differ.
inline constexpr Duration kClockSkew = std::chrono::minutes(5);

// Immutable; any thread.
class Authority {
 public:
  // A new one with a key of its own. Its certificate names the mesh, may sign no further authorities, and only such
  // names as are the mesh's (name constraints are left out: few implementations know them for URIs).
  static Result<Authority> Make(const MeshId& mesh, Wall now);
  // kInvalid if the two do not belong together.
  static Result<Authority> Load(std::string certificate, std::string key);

  // A certificate for the key that `request` proves to have, with a random serial. What else the request asks for is
  // refused: alternative names, being an authority, a key that is too weak. kInvalid says what.
  Result<std::string> Sign(std::string_view request, const Identity& identity, Wall now,
                           Duration lifetime = kLifetime) const;

  const std::string& certificate() const { return certificate_; }
  const std::string& key() const { return key_; }

 private:
  Authority(std::string certificate, std::string key) : certificate_(std::move(certificate)), key_(std::move(key)) {}
  std::string certificate_;
  std::string key_;
};

}  // namespace cromt::pki
