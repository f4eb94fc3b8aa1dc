#include "io/git/helper/failure.h"

#include <fmt/format.h>
#include <git2.h>

#include <string>

#include "base/name.h"

namespace cromt::git {

namespace {

constexpr size_t kMaxWordsBytes = 300;

// They may be a server's own: one line without control characters, and not a page.
std::string LastWords() {
  const git_error* last = git_error_last();
  std::string words = last != nullptr && last->message != nullptr ? last->message : "";
  if (words.size() > kMaxWordsBytes) words.resize(kMaxWordsBytes);
  if (!IsUtf8(words)) words = Quote(words);
  for (char& c : words)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  words.resize(words.find_last_not_of(' ') + 1);
  return words.empty() ? "no reason given" : words;
}

int LastClass() {
  const git_error* last = git_error_last();
  return last != nullptr ? last->klass : 0;
}

// libgit2 tells an HTTP status only in its text.
bool Says(const std::string& words, std::string_view part) {
  return words.find(part) != std::string::npos;
}

}  // namespace

Error RemoteFailure(std::string_view shown, int code) {
  const std::string words = LastWords();
  auto error = [&](ErrorCode what, std::string_view text) {
    return Error{what, fmt::format("{}: {} ({})", shown, text, words)};
  };
  if (code == GIT_ECERTIFICATE)
    return error(ErrorCode::kDenied, "its certificate is not trusted; git.ca_file may name who signed it");
  if (code == GIT_EAUTH || Says(words, "status code: 401") || Says(words, "status code: 403") ||
      Says(words, "authentication required")) {
    return error(ErrorCode::kDenied, "it asks for a user and password, or refuses those given");
  }
  if (code == GIT_ENOTFOUND || Says(words, "status code: 404") || Says(words, "not exported") ||
      Says(words, "does not appear to be a git repository") || Says(words, "failed to resolve path")) {
    return error(ErrorCode::kNotFound, "there is no such repository, or it is not for everyone");
  }
  if (Says(words, "redirect")) return error(ErrorCode::kDenied, "it redirects elsewhere, which is not followed");
  if (Says(words, "File too large") || Says(words, "exceeds") || LastClass() == GIT_ERROR_NOMEMORY)
    return error(ErrorCode::kExhausted, "it is over a limit");
  return error(ErrorCode::kUnavailable, "it can't be fetched from");
}

Error MirrorFailure(std::string_view what) {
  return Error{ErrorCode::kCorrupt, fmt::format("{}: {}", what, LastWords())};
}

bool IsAboutStorage() {
  switch (LastClass()) {
    case GIT_ERROR_ODB:
    case GIT_ERROR_OBJECT:
    case GIT_ERROR_TREE:
    case GIT_ERROR_TAG:
    case GIT_ERROR_REFERENCE:
    case GIT_ERROR_REPOSITORY:
    case GIT_ERROR_CONFIG:
    case GIT_ERROR_ZLIB:
    case GIT_ERROR_INDEXER: return true;
    default: return false;
  }
}

}  // namespace cromt::git
