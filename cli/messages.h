// What `cromt` says on standard error: each line begins with "cromt: ", whole lines at once. Thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/thread_annotations.h"
#include "cli/palette.h"
#include "cli/writer.h"

namespace cromt::cli {

class Messages {
 public:
  // `talkative`: also says what is no error. `writer` outlives this; nobody else writes to it.
  Messages(Writer& writer, bool talkative, Palette palette)
      : writer_(writer), talkative_(talkative), palette_(palette) {}

  // Progress and other news. `text` is clean, maybe of several lines.
  void Say(std::string_view text) CROMT_EXCLUDES(mutex_);
  // `text` as it comes from a file, a coordinator or a system: lines "file:line:col: …" stay as they are, with all
  // others cleaned and prefixed. Always shown.
  void Complain(std::string_view text) CROMT_EXCLUDES(mutex_);
  // The same for what is worth knowing but no error.
  void Warn(std::string_view text) CROMT_EXCLUDES(mutex_);
  // Bytes as they are: a job's output, where standard output is taken.
  void Pass(std::string_view text) CROMT_EXCLUDES(mutex_);

  const Palette& palette() const { return palette_; }

 private:
  Mutex mutex_;
  Writer& writer_ CROMT_GUARDED_BY(mutex_);
  const bool talkative_;
  const Palette palette_;
};

}  // namespace cromt::cli
