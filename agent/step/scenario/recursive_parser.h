// The recursive descent behind ParseScenario, by level: statements.cc, expressions.cc, terms.cc, collections.cc,
// quotes.cc. Each method begins at its first character and ends behind its last; blanks are skipped by who asks what
// comes next.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/step/scenario/ast.h"
#include "agent/step/scenario/cursor.h"
#include "agent/step/scenario/scope.h"
#include "base/result.h"

namespace cromt::step {

struct DslFunction;

class RecursiveParser {
 public:
  RecursiveParser(std::string_view file, std::string_view text) : cursor_(file, text) {}

  Result<Scenario> ParseUnit(std::string file);
  Result<Expression> ParseOnlyValue();
  size_t slots() const { return scope_.slots(); }

 private:
  // Is the value of an expression used, or only what it does?
  enum class Use { kValue, kEffect };
  // Takes one level of nesting while it lives.
  class Deeper {
   public:
    explicit Deeper(RecursiveParser& parser) : depth_(parser.depth_) { ++depth_; }
    ~Deeper() { --depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;

   private:
    int& depth_;
  };
  Status CheckLimits();
  Status CountExpression() {
    ++expressions_;
    return CheckLimits();
  }

  // Errors.
  tl::unexpected<Error> ErrorAt(Position at, std::string_view what) const { return cursor_.ErrorAt(at, what); }
  tl::unexpected<Error> OutsideAt(Position at, std::string_view what) const { return cursor_.OutsideAt(at, what); }
  // What stands at the cursor isn't read there.
  tl::unexpected<Error> Unexpected() const;

  // Small steps.
  bool AtWord(std::string_view word) const { return cursor_.PeekWord() == word; }
  bool TakeWord(std::string_view word);
  Status Expect(std::string_view symbol);
  Result<bool> TakeAfterBlanks(std::string_view symbol);

  // Statements.
  Status Statements(std::vector<Statement>& out);
  Result<Block> ParseBlock();
  Result<std::optional<Statement>> ParseStatement();
  Status UseLine();
  Result<Statement> IfStatement();
  Result<Branch> ParseBranch(bool negated);
  Result<Statement> ForStatement();
  Result<Expression> ForList();
  Result<Statement> SimpleStatement();
  Result<Expression> EffectExpression();
  Result<Statement> WithModifiers(Expression body, const Cursor& start);
  Result<Statement> WithForModifier(Position at, const Cursor& start);
  Result<Statement> WithIfModifier(Expression body);
  Status EndOfStatement(bool ends_with_block);

  // Expressions, loosest first.
  Result<Expression> Loose(Use use);
  Result<Expression> LooseAnd(Use use);
  Result<Expression> LooseNot(Use use);
  Result<Expression> Assignable(Use use);
  Result<Expression> Declaration();
  Result<Expression> AssignedValue(char sigil);
  Result<std::optional<Expression>> AssignTo(Expression target);
  Result<Expression> Tight(Use use);  // what may stand between commas
  Result<Expression> TightOrRange(Use use);
  Result<Expression> Binary(size_t level, Use use);
  Status CheckOperands(Position at, const Infix& infix, size_t level) const;
  Status NeedValue(const Expression& operand) const;
  Status RefuseRange(const Expression& expression) const;
  Result<Expression> RangeLevel(Use use);
  Result<Expression> Prefix(Use use);
  Result<Expression> Postfix(Use use);

  // Terms.
  Result<Expression> Term(Use use);
  Result<Expression> Word(Use use);
  Result<Expression> Integer();
  Result<Expression> AnyVariable();
  Status EndOfName() const;
  Result<Expression> EnvironmentTerm();
  Result<Expression> World(WorldValue::Kind kind);
  Result<Expression> CallOf(const DslFunction& function, Use use);
  Result<Expression> BuiltinCall(Builtin::Kind kind);
  Result<Expressions> Arguments();
  Status CheckArguments(const DslFunction& function, Position at, const Expressions& arguments) const;
  Result<Expression> Subscripts(Expression target);
  Status TakeIndex(Subscript& subscript);
  // What keeps a value: [ ], maps and $x copy plain variables, but not lists and maps; ( ) and loops copy nothing.
  enum class Holding { kListsAndMaps, kAll };
  Status Hold(const Expression& kept, Holding holding);
  // A loop's variable: it can't be assigned to.
  void Keep(size_t slot) { static_cast<void>(scope_.Hold(slot)); }

  // Lists and maps.
  struct ItemList {
    Expressions items;
    bool trailing_comma = false;
    // `[x]` and `@l = x` take the items of x, `[x,]` and `[x, y]` are made of x itself.
    bool IsSingle() const { return items.size() == 1 && !trailing_comma; }
  };
  Result<ItemList> Items(std::string_view closing);
  Result<Expression> Array();
  Result<Expression> Parentheses();
  Result<Expression> WordList();
  Result<std::vector<std::string>> Words();
  Result<Expression> Map(std::string_view opening, std::string_view closing);
  Result<std::vector<MapEntry>> Entries(std::string_view closing);
  Result<MapEntry> Entry();
  Result<MapEntry> ColonPair();
  bool AtPairName() const;

  // Quotes.
  enum class Language { kRaw, kSingle, kDouble };  // what a backslash and a sigil mean: nothing; hardly; all
  struct Quotes {
    Language language = Language::kDouble;
    char opening = '"', closing = '"';
    bool is_heredoc = false;
    size_t indent = 0;  // of a heredoc
  };
  Result<Expression> QuoteWord();
  Result<Expression> Heredoc(Position at, Language language);
  Result<std::string> HeredocTerminator();
  Result<Expression> Quoted(Position at, Quotes quotes);
  Status SkipIndent(const Quotes& quotes);
  Status TakeByte(std::string& out);
  Status Escape(const Quotes& quotes, std::string& out);
  Result<std::optional<Expression>> Interpolated();
  Result<Expression> InterpolatedVariable();
  Result<Expression> StringBlock();

  Cursor cursor_;
  Scope scope_;
  int depth_ = 0;
  size_t expressions_ = 0, statements_ = 0;
  size_t topic_uses_ = 0;       // of $_, so far
  bool is_value_only_ = false;  // no calls, no config()
};

}  // namespace cromt::step
