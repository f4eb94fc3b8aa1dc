// Outputs that keep what a program prints.
#pragma once

#include <string>

#include "agent/step/output.h"

namespace cromt::step {

// Keeps both streams and passes nothing on: what a hook prints is for its runner.
class CaptureOutput final : public Output {
 public:
  void Bytes(seglog::Stream stream, std::string_view data) override;
  void Put(const Mark&) override {}
  void Note(std::string_view) override {}

  std::string out, err;
};

// Passes all on and keeps stdout, up to `limit` bytes, for a check.
class TeeOutput final : public Output {
 public:
  TeeOutput(Output& next, size_t limit) : next_(next), limit_(limit) {}
  void Bytes(seglog::Stream stream, std::string_view data) override;
  void Put(const Mark& mark) override { next_.Put(mark); }
  void Note(std::string_view text) override { next_.Note(text); }

  const std::string& out() const { return out_; }
  bool overflown() const { return overflown_; }  // some of it was not kept

 private:
  Output& next_;
  const size_t limit_;
  std::string out_;
  bool overflown_ = false;
};

}  // namespace cromt::step
