// ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(a, …) [, MAP['async', 'true', …]]). // T3
#include "base/options.h"
#include "sql/coerce.h"
#include "sql/ml_arguments.h"
#include "sql/query_binder.h"

namespace millrace::sql {
namespace {

const MlFunction kPredict = {.name = "ML_PREDICT",
                             .parameters = {"INPUT", "MODEL", "ARGS", "CONFIG"},
                             .required = 3,
                             .example = "ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(a, b))"};

const std::vector<OptionSpec>& ConfigSpecs() {
  static const std::vector<OptionSpec> specs = {
      {.key = "async",
       .type = OptionType::kBool,
       .default_value = "true",
       .doc = "Several requests at once."},
      {.key = "max-concurrent-operations",
       .type = OptionType::kInt,
       .default_value = "100",
       .doc = "Requests in flight.",
       .min = 1},
      {.key = "timeout",
       .type = OptionType::kDuration,
       .default_value = "3 min",
       .doc = "Of a row, from its arrival to its result."},
      {.key = "version-column",
       .doc = "Of a model whose versions are a stream: adds a column of this name with the version "
              "that scored the row, its number or else the SHA-256 of its bytes."},
      {.key = "output-mode",
       .type = OptionType::kEnum,
       .default_value = "ORDERED",
       .doc = "ALLOW_UNORDERED lets results overtake each other, never a watermark.",
       .choices = {"ORDERED", "ALLOW_UNORDERED"}},
  };
  return specs;
}

Result<Options> Config(const syntax::ExpressionPtr& argument) {
  ARROW_ASSIGN_OR_RAISE(const auto* map,
                        ArgumentAs<syntax::MapConstructor>(argument, "ML_PREDICT's CONFIG is a MAP",
                                                           "MAP['async', 'true']"));
  std::map<std::string, std::string> values;
  OptionPositions positions;
  for (const auto& [key, value] : map->entries) {
    const auto* k = key->As<syntax::Literal>();
    const auto* v = value->As<syntax::Literal>();
    if (k == nullptr || v == nullptr) {
      return Error::User("ML_PREDICT's CONFIG takes literals").At(key->position);
    }
    values[k->text] = v->text;
    positions[k->text] = key->position;
  }
  return Options::Make("ML_PREDICT", ConfigSpecs(), std::move(values), positions);
}

/// An output column whose name the input has already gets a 0 behind it, as in Flink.
std::vector<std::string> OutputNames(const Schema& input, const Schema& output) {
  std::vector<std::string> names;
  for (const SqlField& column : output.columns()) {
    std::string name = column.name;
    while (input.Find(name) >= 0) name += '0';
    names.push_back(std::move(name));
  }
  return names;
}

}  // namespace

Result<Stream> QueryBinder::BindMlPredict(const syntax::FunctionCall& call, Position at) {
  ARROW_ASSIGN_OR_RAISE(const auto arguments, kPredict.Bind(call, at));
  ARROW_ASSIGN_OR_RAISE(
      const auto* table,
      ArgumentAs<syntax::TableArgument>(arguments[0], "ML_PREDICT's INPUT is a table", "TABLE t"));
  ARROW_ASSIGN_OR_RAISE(
      const auto* model_name,
      ArgumentAs<syntax::ModelArgument>(arguments[1], "ML_PREDICT's MODEL is a model", "MODEL m"));
  ARROW_ASSIGN_OR_RAISE(const auto* descriptor,
                        ArgumentAs<syntax::Descriptor>(
                            arguments[2], "ML_PREDICT's ARGS is a descriptor", "DESCRIPTOR(a, b)"));
  ARROW_ASSIGN_OR_RAISE(const std::string name, ObjectName(model_name->name));
  const auto model = context_.catalog.FindModel(name);
  if (model == nullptr)
    return UnknownObject("model", name, context_.catalog.ModelNames(), arguments[1]->position);

  ARROW_ASSIGN_OR_RAISE(From from, BindRelation(*table->relation, nullptr, false));
  ExpressionBinder binder(context_, from.scope);
  std::vector<ExpressionPtr> inputs;
  for (const auto& column : descriptor->columns) {
    ARROW_ASSIGN_OR_RAISE(auto value, binder.Bind({syntax::ColumnRef{{column}}, column.position}));
    inputs.push_back(std::move(value));
  }
  std::vector<int> partition_by;
  for (const auto& column : table->partition_by) {
    ARROW_ASSIGN_OR_RAISE(const auto value, binder.Bind(*column));
    if (!value->IsColumn())
      return NotPlanned("PARTITION BY an expression", column->position, "compute it in a view");
    partition_by.push_back(value->column);
  }
  PredictConfig config;
  config.model = model->config;
  ARROW_ASSIGN_OR_RAISE(config.arguments,
                        CoerceModelArguments(*model, std::move(inputs), arguments[2]->position));
  config.names = OutputNames(from.stream.schema(), config.model.output);
  if (arguments[3]) {
    ARROW_ASSIGN_OR_RAISE(const Options options, Config(arguments[3]));
    config.async = options.Bool("async");
    config.max_in_flight = config.async ? options.Int("max-concurrent-operations") : 1;
    if (options.String("output-mode") == "ALLOW_UNORDERED") config.order = PredictOrder::kUnordered;
    config.version_name = options.String("version-column");
    if (options.Has("timeout")) config.timeout_us = options.DurationMicros("timeout");
  }
  return Predict(std::move(from.stream), *model, std::move(config), partition_by, at);
}

}  // namespace millrace::sql
