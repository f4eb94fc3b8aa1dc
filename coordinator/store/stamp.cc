#include "coordinator/store/stamp.h"

#include <fmt/format.h>

#include <charconv>

#include "coordinator/store/row_sum.h"

namespace cromt {
namespace {

// The value of NAME=VALUE; empty if there is none.
std::string_view Field(std::string_view text, std::string_view name) {
  const std::string key = fmt::format(" {}=", name);
  const size_t at = text.find(key);
  if (at == text.npos) return {};
  text.remove_prefix(at + key.size());
  return text.substr(0, text.find(' '));
}

template <class T>
T Number(std::string_view text, int base) {
  T value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

uint32_t Crc(std::string_view text) {
  return RowSum(RowKind::kText).Add(text).Finish();
}

}  // namespace

std::string StoreStamp::Text() const {
  std::string text = fmt::format(
      "cromt-store schema={} mesh={} epoch={} commit={} went_back={} runs={:016x} files={:016x} "
      "agents={:016x}",
      schema, mesh.text(), epoch, commit, went_back ? 1 : 0, totals.runs, totals.files, totals.agents);
  return fmt::format("{} crc={:08x}", text, Crc(text));
}

Result<StoreStamp> StoreStamp::From(std::string_view text) {
  StoreStamp stamp;
  stamp.schema = Number<int>(Field(text, "schema"), 10);
  stamp.mesh = MeshId(std::string(Field(text, "mesh")));
  stamp.epoch = Number<uint64_t>(Field(text, "epoch"), 10);
  stamp.commit = Number<uint64_t>(Field(text, "commit"), 10);
  stamp.went_back = Field(text, "went_back") == "1";
  stamp.totals = {Number<uint64_t>(Field(text, "runs"), 16), Number<uint64_t>(Field(text, "files"), 16),
                  Number<uint64_t>(Field(text, "agents"), 16)};
  if (stamp.Text() != text) return Fail(ErrorCode::kCorrupt, "the store's own stamp is not what was written");
  return stamp;
}

}  // namespace cromt
