// Cuts a scenario into tokens, one at a time: the parser stops at the first thing it doesn't read, so what lies
// beyond is never looked at and can't mislead.
//
// REQUIRES: the text outlives the lexer. Not thread-safe. Errors are kInvalid, "FILE:LINE:COL: …".
#pragma once

#include <string>
#include <string_view>

#include "agent/step/scenario/ast.h"
#include "base/result.h"

namespace cromt::step {

struct Token {
  enum class Kind {
    kWord,         // text: an identifier, "task-run"
    kString,       // text: its content
    kInteger,      // number
    kEnvironment,  // text: NAME of %*ENV<NAME>
    kSymbol,       // text: one of  %(  (  )  [  ]  ,  ;  =>
    kUnread,       // text: names what it is, for a message: "a variable ($x)"
    kEnd,
  };
  Kind kind = Kind::kEnd;
  std::string text;
  int64_t number = 0;
  Position at;
  bool Is(std::string_view symbol) const { return kind == Kind::kSymbol && text == symbol; }
};

class Lexer {
 public:
  Lexer(std::string_view file, std::string_view text) : file_(file), rest_(text) {}

  Result<Token> Next();

  // The error for `what` at `at`: "FILE:LINE:COL: WHAT".
  tl::unexpected<Error> ErrorAt(Position at, std::string_view what) const;
  // The error for a construct that Raku has and this reader hasn't.
  tl::unexpected<Error> OutsideAt(Position at, std::string_view construct) const;

 private:
  char Peek(size_t ahead = 0) const { return ahead < rest_.size() ? rest_[ahead] : '\0'; }
  void Advance(size_t bytes);
  std::string_view TakeIdentifier();
  Status SkipBlanksAndComments();
  Result<Token> Number(Token token);
  Result<Token> Environment(Token token);
  Result<Token> SingleQuoted(Token token);
  Result<Token> DoubleQuoted(Token token);
  Status Escape(std::string& out);
  Result<Token> Variable(Token token);
  Result<Token> Other(Token token);

  std::string file_;
  std::string_view rest_;
  Position at_;
};

}  // namespace cromt::step
