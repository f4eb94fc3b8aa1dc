#include "cli/arguments.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/name.h"
#include "core/diagnostic.h"

namespace cromt::cli {

struct Arguments::Parser {
  CLI::App app;
};

Arguments::Arguments() : parser_(std::make_unique<Parser>()) {
  parser_->app.set_help_flag("");  // ours to answer
}

Arguments::~Arguments() = default;

namespace {

// "-o,--output" as a list.
std::vector<std::string> NamesOf(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const size_t end = std::min(text.find(','), text.size());
    names.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return names;
}

}  // namespace

void Arguments::Add(std::string left, std::string help, std::string names, std::string value) {
  items_.push_back({group_, std::move(left), std::move(help), std::move(names), std::move(value)});
}

void Arguments::Word(const std::string& name, std::string& target, std::string help) {
  parser_->app.add_option(name, target);
  Add(name, std::move(help), "");
}

void Arguments::RequiredWord(const std::string& name, std::string& target, std::string help) {
  Word(name, target, std::move(help));
  required_.emplace_back(name, &target);
}

void Arguments::Words(const std::string& name, std::vector<std::string>& target, std::string help) {
  parser_->app.add_option(name, target);
  Add(name + "…", std::move(help), "");
  required_lists_.emplace_back(name, &target);
}

void Arguments::Option(const std::string& names, const std::string& value, std::optional<std::string>& target,
                       std::string help) {
  parser_->app.add_option_function<std::string>(names, [&target](const std::string& given) { target = given; })
      ->type_name(value)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  Add(names + " " + value, std::move(help), names, value);
}

void Arguments::Repeated(const std::string& names, const std::string& value, std::vector<std::string>& target,
                         std::string help) {
  // One value an option, so that the word after it is not taken for another.
  parser_->app.add_option(names, target)
      ->type_name(value)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  Add(names + " " + value, std::move(help), names, value);
}

void Arguments::Flag(const std::string& names, bool& target, std::string help) {
  parser_->app.add_flag(names, target)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  Add(names, std::move(help), names);
}

Status Arguments::Run(std::vector<std::string> words) {
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
  try {
    parser_->app.parse(std::move(words));
  } catch (const CLI::Error& error) {
    return Fail(ErrorCode::kInvalid, error.what());
  }
  return {};
}

Status Arguments::Parse(std::vector<std::string> words) {
  parser_->app.allow_extras();  // ours to name
  CROMT_TRY(Run(std::move(words)));
  for (const std::string& word : parser_->app.remaining())
    if (word != "--") return tl::unexpected<Error>(Unexpected(word));
  for (const auto& [name, target] : required_)
    if (target->empty()) return Fail(ErrorCode::kInvalid, name + " is missing");
  for (const auto& [name, target] : required_lists_)
    if (target->empty()) return Fail(ErrorCode::kInvalid, name + " is missing");
  return {};
}

Result<std::vector<std::string>> Arguments::ParseFront(std::vector<std::string> words) {
  parser_->app.prefix_command();
  CROMT_TRY(Run(std::move(words)));
  std::vector<std::string> rest = parser_->app.remaining();
  if (!rest.empty() && rest[0] == "--") rest.erase(rest.begin());
  if (!rest.empty() && rest[0].starts_with('-')) return tl::unexpected<Error>(Unexpected(rest[0]));
  return rest;
}

Error Arguments::Unexpected(const std::string& word) const {
  if (!word.starts_with('-')) return {ErrorCode::kInvalid, "unexpected word " + Quote(word)};
  const std::vector<std::string> names = OptionNames();
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  const std::string name = word.substr(0, word.find('='));
  return {ErrorCode::kInvalid, fmt::format("unknown option {}{}", Quote(name), DidYouMean(name, candidates))};
}

std::vector<std::string> Arguments::OptionNames() const {
  std::vector<std::string> all;
  for (const OptionInfo& option : Options()) all.insert(all.end(), option.names.begin(), option.names.end());
  return all;
}

std::vector<Arguments::OptionInfo> Arguments::Options() const {
  std::vector<OptionInfo> options;
  for (const Item& item : items_)
    if (!item.names.empty()) options.push_back({NamesOf(item.names), item.value});
  return options;
}

std::vector<std::string> Arguments::WordNames() const {
  std::vector<std::string> names;
  for (const Item& item : items_)
    if (item.names.empty()) names.push_back(item.left);
  return names;
}

std::string Arguments::Help() const {
  constexpr size_t kColumn = 24;
  std::string help;
  std::string group;
  for (const Item& item : items_) {
    if (item.group != group) help += fmt::format("\n{}:\n", item.group);
    group = item.group;
    std::string left = item.left;
    if (const size_t comma = left.find(','); comma != std::string::npos) left.insert(comma + 1, " ");
    const bool fits = left.size() < kColumn;
    help += fits ? fmt::format("  {:<{}}{}\n", left, kColumn, item.help)
                 : fmt::format("  {}\n  {:<{}}{}\n", left, "", kColumn, item.help);
  }
  return help;
}

}  // namespace cromt::cli
