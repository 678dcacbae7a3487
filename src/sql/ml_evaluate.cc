// ML_EVALUATE(TABLE t, MODEL m, DESCRIPTOR(label), DESCRIPTOR(a, …) [, 'regression'[, MAP[…]]]):
// what ML_PREDICT gives, aggregated to one MAP of measures. // T3
#include <algorithm>

#include "base/suggest.h"
#include "sql/ml_arguments.h"
#include "sql/query_binder.h"
#include "syntax/parser.h"
#include "syntax/text.h"

namespace millrace::sql {
namespace {

const MlFunction kEvaluate = {
    .name = "ML_EVALUATE",
    .parameters = {"INPUT", "MODEL", "LABEL", "ARGS", "TASK", "CONFIG"},
    .required = 4,
    .example = "ML_EVALUATE(TABLE t, MODEL m, DESCRIPTOR(label), DESCRIPTOR(a, b), 'regression')"};

constexpr const char* kScored = "$scored";

/// Over `$scored`, which has the keys, `$label` and `$prediction`. {K} are the keys, {G} is the
/// GROUP BY, {L} and {P} are label and prediction as one type, {C} says which classes' precision,
/// recall and F1 are averaged.
constexpr std::string_view kRegression = R"(
SELECT {K} MAP[
  'rows', CAST(COUNT(e) AS DOUBLE),
  'skipped', CAST(COUNT(*) - COUNT(e) AS DOUBLE),
  'mae', AVG(ABS(e)),
  'mse', AVG(e * e),
  'rmse', SQRT(AVG(e * e)),
  'mape', AVG(ABS(e / NULLIF(l, 0E0))),
  'r2', 1E0 - AVG(e * e) / NULLIF(VAR_POP(CASE WHEN e IS NOT NULL THEN l END), 0E0)] AS `result`
FROM (SELECT {K} {L} AS l, {P} - {L} AS e FROM `$scored`) {G})";

constexpr std::string_view kClassification = R"(
WITH `$pairs` AS (SELECT {K} {L} AS l, {P} AS p, COUNT(*) AS n FROM `$scored` GROUP BY {K} {L}, {P}),
`$roles` AS (
  SELECT {K} l AS c, n AS actual, n - n AS predicted, CASE WHEN l = p THEN n ELSE n - n END AS hits, n - n AS skipped
  FROM `$pairs` WHERE l IS NOT NULL AND p IS NOT NULL
  UNION ALL SELECT {K} p, n - n, n, n - n, n - n FROM `$pairs` WHERE l IS NOT NULL AND p IS NOT NULL
  UNION ALL SELECT {K} NULLIF(l, l), n - n, n - n, n - n, n FROM `$pairs` WHERE l IS NULL OR p IS NULL),
`$classes` AS (
  SELECT {K} c, SUM(actual) AS actual, SUM(predicted) AS predicted, SUM(hits) AS hits, SUM(skipped) AS skipped
  FROM `$roles` GROUP BY {K} c)
SELECT {K} MAP[
  'rows', CAST(SUM(actual) AS DOUBLE),
  'skipped', CAST(SUM(skipped) AS DOUBLE),
  'accuracy', CAST(SUM(hits) AS DOUBLE) / CAST(NULLIF(SUM(actual), 0) AS DOUBLE),
  'precision', AVG(CASE WHEN predicted = 0 THEN 0E0 ELSE CAST(hits AS DOUBLE) / CAST(predicted AS DOUBLE) END) FILTER (WHERE {C}),
  'recall', AVG(CASE WHEN actual = 0 THEN 0E0 ELSE CAST(hits AS DOUBLE) / CAST(actual AS DOUBLE) END) FILTER (WHERE {C}),
  'f1', AVG(2E0 * CAST(hits AS DOUBLE) / CAST(actual + predicted AS DOUBLE)) FILTER (WHERE {C})] AS `result`
FROM `$classes` {G})";

std::string Filled(std::string_view text, const std::map<char, std::string>& values) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '{') {
      out += text[i];
      continue;
    }
    out += values.at(text[i + 1]);
    i += 2;
  }
  return out;
}

/// What CONFIG says of the evaluation; the rest of it is ML_PREDICT's.
struct EvaluateConfig {
  std::string prediction;  ///< the output that is compared; empty: the only one
  std::string threshold = "0.5";
  std::string version_column;
  syntax::ExpressionPtr rest;  ///< null: none
};

Result<EvaluateConfig> ConfigOf(const syntax::ExpressionPtr& argument) {
  EvaluateConfig config;
  if (!argument) return config;
  ARROW_ASSIGN_OR_RAISE(
      const auto* map, ArgumentAs<syntax::MapConstructor>(argument, "ML_EVALUATE's CONFIG is a MAP",
                                                          "MAP['threshold', '0.9']"));
  syntax::MapConstructor rest;
  for (const auto& [key, value] : map->entries) {
    const auto* k = key->As<syntax::Literal>();
    const auto* v = value->As<syntax::Literal>();
    if (k == nullptr || v == nullptr)
      return Error::User("ML_EVALUATE's CONFIG takes literals").At(key->position);
    if (k->text == "prediction") {
      config.prediction = v->text;
    } else if (k->text == "threshold") {
      config.threshold = v->text;
      char* end = nullptr;
      std::strtod(v->text.c_str(), &end);
      if (v->text.empty() || *end != '\0')
        return Error::User("the threshold '" + v->text + "' is not a number").At(value->position);
    } else {
      if (k->text == "version-column") config.version_column = v->text;
      rest.entries.emplace_back(key, value);
    }
  }
  if (!rest.entries.empty())
    config.rest = syntax::MakePtr(syntax::Expression{std::move(rest), argument->position});
  return config;
}

/// The place of the prediction among the model's outputs.
Result<int> PredictionIn(const ModelConfig& model, const std::string& wanted, Position at) {
  if (wanted.empty() && model.output.size() == 1) return 0;
  const int found = model.output.Find(wanted);
  if (found >= 0) return found;
  const std::string what = "the model '" + model.name + "' has ";
  if (wanted.empty()) {
    return Error::User(what + std::to_string(model.output.size()) + " outputs")
        .At(at)
        .Hint("say which one to compare: MAP['prediction', '" + model.output.Names()[0] + "']");
  }
  return Error::User(what + "no output '" + wanted + "'")
      .At(at)
      .Hint(Suggest(wanted, model.output.Names()));
}

/// The measures to compute, and how label and prediction become one type.
struct Comparison {
  std::string_view query;
  std::string label, prediction;
  std::string classes = "c IS NOT NULL";
};

std::string As(const char* type, const char* column) {
  return std::string("CAST(`") + column + "` AS " + type + ")";
}

Result<Comparison> Compare(const std::string& task, const SqlField& label,
                           const SqlField& prediction, const std::string& threshold, Position at) {
  const SqlType& l = label.type;
  const SqlType& p = prediction.type;
  const auto both = [&](std::string_view query, const char* type) {
    return Comparison{query, As(type, "$label"), As(type, "$prediction")};
  };
  const auto mismatch = [&](const std::string& hint) -> Status {
    return Error::User("the label '" + label.name + "' is " + l.AsNullable().ToString() +
                       ", the prediction '" + prediction.name + "' is " + p.AsNullable().ToString())
        .At(at)
        .Hint(hint);
  };
  if (task == "regression") {
    if (l.is_numeric() && p.is_numeric()) return both(kRegression, "DOUBLE");
    return mismatch(
        "regression compares numbers: CAST the label in a view, or take 'classification'");
  }
  if (l.kind() == TypeKind::kBoolean && (p.is_numeric() || p.kind() == TypeKind::kBoolean)) {
    Comparison comparison = both(kClassification, "BOOLEAN");
    if (p.is_numeric())
      comparison.prediction = '(' + As("DOUBLE", "$prediction") + " >= " + threshold + "E0)";
    comparison.classes = "c";
    return comparison;
  }
  if (l.is_integer() && p.is_integer()) return both(kClassification, "BIGINT");
  if (l.is_string() && p.is_string()) return both(kClassification, "STRING");
  return mismatch(p.is_approximate()
                      ? "a score is compared with a BOOLEAN label, at MAP['threshold', '0.5']; "
                        "compute one in a view, or take 'regression'"
                      : "CAST the label to the prediction's type in a view");
}

}  // namespace

Result<Stream> QueryBinder::BindMlEvaluate(const syntax::FunctionCall& call, Position at) {
  ARROW_ASSIGN_OR_RAISE(const auto arguments, kEvaluate.Bind(call, at));
  ARROW_ASSIGN_OR_RAISE(
      const auto* table,
      ArgumentAs<syntax::TableArgument>(arguments[0], "ML_EVALUATE's INPUT is a table", "TABLE t"));
  ARROW_ASSIGN_OR_RAISE(
      const auto* model_name,
      ArgumentAs<syntax::ModelArgument>(arguments[1], "ML_EVALUATE's MODEL is a model", "MODEL m"));
  ARROW_ASSIGN_OR_RAISE(const auto* label,
                        ArgumentAs<syntax::Descriptor>(
                            arguments[2], "ML_EVALUATE's LABEL is a descriptor", "DESCRIPTOR(a)"));
  if (label->columns.size() != 1)
    return Error::User("ML_EVALUATE has one label").At(arguments[2]->position);
  ARROW_ASSIGN_OR_RAISE(const std::string name, ObjectName(model_name->name));
  const auto model = context_.catalog.FindModel(name);
  if (model == nullptr)
    return UnknownObject("model", name, context_.catalog.ModelNames(), arguments[1]->position);
  ARROW_ASSIGN_OR_RAISE(const EvaluateConfig config, ConfigOf(arguments[5]));
  ARROW_ASSIGN_OR_RAISE(const int output,
                        PredictionIn(model->config, config.prediction, arguments[1]->position));

  // Only versions that are a stream are dealt out by key; measures are always.
  syntax::TableArgument rows = *table;
  if (model->config.provider != "stream") rows.partition_by.clear();
  syntax::FunctionCall predict{.name = call.name};
  predict.arguments = {{{}, syntax::MakePtr(syntax::Expression{rows, arguments[0]->position})},
                       {{}, arguments[1]},
                       {{}, arguments[3]}};
  if (config.rest) predict.arguments.push_back({{}, config.rest});
  ARROW_ASSIGN_OR_RAISE(Stream scored, BindMlPredict(predict, at));

  const Schema schema = scored.schema();
  Scope scope;
  scope.Add("", schema);
  ExpressionBinder binder(context_, scope);
  std::vector<ExpressionPtr> projections;
  std::vector<std::string> names;
  for (const auto& column : table->partition_by) {
    ARROW_ASSIGN_OR_RAISE(auto key, binder.Bind(*column));
    if (!key->IsColumn())
      return NotPlanned("PARTITION BY an expression", column->position, "compute it in a view");
    names.push_back(schema.column(key->column).name);
    projections.push_back(std::move(key));
  }
  const bool versions = !config.version_column.empty();
  if (versions) {
    names.push_back(config.version_column);
    projections.push_back(ColumnOf(schema, schema.size() - 1));
  }
  const size_t keys = names.size();
  const syntax::Identifier& label_name = label->columns[0];
  ARROW_ASSIGN_OR_RAISE(auto label_column,
                        binder.Bind({syntax::ColumnRef{{label_name}}, label_name.position}));
  const int first_output = schema.size() - (versions ? 1 : 0) - model->config.output.size();
  const SqlField prediction = schema.column(first_output + output);
  projections.push_back(label_column);
  projections.push_back(ColumnOf(schema, first_output + output));
  names.insert(names.end(), {"$label", "$prediction"});

  std::string task = prediction.type.is_approximate() && label_column->type.is_numeric()
                         ? "regression"
                         : "classification";
  if (arguments[4]) {
    ARROW_ASSIGN_OR_RAISE(
        const auto* text,
        ArgumentAs<syntax::Literal>(arguments[4], "ML_EVALUATE's TASK is a text", "'regression'"));
    static const std::vector<std::string> kTasks = {"classification", "regression"};
    const auto meant = std::find_if(kTasks.begin(), kTasks.end(), [&](const std::string& each) {
      return syntax::ToUpper(each) == syntax::ToUpper(text->text);
    });
    if (meant == kTasks.end()) {
      return Error::User("ML_EVALUATE has no task '" + text->text + "'")
          .At(arguments[4]->position)
          .Hint(Suggest(text->text, kTasks));
    }
    task = *meant;
  }
  ARROW_ASSIGN_OR_RAISE(const Comparison comparison,
                        Compare(task, {label_name.name, label_column->type, {}}, prediction,
                                config.threshold, label_name.position));
  std::string listed;
  for (size_t i = 0; i < keys; ++i) listed += QuoteIdentifier(names[i]) + ", ";
  std::string group = listed.empty() ? "" : "GROUP BY " + listed.substr(0, listed.size() - 2);
  ARROW_ASSIGN_OR_RAISE(const auto statement, syntax::ParseStatement(Filled(
                                                  comparison.query, {{'K', listed},
                                                                     {'G', std::move(group)},
                                                                     {'L', comparison.label},
                                                                     {'P', comparison.prediction},
                                                                     {'C', comparison.classes}})));
  scored = {nodes_.Calc(name_, std::move(scored), nullptr, std::move(projections), names), 0};
  const syntax::CommonTable as{.name = {kScored}, .columns = {}, .query = {}};
  ctes_.push_back({&as, std::move(scored)});
  auto measures = Bind(*statement->As<syntax::Selection>()->query, name_);
  ctes_.pop_back();
  return measures;
}

}  // namespace millrace::sql
