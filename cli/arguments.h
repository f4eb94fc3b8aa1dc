// The words after a command: a command declares what it takes, then they are parsed, or shown as help. Knows CLI11, so
// that nobody else does. Not thread-safe. Targets outlive the object.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cromt::cli {

class Arguments {
 public:
  Arguments();
  ~Arguments();
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  // A word without a dash, in the order of declaration. The help shows `name`.
  void Word(const std::string& name, std::string& target, std::string help);
  void RequiredWord(const std::string& name, std::string& target, std::string help);
  // All words that are left, at least one.
  void Words(const std::string& name, std::vector<std::string>& target, std::string help);
  // `names` is "--limit" or "-o,--output"; the last one given counts.
  void Option(const std::string& names, const std::string& value, std::optional<std::string>& target, std::string help);
  void Repeated(const std::string& names, const std::string& value, std::vector<std::string>& target, std::string help);
  void Flag(const std::string& names, bool& target, std::string help);

  // kInvalid says what is wrong, with what was probably meant.
  Status Parse(std::vector<std::string> words);
  // The options in front of the first other word; the rest are returned.
  Result<std::vector<std::string>> ParseFront(std::vector<std::string> words);

  // The lines for help: "  --limit N    how many …". Options declared after Group() stand below that heading.
  void Group(std::string heading) { group_ = std::move(heading); }
  std::string Help() const;
  // "--limit", "-o", "--output", ….
  std::vector<std::string> OptionNames() const;
  // For completion, in the order of declaration: an option's names and what its value is called ("" for a flag), and
  // what the words are called.
  struct OptionInfo {
    std::vector<std::string> names;
    std::string value;
  };
  std::vector<OptionInfo> Options() const;
  std::vector<std::string> WordNames() const;

 private:
  struct Item {
    std::string group;
    std::string left;  // names and value
    std::string help;
    std::string names;  // of an option; empty for words
    std::string value;  // of an option that takes one
  };
  struct Parser;  // CLI11's

  Status Run(std::vector<std::string> words);
  Error Unexpected(const std::string& word) const;
  void Add(std::string left, std::string help, std::string names, std::string value = "");

  std::unique_ptr<Parser> parser_;
  std::vector<Item> items_;
  std::vector<std::pair<std::string, std::string*>> required_;
  std::vector<std::pair<std::string, std::vector<std::string>*>> required_lists_;
  std::string group_;
};

}  // namespace cromt::cli
