#include "cli/run_origin.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "base/unique_fd.h"
#include "cli/run_config.h"
#include "io/config/read_file.h"

namespace cromt::cli {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxBytes = 64 << 20;  // a configuration of 16 MiB with every byte escaped

std::string PathIn(const std::string& dir) {
  return dir + "/started-with.json";
}

}  // namespace

Status WriteRunOrigin(const std::string& dir, const RunOrigin& origin) {
  Json json = {{"config", origin.config}, {"insecure", origin.insecure}, {"slots", origin.slots}};
  if (origin.secrets) json["secrets"] = true;
  if (origin.deadline) json["deadline_boottime_us"] = Micros(*origin.deadline);
  const std::string text = json.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
  const std::string path = PathIn(dir);
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return tl::unexpected<Error>(ErrnoError(path, errno));
  for (size_t done = 0; done < text.size();) {
    const ssize_t put = ::write(file.get(), text.data() + done, text.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return tl::unexpected<Error>(ErrnoError(path, put == 0 ? ENOSPC : errno));
    done += static_cast<size_t>(put);
  }
  return {};
}

Result<RunOrigin> ReadRunOrigin(const std::string& dir) {
  CROMT_ASSIGN(const std::string text, ReadFile(PathIn(dir), kMaxBytes));
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto has = [&](const char* key, Json::value_t type) { return json.contains(key) && json[key].type() == type; };
  if (!json.is_object() || !has("config", Json::value_t::string) || !has("insecure", Json::value_t::boolean) ||
      !has("slots", Json::value_t::number_unsigned) || json["slots"].get<uint64_t>() > kMaxSlots)
    return Fail(ErrorCode::kCorrupt, PathIn(dir) + " does not say what the run was started with");
  RunOrigin origin{json["config"].get<std::string>(),
                   json["insecure"].get<bool>(),
                   json["slots"].get<uint32_t>(),
                   {},
                   json.contains("secrets")};
  if (json.contains("deadline_boottime_us") && json["deadline_boottime_us"].is_number_integer())
    origin.deadline = MonoFromMicros(json["deadline_boottime_us"].get<int64_t>());
  return origin;
}

}  // namespace cromt::cli
