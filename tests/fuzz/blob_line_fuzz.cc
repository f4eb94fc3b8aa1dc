// What comes in on the blob line, in plaintext, from its first byte on. Whatever it is, the holder says its hello at
// most, then one answer: the bytes of a blob from the offset that was asked for, or a refusal that can be shown, and
// nothing after it. So says also who fetches of whatever a holder answers.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/unique_fd.h"
#include "cromt/v1/agent.pb.h"
#include "io/transfer/blob_line_server.h"
#include "io/wire/task.h"
#include "tests/fuzz/fuzz.h"

namespace cromt::fuzz {
namespace {

constexpr std::string_view kBlob = "the bytes of a blob";

// As an agent does, without a ticket.
Result<BlobLineServer::Blob> Open(const BlobLineServer::Caller&, const v1::GetBlobRequest& request) {
  CROMT_TRY(wire::FromProto(request.digest()));
  if (request.offset() < 0 || request.offset() > static_cast<int64_t>(kBlob.size()))
    return Fail(ErrorCode::kInvalid, "offset is beyond the end");
  static const UniqueFd file = [] {
    std::string path = "/tmp/blob-line-fuzz-XXXXXX";
    UniqueFd made(::mkstemp(path.data()));
    ::unlink(path.c_str());
    Require(::write(made.get(), kBlob.data(), kBlob.size()) == static_cast<ssize_t>(kBlob.size()), "a blob is made");
    return made;
  }();
  return BlobLineServer::Blob{UniqueFd(::fcntl(file.get(), F_DUPFD_CLOEXEC, 0)), request.offset(),
                              static_cast<int64_t>(kBlob.size()), nullptr};
}

std::string AnswerTo(std::string_view said) {
  BlobLineServer server(Open, {});  // whose thread is over with it: what one still holds would be taken for a leak
  int ends[2];
  Require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "there are sockets");
  const UniqueFd ours(ends[0]);
  ::fcntl(ends[1], F_SETFL, O_NONBLOCK);
  server.Take(UniqueFd(ends[1]));
  (void)!::send(ours.get(), said.data(), said.size(), MSG_NOSIGNAL);  // it may have been left before its end
  ::shutdown(ours.get(), SHUT_WR);
  std::string answer;
  char some[4096];
  for (;;) {
    const ssize_t count = ::recv(ours.get(), some, sizeof some, 0);
    if (count < 0 && errno == EINTR) continue;  // the fuzzer's own clock
    if (count <= 0) return answer;
    answer.append(some, static_cast<size_t>(count));
  }
}

void CheckHolder(std::string_view said) {
  const std::string whole = AnswerTo(said);
  std::string_view answer = whole;
  Require(answer.empty() == !said.starts_with(kBlobLineHello), "a hello is for a hello", said);
  if (answer.empty()) return;
  Require(answer.starts_with(kBlobLineHello), "and what it is", said);
  answer.remove_prefix(kBlobLineHello.size());
  if (answer.empty()) return;  // there was no whole request
  Require(answer.size() >= 4, "an answer has its size", said);
  size_t size = 0;
  for (int i = 0; i < 4; ++i) size = size << 8 | static_cast<unsigned char>(answer[i]);
  answer.remove_prefix(4);
  v1::GetBlobAnswer read;
  Require(answer.size() >= size && read.ParseFromArray(answer.data(), static_cast<int>(size)), "and is one", said);
  answer.remove_prefix(size);
  const Status given = FromAnswer(read);
  if (!given) RequireRefusal(given.error());
  Require(given ? kBlob.ends_with(answer) : answer.empty(), "then come the blob's bytes or none", said);
}

void CheckFetcher(std::string_view said) {
  int ends[2];
  Require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0, "there are sockets");
  const UniqueFd theirs(ends[0]);
  BlobLineEnd end{UniqueFd(ends[1])};
  (void)!::send(theirs.get(), said.data(), said.size(), MSG_NOSIGNAL);
  ::shutdown(theirs.get(), SHUT_WR);
  v1::GetBlobAnswer answer;
  const Status read = end.ReadMessage(answer, SystemClock().Read().mono + seconds(10));
  if (!read) Require(!read.error().message.empty(), "why it is none is said", said);
  if (read) Require(answer.ByteSizeLong() <= kMostLineMessageBytes, "it is no longer than it may be", said);
}

}  // namespace
}  // namespace cromt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cromt::fuzz;
  static const bool once = ::signal(SIGPIPE, SIG_IGN) != SIG_ERR;
  (void)once;
  const std::string_view text = Text(data, size);
  CheckHolder(text);
  if (text.starts_with(cromt::kBlobLineHello)) CheckFetcher(text.substr(cromt::kBlobLineHello.size()));
  return 0;
}
