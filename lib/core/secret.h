// Secrets: as a task names them, and as its agent gets them. Names stand in job files, plans, stores and journals.
// Values stand in none of these: they go with a lease, apart from its spec, and live in memory only. Pure.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace cromt {

// A secret that a job gets, as a variable or as a file; or by which the image of its container is fetched. One of the
// last three is set.
struct SecretUse {
  std::string name;
  std::string env;       // the variable
  std::string file;      // its name in the folder that CROMT_SECRETS tells
  std::string registry;  // HOST[:PORT]; the value is USER:PASSWORD there
  friend bool operator==(const SecretUse&, const SecretUse&) = default;
};

// By name; null = none have come, which for a task that names some is not the same as an empty list.
using SecretValues = std::shared_ptr<const std::vector<std::pair<std::string, std::string>>>;

inline constexpr size_t kMaxSecrets = 100;                // of a task
inline constexpr size_t kMaxSecretBytes = 64 << 10;       // of one value
inline constexpr size_t kMaxTaskSecretBytes = 128 << 10;  // of all values of a task

// The variable that tells a job where the files of its secrets are.
inline constexpr char kSecretsVariable[] = "CROMT_SECRETS";

// kInvalid says what is wrong with this one, or with all of them together.
Status CheckSecretUse(const SecretUse& use);
Status CheckSecretUses(const std::vector<SecretUse>& uses);

// kInvalid unless it has 1 to kMaxSecretBytes bytes. `name` is for the message, which holds nothing of the value.
Status CheckSecretValue(std::string_view name, std::string_view value);

// Null if there is none of that name.
const std::string* FindSecret(const SecretValues& values, std::string_view name);

// kInvalid with a sentence for people unless a job can be given all that it names: there is a value for each, a
// variable holds no NUL, and all together are not too much. `project` is for the message.
Status CheckDelivered(std::string_view project, const std::vector<SecretUse>& uses, const SecretValues& values);

}  // namespace cromt
