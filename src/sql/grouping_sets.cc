#include "sql/grouping_sets.h"

#include <algorithm>

#include "syntax/text.h"

namespace millrace::sql {
namespace {

using Sets = std::vector<std::vector<int>>;

constexpr size_t kMaxSets = 4096;

std::string KeyName(const syntax::Expression& key, size_t index) {
  if (const auto* column = key.As<syntax::ColumnRef>()) return column->path.back().name;
  return "$key" + std::to_string(index);
}

std::vector<int> Merged(const std::vector<int>& a, const std::vector<int>& b) {
  std::vector<int> out = a;
  out.insert(out.end(), b.begin(), b.end());
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

Sets Product(const Sets& left, const Sets& right) {
  Sets out;
  for (const auto& a : left) {
    for (const auto& b : right) out.push_back(Merged(a, b));
  }
  return out;
}

class GroupByBinder {
 public:
  explicit GroupByBinder(const BindExpression& bind) : bind_(bind) {}

  Result<GroupKeys> Run(const std::vector<syntax::Grouping>& group_by) {
    Sets sets = {{}};
    for (const auto& grouping : group_by) {
      ARROW_ASSIGN_OR_RAISE(const Sets more, SetsOf(grouping));
      if (sets.size() * more.size() > kMaxSets) {
        return Error::User("GROUP BY has more than " + std::to_string(kMaxSets) + " grouping sets")
            .At(grouping.position);
      }
      sets = Product(sets, more);
    }
    for (auto& set : sets) {
      const bool known =
          std::find(group_.sets.begin(), group_.sets.end(), set) != group_.sets.end();
      if (!known) group_.sets.push_back(std::move(set));
    }
    return std::move(group_);
  }

 private:
  Result<std::vector<int>> KeysOf(const syntax::Grouping& grouping) {
    std::vector<int> set;
    for (const auto& expression : grouping.expressions) {
      ARROW_ASSIGN_OR_RAISE(auto key, bind_(expression));
      const auto known =
          std::find_if(group_.keys.begin(), group_.keys.end(),
                       [&](const ExpressionPtr& other) { return Equal(*other, *key); });
      set = Merged(set, {static_cast<int>(known - group_.keys.begin())});
      if (known != group_.keys.end()) continue;
      group_.names.push_back(KeyName(*expression, group_.keys.size()));
      group_.keys.push_back(std::move(key));
    }
    return set;
  }

  Result<Sets> SetsOf(const syntax::Grouping& grouping) {
    Sets elements;
    Sets out;
    if (grouping.kind == syntax::Grouping::kExpressions) {
      ARROW_ASSIGN_OR_RAISE(auto keys, KeysOf(grouping));
      return Sets{std::move(keys)};
    }
    for (const auto& element : grouping.elements) {
      ARROW_ASSIGN_OR_RAISE(const Sets sets, SetsOf(element));
      elements.insert(elements.end(), sets.begin(), sets.end());
    }
    if (grouping.kind == syntax::Grouping::kSets) return elements;
    if (grouping.kind == syntax::Grouping::kRollup) {
      for (size_t n = elements.size() + 1; n-- > 0;) {
        std::vector<int> set;
        for (size_t i = 0; i < n; ++i) set = Merged(set, elements[i]);
        out.push_back(std::move(set));
      }
      return out;
    }
    if ((size_t{1} << std::min<size_t>(elements.size(), 30)) > kMaxSets) {
      return Error::User("CUBE of " + std::to_string(elements.size()) +
                         " columns has too many sets")
          .At(grouping.position)
          .Hint("name the sets that you need in GROUPING SETS");
    }
    for (size_t mask = size_t{1} << elements.size(); mask-- > 0;) {
      std::vector<int> set;
      for (size_t i = 0; i < elements.size(); ++i) {
        const size_t bit = elements.size() - 1 - i;
        if ((mask >> bit & 1) != 0) set = Merged(set, elements[i]);
      }
      out.push_back(std::move(set));
    }
    return out;
  }

  const BindExpression& bind_;
  GroupKeys group_;
};

ExpressionPtr BigInt(int64_t value, Position at) {
  return Expression::Literal(value, SqlType::BigInt().AsNotNull(), at);
}

}  // namespace

bool GroupKeys::IsOptional(int key) const {
  return std::any_of(sets.begin(), sets.end(), [&](const std::vector<int>& set) {
    return !std::binary_search(set.begin(), set.end(), key);
  });
}

std::vector<int> GroupKeys::optional() const {
  std::vector<int> out;
  for (int key = 0; key < static_cast<int>(keys.size()); ++key) {
    if (IsOptional(key)) out.push_back(key);
  }
  return out;
}

void GroupKeys::AddToAll(ExpressionPtr key, std::string name) {
  const int index = static_cast<int>(keys.size());
  keys.push_back(std::move(key));
  names.push_back(std::move(name));
  for (auto& set : sets) set.push_back(index);
}

Result<GroupKeys> BindGroupBy(const std::vector<syntax::Grouping>& group_by,
                              const BindExpression& bind) {
  return GroupByBinder(bind).Run(group_by);
}

Result<ExpressionPtr> BindGroupingCall(
    const syntax::FunctionCall& call, Position at, const GroupKeys& group,
    const BindExpression& bind,
    const std::function<Result<ExpressionPtr>(const std::string&, std::vector<ExpressionPtr>)>&
        make_call) {
  const std::string name = syntax::ToUpper(call.name.parts.back().name);
  if (name != "GROUPING" && name != "GROUPING_ID") return ExpressionPtr();
  if (call.arguments.empty() || group.keys.empty()) {
    return Error::User(name + " takes keys of the query's GROUP BY").At(at);
  }
  const std::vector<int> optional = group.optional();
  const auto set_column =
      Expression::Column(GroupKeys::kSetColumn, SqlType::BigInt().AsNotNull(), at);
  ExpressionPtr bits;
  for (const auto& argument : call.arguments) {
    ARROW_ASSIGN_OR_RAISE(const auto value, bind(argument.value));
    const auto key =
        std::find_if(group.keys.begin(), group.keys.end(),
                     [&](const ExpressionPtr& other) { return Equal(*other, *value); });
    if (key == group.keys.end()) {
      return Error::User("the argument of " + name + " is no key of GROUP BY")
          .At(argument.value->position);
    }
    if (bits) {
      ARROW_ASSIGN_OR_RAISE(bits, make_call("*", {bits, BigInt(2, at)}));
    }
    const auto place =
        std::find(optional.begin(), optional.end(), static_cast<int>(key - group.keys.begin()));
    if (place == optional.end()) continue;
    const int64_t weight = int64_t{1} << (optional.end() - place - 1);
    ARROW_ASSIGN_OR_RAISE(auto shifted, make_call("/", {set_column, BigInt(weight, at)}));
    ARROW_ASSIGN_OR_RAISE(auto bit, make_call("MOD", {std::move(shifted), BigInt(2, at)}));
    if (bits) {
      ARROW_ASSIGN_OR_RAISE(bits, make_call("+", {std::move(bits), std::move(bit)}));
    } else {
      bits = std::move(bit);
    }
  }
  return bits ? bits : BigInt(0, at);
}

}  // namespace millrace::sql
