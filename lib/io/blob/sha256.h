// SHA-256 over bytes that come in pieces (OpenSSL). Not thread-safe; one object, one digest.
#pragma once

#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace cromt {

class Sha256 {
 public:
  Sha256();
  void Update(std::string_view bytes);
  // 64 lower-case hex digits. REQUIRES: called once, after the last Update.
  std::string Finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

// The digest of bytes that are all at hand.
std::string Sha256Hex(std::string_view bytes);

}  // namespace cromt
