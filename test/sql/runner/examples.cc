#include "examples.h"

#include "functions/register.h"

namespace millrace::sql_script {
namespace {

const Registries& Functions() {
  static const Registries* registries = [] {
    auto* all = new Registries;
    RegisterFunctions(*all);
    return all;
  }();
  return *registries;
}

/// "SUM(x) of 1, 2, NULL" as a query over these rows.
std::string AggregateQuery(const std::string& expression) {
  constexpr std::string_view kOf = " of ";
  const size_t of = expression.find(kOf);
  if (of == std::string::npos) return "SELECT " + expression;
  std::string rows = "(" + expression.substr(of + kOf.size()) + ")";
  constexpr std::string_view kComma = ", ", kNextRow = "), (";
  for (size_t at = 0; (at = rows.find(kComma, at)) != std::string::npos; at += kNextRow.size()) {
    rows.replace(at, kComma.size(), kNextRow);
  }
  return "SELECT " + expression.substr(0, of) + " FROM (VALUES " + rows + ") AS t (x)";
}

std::string ResultOf(const std::string& sql, World& world) {
  auto answer = world.Execute(sql);
  if (!answer.ok()) return Describe(answer.status());
  const auto rows = Materialize(answer->changes);
  if (!rows.ok()) return Describe(rows.status());
  return rows->size() == 1 ? rows->front() : std::to_string(rows->size()) + " rows";
}

}  // namespace

std::vector<std::string> FunctionsWithExamples() {
  std::vector<std::string> names;
  for (const ScalarFunctionSpec* spec : Functions().functions.All()) {
    if (!spec->examples.empty()) names.push_back(spec->name);
  }
  for (const AggregateFunctionSpec* spec : Functions().aggregates.All()) {
    if (!spec->examples.empty()) names.push_back(spec->name);
  }
  return names;
}

std::vector<std::string> CheckExamples(const std::string& function, World& world) {
  std::vector<std::string> failures;
  const auto check = [&](const FunctionExample& example, const std::string& sql) {
    const std::string expected = example.result.empty() ? "(empty)" : example.result;
    if (const std::string actual = ResultOf(sql, world); actual != expected) {
      failures.push_back(sql + "\n  - " + expected + "\n  + " + actual);
    }
  };
  if (const auto* scalar = Functions().functions.Find(function)) {
    for (const auto& example : scalar->examples) check(example, "SELECT " + example.expression);
  }
  if (const auto* aggregate = Functions().aggregates.Find(function)) {
    for (const auto& example : aggregate->examples) {
      check(example, AggregateQuery(example.expression));
    }
  }
  return failures;
}

}  // namespace millrace::sql_script
