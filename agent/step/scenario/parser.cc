#include "agent/step/scenario/parser.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/step/scenario/lexer.h"
#include "base/name.h"

namespace cromt::step {
namespace {

using Kind = Token::Kind;

bool IsFunction(std::string_view word) {
  return word == "task-run" || word == "say";
}

class Parser {
 public:
  Parser(std::string_view file, std::string_view text) : lexer_(file, text) {}

  Result<std::vector<Call>> Calls() {
    CROMT_TRY(Next());
    std::vector<Call> calls;
    while (token_.kind != Kind::kEnd) {
      if (token_.Is(";")) {
        CROMT_TRY(Next());
        continue;
      }
      if (calls.size() == kMaxCalls) return lexer_.ErrorAt(token_.at, fmt::format("more than {} calls", kMaxCalls));
      CROMT_ASSIGN(Call call, ParseCall());
      calls.push_back(std::move(call));
    }
    return calls;
  }

 private:
  // Moves to the next token.
  Status Next() {
    CROMT_ASSIGN(token_, lexer_.Next());
    return {};
  }

  tl::unexpected<Error> Outside() const {
    switch (token_.kind) {
      case Kind::kEnd: return lexer_.ErrorAt(token_.at, "the file ends where more was expected");
      case Kind::kString: return lexer_.OutsideAt(token_.at, "a string here");
      case Kind::kInteger: return lexer_.OutsideAt(token_.at, "a number here");
      case Kind::kEnvironment: return lexer_.OutsideAt(token_.at, "%*ENV<> here");
      case Kind::kUnread: return lexer_.OutsideAt(token_.at, token_.text);
      default: return lexer_.OutsideAt(token_.at, Quote(token_.text));
    }
  }

  Result<Call> ParseCall() {
    if (token_.kind != Kind::kWord || !IsFunction(token_.text)) return Outside();
    Call call{.at = token_.at, .function = token_.text};
    CROMT_TRY(Next());
    if (token_.Is("(")) return lexer_.OutsideAt(token_.at, fmt::format("{} with parentheses", call.function));
    while (true) {
      CROMT_ASSIGN(Expression argument, Value(0));
      call.arguments.push_back(std::move(argument));
      if (!token_.Is(",")) break;
      CROMT_TRY(Next());
    }
    CROMT_TRY(EndOfCall());
    CROMT_TRY(CheckArguments(call));
    return call;
  }

  Status EndOfCall() {
    if (token_.Is(";") || token_.kind == Kind::kEnd) return {};
    if (token_.kind == Kind::kWord && IsFunction(token_.text))
      return lexer_.ErrorAt(token_.at, fmt::format("a ';' is missing before {}", Quote(token_.text)));
    return Outside();
  }

  Status CheckArguments(const Call& call) const {
    if (call.function != "task-run") return {};
    const auto& arguments = call.arguments;
    auto is_map = [&](size_t i) { return std::holds_alternative<MapLiteral>(arguments[i].form); };
    auto is_text = [&](size_t i) {
      return std::holds_alternative<StringLiteral>(arguments[i].form) ||
             std::holds_alternative<EnvironmentVariable>(arguments[i].form);
    };
    if (is_map(0)) return lexer_.OutsideAt(arguments[0].at, "task-run with a map instead of a path");
    if (!is_text(0)) return lexer_.ErrorAt(arguments[0].at, "task-run wants the path of a task directory");
    if (arguments.size() > 1 && is_text(1)) return lexer_.OutsideAt(arguments[1].at, "task-run with a plugin");
    if (arguments.size() > 1 && !is_map(1)) return lexer_.ErrorAt(arguments[1].at, "task-run wants a map %( … )");
    if (arguments.size() > 2) return lexer_.OutsideAt(arguments[2].at, "a third argument of task-run");
    return {};
  }

  Result<Expression> Value(int depth) {
    Expression value{.at = token_.at};
    switch (token_.kind) {
      case Kind::kString: value.form = StringLiteral{std::move(token_.text)}; break;
      case Kind::kInteger: value.form = IntegerLiteral{token_.number}; break;
      case Kind::kEnvironment: value.form = EnvironmentVariable{std::move(token_.text)}; break;
      default: return Container(depth);
    }
    CROMT_TRY(Next());
    return value;
  }

  Result<Expression> Container(int depth) {
    const Position at = token_.at;
    const bool map = token_.Is("%(");
    if (!map && !token_.Is("[")) return Outside();
    if (depth == kMaxNesting) return lexer_.ErrorAt(at, fmt::format("nested more than {} deep", kMaxNesting));
    CROMT_TRY(Next());
    if (map) {
      CROMT_ASSIGN(MapLiteral entries, Map(depth + 1));
      return Expression{at, std::move(entries)};
    }
    CROMT_ASSIGN(ListLiteral items, List(at, depth + 1));
    return Expression{at, std::move(items)};
  }

  // After "%(", up to and with ")". A key that comes twice: the last value wins, as in Raku.
  Result<MapLiteral> Map(int depth) {
    MapLiteral map;
    while (!token_.Is(")")) {
      if (token_.kind != Kind::kWord && token_.kind != Kind::kString) return Outside();
      Token key = token_;
      CROMT_TRY(Next());
      if (!token_.Is("=>")) {
        if (key.kind == Kind::kWord)
          return lexer_.OutsideAt(key.at, fmt::format("{} as an entry of a map", Quote(key.text)));
        return lexer_.ErrorAt(token_.at, "'=>' is missing after the key of a map");
      }
      CROMT_TRY(Next());
      CROMT_ASSIGN(Expression value, Value(depth));
      std::erase_if(map.entries, [&](const MapEntry& entry) { return entry.key == key.text; });
      map.entries.push_back({std::move(key.text), std::move(value)});
      CROMT_ASSIGN(bool more, Comma(")"));
      if (!more) break;
    }
    CROMT_TRY(Next());
    return map;
  }

  // After "[", up to and with "]".
  Result<ListLiteral> List(Position at, int depth) {
    ListLiteral list;
    bool comma = false;
    while (!token_.Is("]")) {
      CROMT_ASSIGN(Expression item, Value(depth));
      list.items.push_back(std::move(item));
      CROMT_ASSIGN(comma, Comma("]"));
      if (!comma) break;
    }
    const bool container = !list.items.empty() && (std::holds_alternative<MapLiteral>(list.items[0].form) ||
                                                   std::holds_alternative<ListLiteral>(list.items[0].form));
    if (list.items.size() == 1 && !comma && container)
      return lexer_.OutsideAt(at, "a list of one list or map, which Raku flattens (write a comma after it to keep it)");
    CROMT_TRY(Next());
    return list;
  }

  // True past a comma; false at `closing`.
  Result<bool> Comma(std::string_view closing) {
    if (token_.Is(closing)) return false;
    if (token_.kind == Kind::kEnd) return lexer_.ErrorAt(token_.at, fmt::format("'{}' is missing", closing));
    if (!token_.Is(",")) return Outside();
    CROMT_TRY(Next());
    return true;
  }

  Lexer lexer_;
  Token token_;
};

}  // namespace

Result<Scenario> ParseScenario(std::string_view file, std::string_view text) {
  auto refuse = [&](std::string_view why) { return Fail(ErrorCode::kInvalid, fmt::format("{}: {}", file, why)); };
  if (text.size() > kMaxScenarioBytes) return refuse(fmt::format("larger than {} KiB", kMaxScenarioBytes >> 10));
  if (!IsUtf8(text)) return refuse("not UTF-8 text");
  if (text.find('\0') != std::string_view::npos) return refuse("holds a NUL character");
  CROMT_ASSIGN(auto calls, Parser(file, text).Calls());
  return Scenario{std::string(file), std::move(calls)};
}

}  // namespace cromt::step
