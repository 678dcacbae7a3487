#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "syntax/keywords.h"
#include "syntax/operators.h"
#include "syntax/print.h"

namespace millrace::syntax {
namespace {

Layout PrintArgument(const Argument& argument) {
  if (!argument.name) return PrintNode(*argument.value);
  return Layout::Join({PrintName(*argument.name), " => ", PrintNode(*argument.value)});
}

const Keyword* KeywordAt(const FunctionCall& call, size_t index) {
  if (index >= call.arguments.size()) return nullptr;
  return call.arguments[index].value->As<Keyword>();
}

bool IsValue(const Argument& argument) {
  const Expression& value = *argument.value;
  return !argument.name && value.As<Star>() == nullptr && value.As<TableArgument>() == nullptr &&
         value.As<ModelArgument>() == nullptr && value.As<Keyword>() == nullptr;
}

/// Functions printed with keywords between the arguments, where the arguments allow it.
class SpecialForm {
 public:
  explicit SpecialForm(const FunctionCall& call) : call_(call) {}

  /// False where `call` has to be printed as a plain call.
  bool Print(std::vector<Layout>* inside) const {
    if (call_.name.parts.size() != 1 || call_.distinct) return false;
    const std::string& name = call_.name.parts.front().name;
    const size_t count = call_.arguments.size();
    if (name == "EXTRACT" && KeywordAt(call_, 0) != nullptr) {
      *inside = {At(0), " FROM ", At(1)};
    } else if (name.starts_with("TIMESTAMP") && KeywordAt(call_, 0) != nullptr) {
      *inside = {At(0), ", ", At(1), ", ", At(2)};
    } else if (count == 2 && KeywordAt(call_, 1) != nullptr) {
      *inside = {At(0, kPrimaryPrecedence), " TO ", At(1)};
    } else if (name == "TRIM" && KeywordAt(call_, 0) != nullptr) {
      *inside = {At(0), " ", At(1), " FROM ", At(2)};
    } else if (name == "OVERLAY" && (count == 3 || count == 4) && AllValues()) {
      *inside = {At(0), " PLACING ", At(1), " FROM ", At(2)};
      if (count == 4) Append(inside, {" FOR ", At(3)});
    } else if (name == "POSITION" && (count == 2 || count == 3) && AllValues()) {
      *inside = {At(0, kPredicatePrecedence + 1), " IN ", At(1, kPredicatePrecedence + 1)};
      if (count == 3) Append(inside, {" FROM ", At(2)});
    } else if (name.starts_with("JSON_")) {
      return PrintJson(name, inside);
    } else {
      return false;
    }
    return true;
  }

 private:
  static void Append(std::vector<Layout>* out, std::vector<Layout> more) {
    out->insert(out->end(), more.begin(), more.end());
  }

  Layout At(size_t index, int min = kAnyPrecedence) const {
    return PrintNode(*call_.arguments[index].value, min);
  }

  bool AllValues() const {
    return std::all_of(call_.arguments.begin(), call_.arguments.end(), IsValue);
  }

  bool PrintJson(const std::string& name, std::vector<Layout>* inside) const {
    const size_t count = call_.arguments.size();
    std::vector<Layout> items;
    if (name == "JSON_OBJECT" || (name == "JSON_OBJECTAGG" && count == 2)) {
      if (count % 2 != 0 || !AllValues()) return false;
      for (size_t i = 0; i < count; i += 2) items.push_back(PrintKeyValue(i));
    } else if (name == "JSON_ARRAY" || (name == "JSON_ARRAYAGG" && count == 1 && AllValues())) {
      items = PrintEach(call_.arguments, PrintArgument);
    } else if ((name == "JSON_VALUE" || name == "JSON_QUERY" || name == "JSON_EXISTS") &&
               count == 2 && AllValues()) {
      items = {At(0), At(1)};
    } else {
      return false;
    }
    std::vector<Layout> parts = {Layout::Join(std::move(items), ", ")};
    for (const CallClause& clause : call_.clauses) {
      if (parts.size() > 1 || count > 0) parts.push_back(" ");
      parts.push_back(PrintClause(clause));
    }
    *inside = std::move(parts);
    return true;
  }

  /// KEY could be read as a function's name where its value begins with a parenthesis, and a column
  /// after it.
  Layout PrintKeyValue(size_t index) const {
    const bool literal = call_.arguments[index].value->As<Literal>() != nullptr;
    return Layout::Join(
        {literal ? "KEY " : "KEY (", At(index), literal ? "" : ")", " VALUE ", At(index + 1)});
  }

  static Layout PrintClause(const CallClause& clause) {
    const Layout value = PrintNode(*clause.value);
    if (clause.name == "RETURNING") return Layout::Join({"RETURNING ", value});
    const bool is_default = clause.value->As<Keyword>() == nullptr;
    return Layout::Join({is_default ? "DEFAULT " : "", value, " ", clause.name});
  }

  const FunctionCall& call_;
};

std::string PrintCallName(const FunctionCall& call, bool special, bool in_from) {
  if (call.name.parts.size() > 1) return call.name.ToString();
  const std::string& name = call.name.parts.front().name;
  if (special) return name;
  if (in_from && IsReserved(name)) return QuoteIdentifier(name);
  return IsNiladic(name) ? name : WriteFunctionName(name);
}

bool HasSuffix(const FunctionCall& call) {
  return !call.within_group.empty() || call.filter || call.over ||
         call.nulls != NullTreatment::kUnspecified;
}

void PrintSuffixes(const FunctionCall& call, std::vector<Layout>* parts) {
  const auto append = [&](std::vector<Layout> more) {
    parts->insert(parts->end(), more.begin(), more.end());
  };
  if (!call.within_group.empty()) {
    append({" WITHIN GROUP (ORDER BY ", PrintOrder(call.within_group), ")"});
  }
  if (call.filter) append({" FILTER (WHERE ", PrintNode(*call.filter), ")"});
  if (call.nulls == NullTreatment::kIgnore) append({" IGNORE NULLS"});
  if (call.nulls == NullTreatment::kRespect) append({" RESPECT NULLS"});
  if (!call.over) return;
  append({" OVER "});
  if (const auto* name = std::get_if<Identifier>(call.over.get())) {
    append({PrintName(*name)});
  } else {
    append({PrintNode(std::get<WindowSpec>(*call.over))});
  }
}

Layout PrintAnyCall(const FunctionCall& call, bool in_from) {
  std::vector<Layout> inside;
  const bool special = SpecialForm(call).Print(&inside);
  const std::string name = PrintCallName(call, special, in_from);
  const bool bare = call.name.parts.size() == 1 && IsNiladic(name) && call.arguments.empty() &&
                    !call.distinct && !HasSuffix(call) && !in_from;
  if (bare) return name;
  std::vector<Layout> parts;
  if (special) {
    parts = {name, "(", Layout::Join(std::move(inside)), ")"};
  } else {
    std::vector<Layout> items = PrintEach(call.arguments, PrintArgument);
    if (call.distinct) items.front() = Layout::Join({"DISTINCT ", items.front()});
    parts = {PrintList(name + "(", std::move(items), ")")};
  }
  PrintSuffixes(call, &parts);
  return Layout::Join(std::move(parts));
}

Layout PrintBound(const FrameBound& bound) {
  switch (bound.kind) {
    case FrameBound::kUnboundedPreceding:
      return "UNBOUNDED PRECEDING";
    case FrameBound::kUnboundedFollowing:
      return "UNBOUNDED FOLLOWING";
    case FrameBound::kCurrentRow:
      return "CURRENT ROW";
    case FrameBound::kPreceding:
      return Layout::Join({PrintNode(*bound.offset, kAdditivePrecedence), " PRECEDING"});
    case FrameBound::kFollowing:
      return Layout::Join({PrintNode(*bound.offset, kAdditivePrecedence), " FOLLOWING"});
  }
  return "";
}

}  // namespace

Layout PrintCall(const FunctionCall& call) { return PrintAnyCall(call, false); }

Layout PrintTableFunction(const FunctionCall& call) { return PrintAnyCall(call, true); }

Layout PrintNode(const WindowSpec& spec) {
  std::vector<Layout> parts;
  if (spec.base) parts.push_back(PrintName(*spec.base));
  if (!spec.partition_by.empty()) {
    parts.push_back(Layout::Join({"PARTITION BY ", PrintExpressions(spec.partition_by)}));
  }
  if (!spec.order_by.empty())
    parts.push_back(Layout::Join({"ORDER BY ", PrintOrder(spec.order_by)}));
  if (spec.frame) {
    parts.push_back(
        Layout::Join({spec.frame->is_rows ? "ROWS" : "RANGE", " BETWEEN ",
                      PrintBound(spec.frame->start), " AND ", PrintBound(spec.frame->end)}));
  }
  Layout inside = Layout::Join(std::move(parts), Layout::Line());
  return Layout::Group(Layout::Join(
      {"(", Layout::Nest(Layout::Join({Layout::SoftLine(), inside})), Layout::SoftLine(), ")"}));
}

}  // namespace millrace::syntax
