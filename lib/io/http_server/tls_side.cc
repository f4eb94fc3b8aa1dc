#include "io/http_server/tls_side.h"

#include "io/config/read_file.h"

namespace cromt::http {
namespace {

constexpr size_t kMostPemBytes = 1 << 20;

}  // namespace

Result<std::unique_ptr<TlsSide>> TlsSide::Open(const std::string& identity) {
  std::unique_ptr<TlsSide> side(new TlsSide(identity));
  CROMT_TRY(side->ReadAgain());
  return side;
}

Status TlsSide::ReadAgain() {
  CROMT_ASSIGN(std::string pem, ReadFile(identity_, kMostPemBytes));
  if (pem == read_) return {};
  auto context = TlsContext::OfServer(pem);
  if (!context) return Fail(identity_, context.error());
  context_ = std::move(*context);
  read_ = std::move(pem);
  return {};
}

std::unique_ptr<Stream> TlsSide::Accept(int socket, Mono now, std::string& problem) {
  if (now - looked_at_ >= kReadAgain) {
    looked_at_ = now;
    if (Status again = ReadAgain(); !again) problem = again.error().message;
  }
  return context_->Accept(socket);
}

}  // namespace cromt::http
