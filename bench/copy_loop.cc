// The reference for artifacts: the plainest way to move a file from one process to another that knows what it got.
//
//   copy_loop FROM TO
//
// A child reads FROM into one loopback TCP connection; the parent digests what comes with OpenSSL's SHA-256 and writes
// it to TO, which is closed at the end, not synced. Prints one line of JSON: {"bytes": N, "seconds": N}.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "io/blob/sha256.h"

namespace {

constexpr size_t kBufferBytes = 512 << 10;

// A mistake of ours or of the machine: a benchmark has nothing to recover.
[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::exit(1);
}

void WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0) Die("write");
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

template <class F>
void ForEachPiece(int fd, F use) {
  std::string buffer(kBufferBytes, '\0');
  for (;;) {
    const ssize_t n = read(fd, buffer.data(), buffer.size());
    if (n < 0) Die("read");
    if (n == 0) return;
    use(std::string_view(buffer.data(), static_cast<size_t>(n)));
  }
}

void Send(const char* from, const sockaddr_in& to) {
  cromt::UniqueFd file(open(from, O_RDONLY | O_CLOEXEC));
  cromt::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!file || !socket) Die(from);
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) Die("connect");
  ForEachPiece(file.get(), [&](std::string_view piece) { WriteAll(socket.get(), piece); });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: copy_loop FROM TO\n");
    return 2;
  }
  cromt::UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  if (!listener || bind(listener.get(), plain, size) != 0 || listen(listener.get(), 1) != 0 ||
      getsockname(listener.get(), plain, &size) != 0)
    Die("listening");

  const auto begin = std::chrono::steady_clock::now();
  const pid_t child = fork();
  if (child < 0) Die("fork");
  if (child == 0) {
    Send(argv[1], address);
    return 0;
  }
  cromt::UniqueFd from(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  cromt::UniqueFd to(open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!from || !to) Die(argv[2]);
  cromt::Sha256 sha;
  size_t bytes = 0;
  ForEachPiece(from.get(), [&](std::string_view piece) {
    sha.Update(piece);
    WriteAll(to.get(), piece);
    bytes += piece.size();
  });
  if (sha.Finish().size() != 64) Die("digest");
  to = {};
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  if (waitpid(child, nullptr, 0) != child) Die("waitpid");
  std::printf("{\"bytes\": %zu, \"seconds\": %.6f}\n", bytes, took.count());
  return 0;
}
