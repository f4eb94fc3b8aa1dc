#include "io/git/helper/refs.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/name.h"
#include "io/git/url.h"

namespace cromt::git {

namespace {

constexpr std::string_view kHeads = "refs/heads/";
constexpr std::string_view kTags = "refs/tags/";
constexpr size_t kMaxNamed = 10;

const AdvertisedRef* Find(const std::vector<AdvertisedRef>& refs, std::string_view name) {
  auto found = std::find_if(refs.begin(), refs.end(), [&](const AdvertisedRef& ref) { return ref.name == name; });
  return found == refs.end() ? nullptr : &*found;
}

// "branches main, dev; tags v1", at most ten of each.
std::string WhatThereIs(const std::vector<AdvertisedRef>& refs) {
  std::string text;
  for (auto [prefix, title] : {std::pair(kHeads, "branches"), std::pair(kTags, "tags")}) {
    std::vector<std::string> names;
    for (const AdvertisedRef& ref : refs) {
      if (ref.name.starts_with(prefix) && !ref.name.ends_with("^{}")) names.push_back(ref.name.substr(prefix.size()));
    }
    if (names.empty()) continue;
    std::sort(names.begin(), names.end());
    text += fmt::format("{}{}", text.empty() ? "" : "; ", title);
    for (size_t i = 0; i < std::min(names.size(), kMaxNamed); ++i)
      text += fmt::format("{} {}", i ? "," : "", Quote(names[i]));
    if (names.size() > kMaxNamed) text += fmt::format(" and {} more", names.size() - kMaxNamed);
  }
  return text;
}

// A branch goes into job environments and messages: a remote's odd name for one is left out.
std::string BranchOf(std::string_view name) {
  if (!name.starts_with(kHeads)) return "";
  name.remove_prefix(kHeads.size());
  return CheckGitRef(name) ? std::string(name) : "";
}

Result<ChosenRef> ChooseHead(const std::vector<AdvertisedRef>& refs, std::string_view shown) {
  if (refs.empty()) return Fail(ErrorCode::kNotFound, fmt::format("{} is empty: it has no commits", shown));
  const AdvertisedRef* head = Find(refs, "HEAD");
  if (head == nullptr) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("{}: its HEAD names no branch that exists; name one: {}", shown, WhatThereIs(refs)));
  }
  return ChosenRef{head->name, head->id, BranchOf(head->target)};
}

bool IsAbbreviatedCommit(std::string_view ref) {
  return ref.size() >= 4 && ref.size() < 40 && ref.find_first_not_of("0123456789abcdef") == ref.npos;
}

}  // namespace

Result<ChosenRef> ChooseRef(std::string_view ref, const std::vector<AdvertisedRef>& advertised,
                            std::string_view shown) {
  if (ref.empty()) return ChooseHead(advertised, shown);
  if (IsCommit(ref)) return ChosenRef{"", std::string(ref), ""};
  if (ref.starts_with("refs/")) {
    if (const AdvertisedRef* exact = Find(advertised, ref)) return ChosenRef{exact->name, exact->id, BranchOf(ref)};
  }
  const AdvertisedRef* branch = Find(advertised, fmt::format("{}{}", kHeads, ref));
  const AdvertisedRef* tag = Find(advertised, fmt::format("{}{}", kTags, ref));
  if (branch != nullptr && tag != nullptr) {
    const AdvertisedRef* peeled = Find(advertised, fmt::format("{}{}^{{}}", kTags, ref));
    if ((peeled != nullptr ? peeled : tag)->id != branch->id) {
      return Fail(ErrorCode::kInvalid, fmt::format("{} is both a branch and a tag of {}: write {} or {}", Quote(ref),
                                                   shown, branch->name, tag->name));
    }
  }
  if (branch != nullptr) return ChosenRef{branch->name, branch->id, std::string(ref)};
  if (tag != nullptr) return ChosenRef{tag->name, tag->id, ""};
  const std::string there_is = WhatThereIs(advertised);
  return Fail(
      ErrorCode::kNotFound,
      fmt::format("{} is no branch or tag of {}; it has {}{}", Quote(ref), shown, there_is.empty() ? "none" : there_is,
                  IsAbbreviatedCommit(ref) ? ". A commit is given with all its 40 digits" : ""));
}

}  // namespace cromt::git
