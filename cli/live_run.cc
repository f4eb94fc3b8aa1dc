#include "cli/live_run.h"

#include <algorithm>
#include <cctype>

namespace cromt::cli {
namespace {

using std::chrono::steady_clock;

// A run that is over sooner draws nothing.
constexpr auto kFirstDraw = milliseconds(200);
constexpr auto kTick = milliseconds(100);
// While much is printed the lines are drawn below it this often.
constexpr auto kWithText = milliseconds(30);
// Of a third of the rows at most: when a terminal becomes narrow it wraps what it shows and scrolls the uppermost out,
// which had better be text than our lines.
constexpr size_t kMostLines = 12;

// Whether the locale says that the terminal takes UTF-8.
bool SpeaksUtf8(const World& world) {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    std::string value = world.variable(name).value_or("");
    if (value.empty()) continue;
    std::transform(value.begin(), value.end(), value.begin(), [](unsigned char c) { return std::tolower(c); });
    return value.find("utf-8") != std::string::npos || value.find("utf8") != std::string::npos;
  }
  return false;
}

size_t MostLines(const TerminalSize& size) {
  return size.rows < 4 ? 0 : std::min(kMostLines, size.rows / 3 + 1);
}

}  // namespace

bool CanShowLive(const World& world) {
  const std::string term = world.variable("TERM").value_or("");
  return world.err_is_terminal && !term.empty() && term != "dumb";
}

LiveRun::LiveRun(const World& world, const Palette& palette)
    : world_(world),
      look_{palette, SpeaksUtf8(world)},
      out_(*this, world.out, world.out_is_terminal),
      err_(*this, world.err, true),
      region_(world.err),
      drawn_at_(steady_clock::now() + kFirstDraw - kTick) {
  ticker_ = std::thread([this] { Tick(); });
}

LiveRun::~LiveRun() {
  End();
}

void LiveRun::End() {
  {
    std::lock_guard lock(mutex_);
    ended_ = true;
    region_.Clear();
  }
  ended_changed_.notify_all();
  if (ticker_.joinable()) ticker_.join();
}

void LiveRun::Abandon() {
  std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return;  // whoever draws may wait for a terminal that was stopped
  ended_ = true;
  region_.Clear();
}

void LiveRun::Learn(const RunUpdate& update) {
  std::lock_guard lock(mutex_);
  board_.Learn(update);
}

void LiveRun::Heard(const LogPiece& piece) {
  std::lock_guard lock(mutex_);
  board_.Heard(piece);
}

void LiveRun::Print(Writer& to, std::string_view text, bool to_terminal) {
  std::lock_guard lock(mutex_);
  if (!to_terminal) return to.Write(text);
  region_.Print(to, text);
  if (!lines_.empty() && steady_clock::now() - drawn_at_ >= kWithText) Draw();
}

void LiveRun::Tick() {
  std::unique_lock lock(mutex_);
  while (!ended_) {
    const auto next = drawn_at_ + kTick;
    if (steady_clock::now() >= next)
      Draw();
    else
      ended_changed_.wait_until(lock, next, [this] { return ended_; });
  }
}

void LiveRun::Draw() {
  drawn_at_ = steady_clock::now();
  if (ended_) return;
  const TerminalSize size = world_.terminal_size();
  std::vector<std::string> lines = board_.Lines(world_.clock.Read().wall, size, MostLines(size), look_);
  if (region_.drawn() && lines == lines_ && size == size_) return;
  region_.Draw(lines);
  lines_ = std::move(lines);
  size_ = size;
}

}  // namespace cromt::cli
