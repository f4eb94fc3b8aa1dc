// What a task.check says, as plain values: one rule after the other, each with its place in the file.
#pragma once

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

namespace cromt::step {

enum class CodeLanguage { kBash, kPerl, kPhp, kPython, kRaku, kRuby };

struct CodeBlock {
  CodeLanguage language = CodeLanguage::kPerl;
  // The line that names the language is left empty, so that an interpreter's line N is line N of the block.
  std::string code;
};

// ---- What lines are checked for -------------------------------------------------------------------

struct TextRule {  // a line holds it
  std::string text;
};
struct AnyLineRule {};   // :any:
struct LineNumberRule {  // :N:, from 0
  size_t index = 0;
  std::string text;  // as written
};
struct RegexRule {
  std::string pattern;   // Regex::Compile takes it
  bool negated = false;  // !regexp: no line matches
  bool soft = false;     // ~regexp: never fails, and isn't shown
};

// ---- Where they are looked for --------------------------------------------------------------------

using Boundary = std::variant<std::string, size_t>;  // a pattern that Regex::Compile takes, or a line's index

struct SequenceRule {};  // begin: lines that follow each other
struct RangeRule {       // between:
  Boundary from, to;
};
struct WithinRule {  // within: lines that match; in what they captured, if that is anything
  Boundary where;
};
struct EndRule {};   // end: all lines again
struct SourceRule {  // another file's lines instead of what the task printed
  std::string path;
};

// ---- The rest -------------------------------------------------------------------------------------

struct NoteRule {
  std::string text;
};
struct AssertRule {
  bool holds = false;
  std::string text;
};
struct CodeRule {  // what it prints is notes
  CodeBlock block;
};
struct GeneratorRule {  // what it prints is rules
  CodeBlock block;
};

struct Rule {
  int line = 1;  // where it stands in the file
  std::variant<TextRule, AnyLineRule, LineNumberRule, RegexRule, SequenceRule, RangeRule, WithinRule, EndRule,
               SourceRule, NoteRule, AssertRule, CodeRule, GeneratorRule>
      form;
};

struct CheckFile {
  std::string name;  // as messages name it
  std::vector<Rule> rules;
};

}  // namespace cromt::step
