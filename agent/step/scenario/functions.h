// The functions that Sparrow gives to scenarios and that a runner is asked to do (DslCall). What each takes, in order;
// anything else stops before it is called.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cromt::step {

// Flags of what an argument may be.
using Takes = uint8_t;
inline constexpr Takes kText = 1;  // or a number
inline constexpr Takes kList = 2;
inline constexpr Takes kMap = 4;

struct DslFunction {
  std::string_view name;
  size_t required = 0;
  std::array<Takes, 3> takes{};  // 0: no such argument
};

inline constexpr DslFunction kDslFunctions[] = {
    {"task-run", 0, {kText | kMap, kText | kMap, kMap}},
    {"bash", 1, {kText, kText | kMap}},
    {"copy-local-file", 2, {kText, kText}},
    {"cpan-package", 1, {kText | kList, kMap}},
    {"cpan-package-install", 1, {kText | kList, kMap}},
    {"directory", 1, {kText, kMap}},
    {"directory-create", 1, {kText, kMap}},
    {"directory-delete", 1, {kText}},
    {"file", 1, {kText, kMap}},
    {"file-create", 1, {kText, kMap}},
    {"file-delete", 1, {kText}},
    {"git-scm", 1, {kText, kMap}},
    {"group", 1, {kText, kMap}},
    {"group-create", 1, {kText}},
    {"group-delete", 1, {kText}},
    {"http-ok", 0, {kText | kMap, kMap}},
    {"package-install", 1, {kText | kList | kMap}},
    {"proc-exists", 1, {kText, kMap}},
    {"proc-exists-by-footprint", 2, {kText, kText}},
    {"proc-exists-by-pid", 2, {kText, kText}},
    {"scp", 1, {kMap}},
    {"service", 1, {kText, kMap}},
    {"service-disable", 1, {kText}},
    {"service-enable", 1, {kText}},
    {"service-restart", 1, {kText}},
    {"service-start", 1, {kText}},
    {"service-stop", 1, {kText}},
    {"ssh", 1, {kText | kMap, kMap}},
    {"systemd-service", 1, {kText, kMap}},
    {"template", 1, {kText, kMap}},
    {"template-create", 1, {kText, kMap}},
    {"template6", 1, {kText, kMap}},
    {"template6-create", 1, {kText, kMap}},
    {"user", 1, {kText, kMap}},
    {"user-create", 1, {kText}},
    {"user-delete", 1, {kText}},
    {"zef", 1, {kText, kMap}},
};

constexpr const DslFunction* FindDslFunction(std::string_view name) {
  for (const DslFunction& function : kDslFunctions)
    if (function.name == name) return &function;
  return nullptr;
}

// At most how many arguments it takes.
constexpr size_t Arity(const DslFunction& function) {
  size_t arity = 0;
  while (arity < function.takes.size() && function.takes[arity] != 0) ++arity;
  return arity;
}

// An argument that the function doesn't take, and what a person should know. `arguments`: what each is, or may be.
// REQUIRES: no more of them than the function's arity.
struct Misfit {
  size_t argument = 0;
  std::string message;
};
std::optional<Misfit> FindMisfit(const DslFunction& function, const std::vector<Takes>& arguments);

}  // namespace cromt::step
