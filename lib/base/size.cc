#include "base/size.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

namespace cromt {
namespace {

constexpr int64_t kMaxBytes = int64_t{1} << 50;
constexpr std::pair<std::string_view, int64_t> kUnits[] = {{"", 1},
                                                           {"B", 1},
                                                           {"KiB", 1LL << 10},
                                                           {"MiB", 1LL << 20},
                                                           {"GiB", 1LL << 30},
                                                           {"TiB", 1LL << 40},
                                                           {"KB", 1'000},
                                                           {"MB", 1'000'000},
                                                           {"GB", 1'000'000'000},
                                                           {"TB", 1'000'000'000'000}};

}  // namespace

Result<int64_t> ParseSize(std::string_view text) {
  auto refuse = [&] {
    return Fail(ErrorCode::kInvalid,
                "'" + std::string(text.substr(0, 40)) + "' is not a size such as 512, 256MiB or 20GB");
  };
  size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  int64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + digits, number);
  if (digits == 0 || error != std::errc()) return refuse();
  for (const auto& [unit, bytes] : kUnits)
    if (text.substr(digits) == unit) {
      if (number > kMaxBytes / bytes) return refuse();
      return number * bytes;
    }
  return refuse();
}

std::string FormatSize(int64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double size = static_cast<double>(bytes);
  const char* unit = "";
  for (const char* next : {"KiB", "MiB", "GiB", "TiB"}) {
    if (size < 1024) break;
    size /= 1024;
    unit = next;
  }
  return fmt::format("{:.1f} {}", size, unit);
}

}  // namespace cromt
