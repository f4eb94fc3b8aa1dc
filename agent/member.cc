#include "agent/member.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

#include "base/name.h"
#include "core/agent_address.h"
#include "io/config/read_file.h"
#include "io/config/settings.h"
#include "io/pki/certificate.h"
#include "io/process/data_dir.h"

namespace cromt {
namespace {

constexpr auto kKeys = std::to_array<SettingSpec>({
    {"mesh", SettingKind::kText},
    {"name", SettingKind::kText},
    {"coordinator", SettingKind::kText},
});

}  // namespace

Result<std::optional<Member>> MemberFiles::Read() const {
  if (!std::filesystem::exists(folder_)) return std::optional<Member>();
  const std::string path = folder_ + "/member.yaml";
  CROMT_ASSIGN(const Settings settings, LoadSettings(path, kKeys, true));
  Member member{MeshId(settings.Text("mesh").value_or("")), settings.Text("name").value_or(""),
                settings.Text("coordinator").value_or("")};
  if (Status good = CheckName("mesh", member.mesh.text()); !good) return Fail(path, good.error());
  if (Status good = CheckName("name", member.name); !good) return Fail(path, good.error());
  if (auto good = ParseAgentAddress(member.coordinator); !good) return Fail(path + ": coordinator", good.error());
  return std::optional(std::move(member));
}

Status MemberFiles::Write(const Member& member, const std::string& identity, const std::string& authorities) const {
  if (std::filesystem::exists(folder_)) return Fail(ErrorCode::kConflict, folder_ + " is there already");
  const std::string draft = folder_ + ".new";  // only the renaming makes it something
  std::error_code ignored;
  std::filesystem::remove_all(draft, ignored);
  CROMT_TRY(MakeDirs(draft));
  CROMT_TRY(WriteFileDurably(draft + "/identity.pem", identity));
  CROMT_TRY(WriteFileDurably(draft + "/authorities.pem", authorities));
  CROMT_TRY(WriteFileDurably(draft + "/member.yaml", fmt::format("mesh: {}\nname: {}\ncoordinator: '{}'\n",
                                                                 member.mesh.text(), member.name, member.coordinator)));
  if (::rename(draft.c_str(), folder_.c_str()) != 0)
    return tl::unexpected<Error>(ErrnoError("can't make " + folder_, errno));
  ::unlink(joining_.c_str());
  return {};
}

Result<std::string> MemberFiles::KeyToJoinBy() const {
  const auto kept = ReadFile(joining_, pki::kMostPemBytes);
  if (kept) return pki::KeyOf(*kept);
  if (kept.error().code != ErrorCode::kNotFound) return kept;
  CROMT_ASSIGN(const std::string key, pki::NewKey());
  CROMT_TRY(WriteFileDurably(joining_, key));
  return key;
}

Status MemberFiles::WriteIdentity(const std::string& identity) const {
  return WriteFileDurably(MemberFiles::identity(), identity);
}

Status MemberFiles::WriteAuthorities(const std::string& authorities) const {
  return WriteFileDurably(MemberFiles::authorities(), authorities);
}

}  // namespace cromt
