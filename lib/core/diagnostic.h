// What is wrong, or worth saying, about a file, with the place: `jobs.yaml:3:5: error: unknown key 'host'`.
// All problems of a file are gathered and shown at once; a hostile file can't make the list long.
// Plain values; not thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cromt {

enum class Severity { kError, kWarning, kNote };

// Counted from 1, columns in bytes; 0:0 = the file as a whole, column 0 = the line.
struct Position {
  uint32_t line = 0;
  uint32_t col = 0;
  friend bool operator==(const Position&, const Position&) = default;
  friend auto operator<=>(const Position&, const Position&) = default;
};

struct Diagnostic {
  Severity severity = Severity::kError;
  std::string file;
  Position at;
  std::string message;  // a sentence without trailing newline
  friend bool operator==(const Diagnostic&, const Diagnostic&) = default;
};

// "jobs.yaml:3:5: error: …", without the position where there is none.
std::string ToString(const Diagnostic& diagnostic);

// The errors among `diagnostics`, one a line.
std::string ErrorText(std::span<const Diagnostic> diagnostics);

// Collects the diagnostics of one file. Keeps the first kMaxShown of each severity and counts the rest.
class Diagnostics {
 public:
  static constexpr size_t kMaxShown = 100;

  explicit Diagnostics(std::string file) : file_(std::move(file)) {}
  void Error(Position at, std::string message) { Add(Severity::kError, at, std::move(message)); }
  void Warning(Position at, std::string message) { Add(Severity::kWarning, at, std::move(message)); }
  void Note(Position at, std::string message) { Add(Severity::kNote, at, std::move(message)); }

  const std::string& file() const { return file_; }
  bool ok() const { return counts_[0] == 0; }
  size_t errors() const { return counts_[0]; }
  // True once further errors are only counted: costly searches for a good message may be left out.
  bool full() const { return counts_[0] >= kMaxShown; }

  // Everything collected, by position; then one line for what was only counted. Empties the collection.
  std::vector<Diagnostic> Take();

 private:
  void Add(Severity severity, Position at, std::string message);

  std::string file_;
  std::vector<Diagnostic> all_;
  size_t counts_[3] = {0, 0, 0};
};

// The candidate that `word` was probably meant to be (edit distance at most a third of it), or empty.
std::string_view Nearest(std::string_view word, std::span<const std::string_view> candidates);

// "; did you mean 'hosts'?", or empty if nothing is near.
std::string DidYouMean(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace cromt
