// Checks the values of keys that have no reader of their own, and reads the plain ones. Keys whose behaviour is not
// built yet are checked too, so that a file that loads today loads then.
#pragma once

#include "base/time.h"
#include "core/job_file.h"
#include "io/config/job_keys.h"
#include "io/yaml/yaml_tree.h"

namespace cromt {

// Adds an error, at its place, for what `key` can't be, and returns false. REQUIRES: key.shape is not kOwn.
bool CheckShape(const JobKey& key, YamlNode value, Diagnostics& diagnostics);

// False where the value says what holds anyway: nothing, an empty list or map, `trigger: false`, `branch: HEAD`.
bool HasEffect(const JobKey& key, YamlNode value);

// The value of a text that CheckShape has accepted for this shape.
uint32_t CountOf(std::string_view text);      // kCount
uint32_t PermilleOf(std::string_view text);   // kFactor
int64_t BytesOf(std::string_view text);       // kSize
Duration DurationOf(std::string_view text);   // kDuration
int32_t IntegerOf(std::string_view text);     // kInteger
FailureShare ShareOf(std::string_view text);  // kShare
// kOnUnreachable, kOnLost: "wait 5m"; nullopt for a word.
std::optional<Duration> WaitOf(std::string_view text);

// What an entry of `secrets` says by this key, which is one of name, env, file and registry.
std::string& FieldOf(SecretUse& use, std::string_view key);

}  // namespace cromt
