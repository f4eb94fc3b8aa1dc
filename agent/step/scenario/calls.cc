#include "agent/step/scenario/calls.h"

namespace cromt::step {
namespace {

// Walks the tree in the order of the text.
class Collector {
 public:
  std::vector<CallSite> sites;

  void Walk(const Block& block) {
    for (const Statement& statement : block.statements)
      std::visit([&](const auto& form) { Walk(form); }, statement.form);
  }

 private:
  // While there is one, what is found may never be called.
  struct Doubt {
    explicit Doubt(Collector& collector) : all(collector.doubts_) { ++all; }
    Doubt(const Doubt&) = delete;
    ~Doubt() { --all; }
    int& all;
  };

  void Walk(const Expression& expression) {
    if (const auto* call = expression.As<Call>()) Add(expression.at, *call);
    std::visit([&](const auto& form) { WalkForm(form); }, expression.form);
  }
  void Walk(const If& statement) {
    const Doubt doubt(*this);
    for (const Branch& branch : statement.branches) {
      Walk(branch.condition);
      Walk(branch.body);
    }
    Walk(statement.otherwise);
  }
  void Walk(const For& statement) {
    const Doubt doubt(*this);
    Walk(statement.list);
    Walk(statement.body);
  }

  void WalkAll(const Expressions& expressions) {
    for (const Expression& expression : expressions) Walk(expression);
  }
  void WalkForm(const Interpolation& form) { WalkAll(form.parts); }
  void WalkForm(const EnvironmentVariable& form) { WalkAll(form.name); }
  void WalkForm(const ListLiteral& form) { WalkAll(form.items); }
  void WalkForm(const Range& form) { WalkAll(form.ends); }
  void WalkForm(const Infix& form) {
    const Doubt doubt(*this);
    WalkAll(form.operands);
  }
  void WalkForm(const Unary& form) { WalkAll(form.operand); }
  void WalkForm(const Conditional& form) {
    const Doubt doubt(*this);
    WalkAll(form.parts);
  }
  void WalkForm(const Call& form) { WalkAll(form.arguments); }
  void WalkForm(const Builtin& form) { WalkAll(form.arguments); }
  void WalkForm(const Assignment& form) { WalkAll(form.value); }
  void WalkForm(const Subscript& form) {
    WalkAll(form.target);
    for (const Index& index : form.path) Walk(index.value);
  }
  void WalkForm(const MapLiteral& form) {
    for (const MapEntry& entry : form.entries) {
      Walk(entry.key);
      Walk(entry.value);
    }
  }
  template <class Leaf>
  void WalkForm(const Leaf&) {}

  void Add(Position at, const Call& call) {
    CallSite site{.at = at, .function = call.function, .always = doubts_ == 0};
    if (call.function == "task-run") AddNames(call.arguments, site);
    sites.push_back(std::move(site));
  }

  static std::optional<std::string> Literal(const Expression& expression) {
    const auto* text = expression.As<StringLiteral>();
    return text != nullptr ? std::optional(text->text) : std::nullopt;
  }

  // task-run PATH; PATH, MAP; TEXT, PLUGIN; TEXT, PLUGIN, MAP; %( task => TEXT, plugin => PLUGIN, … )
  static void AddNames(const Expressions& arguments, CallSite& site) {
    const auto* map = arguments.empty() ? nullptr : arguments[0].As<MapLiteral>();
    if (map != nullptr) {
      for (const MapEntry& entry : map->entries)
        if (Literal(entry.key) == "plugin") site.plugin = Literal(entry.value);
    } else if (arguments.size() == 1 || (arguments.size() == 2 && arguments[1].As<MapLiteral>())) {
      site.task_path = Literal(arguments[0]);
    } else if (arguments.size() > 1) {
      site.plugin = Literal(arguments[1]);
    }
  }

  int doubts_ = 0;
};

}  // namespace

std::vector<CallSite> ListCalls(const Scenario& scenario) {
  Collector collector;
  collector.Walk(scenario.body);
  return std::move(collector.sites);
}

}  // namespace cromt::step
