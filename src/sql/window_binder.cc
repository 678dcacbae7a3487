// Windows: TUMBLE(TABLE t, DESCRIPTOR(ts), …) and its like in FROM, TUMBLE(ts, …) in GROUP BY.
#include "sql/window_binder.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "base/suggest.h"
#include "sql/query_binder.h"
#include "syntax/text.h"

namespace millrace::sql {
namespace {

/// The arguments of a window function behind the table and the time column.
struct WindowFunction {
  WindowSpec::Kind kind;
  std::vector<std::string> lengths;  ///< the last one is optional where it is OFFSET
  const char* example;
};

const std::map<std::string, WindowFunction>& WindowFunctions() {
  static const std::map<std::string, WindowFunction> functions = {
      {"TUMBLE",
       {WindowSpec::Kind::kTumble,
        {"SIZE", "OFFSET"},
        "TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' MINUTES)"}},
      {"HOP",
       {WindowSpec::Kind::kHop,
        {"SLIDE", "SIZE", "OFFSET"},
        "HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '5' MINUTES, INTERVAL '10' MINUTES)"}},
      {"CUMULATE",
       {WindowSpec::Kind::kCumulate,
        {"STEP", "SIZE", "OFFSET"},
        "CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '2' MINUTES, INTERVAL '10' MINUTES)"}},
      {"SESSION",
       {WindowSpec::Kind::kSession,
        {"GAP"},
        "SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '5' MINUTES)"}},
  };
  return functions;
}

using Arguments = std::map<std::string, const syntax::Expression*>;

Result<Arguments> ByName(const std::string& name, const WindowFunction& function,
                         const syntax::FunctionCall& call, Position at) {
  std::vector<std::string> parameters = {"DATA", "TIMECOL"};
  parameters.insert(parameters.end(), function.lengths.begin(), function.lengths.end());
  Arguments out;
  for (size_t i = 0; i < call.arguments.size(); ++i) {
    const syntax::Argument& argument = call.arguments[i];
    std::string parameter = i < parameters.size() ? parameters[i] : "";
    if (argument.name) {
      parameter = syntax::ToUpper(argument.name->name);
      if (std::find(parameters.begin(), parameters.end(), parameter) == parameters.end()) {
        return Error::User(name + " has no argument '" + argument.name->name + "'")
            .At(argument.name->position)
            .Hint(Suggest(parameter, parameters));
      }
    }
    if (parameter.empty() || !out.emplace(parameter, argument.value.get()).second) {
      return Error::User("too many arguments for " + name)
          .At(argument.value->position)
          .Hint(function.example);
    }
  }
  for (const auto& parameter : parameters) {
    if (parameter == "OFFSET" || out.count(parameter) > 0) continue;
    return Error::User(name + " misses its argument " + parameter).At(at).Hint(function.example);
  }
  return out;
}

Status SetLength(const std::string& parameter, const syntax::Expression& value,
                 WindowSpec* window) {
  ARROW_ASSIGN_OR_RAISE(const int64_t length, WindowLength(value, "a window's " + parameter));
  if (parameter == "OFFSET") {
    window->offset_us = length;
    return Status::OK();
  }
  if (length <= 0) {
    return Error::User("a window's " + parameter + " must be longer than nothing")
        .At(value.position);
  }
  const bool step = parameter == "SLIDE" || parameter == "STEP";
  (step ? window->step_us : window->size_us) = length;
  return Status::OK();
}

}  // namespace

Result<int64_t> WindowLength(const syntax::Expression& expression, const std::string& what) {
  const auto* interval = expression.As<syntax::IntervalLiteral>();
  if (interval == nullptr) {
    return Error::User(what + " is a literal INTERVAL")
        .At(expression.position)
        .Hint("INTERVAL '10' MINUTES");
  }
  if (interval->is_months) {
    return Error::User(what + " is an INTERVAL of months or years, which are of different lengths")
        .At(expression.position)
        .Hint("give it in days, such as INTERVAL '30' DAYS");
  }
  return interval->amount;
}

Status CheckWindow(const WindowSpec& window, Position at) {
  if (window.kind == WindowSpec::Kind::kCumulate && window.size_us % window.step_us != 0) {
    return Error::User("a CUMULATE window's size must be a multiple of its step").At(at);
  }
  if (window.kind == WindowSpec::Kind::kHop && window.size_us % window.step_us != 0) {
    return Error::User("a HOP window's size must be a multiple of its slide")
        .At(at)
        .Hint("HOP takes the slide first, then the size");
  }
  return Status::OK();
}

Result<int> WindowTimeColumn(const Stream& stream, const Schema& names,
                             const syntax::Identifier& column) {
  const int index = names.Find(column.name);
  if (index < 0) {
    return Error::User("no column '" + column.name + "' for the window's time")
        .At(column.position)
        .Hint(Suggest(column.name, names.Names()));
  }
  const PortPlan& plan = stream.plan();
  if (plan.rowtime == index) return index;
  const auto& processing_time = stream.node->times.processing_time;
  const bool is_processing_time =
      stream.port == 0 &&
      std::find(processing_time.begin(), processing_time.end(), index) != processing_time.end();
  if (is_processing_time) return -1;
  const std::string why =
      plan.rowtime >= 0 ? "; the rowtime of these rows is '" + names.column(plan.rowtime).name + "'"
                        : "";
  return Error::User("a window needs a time attribute, but '" + column.name +
                     "' is an ordinary column of " +
                     names.column(index).type.AsNullable().ToString() + why)
      .At(column.position)
      .Hint("declare it in CREATE TABLE with WATERMARK FOR " + column.name + " AS " + column.name +
            " - INTERVAL '5' SECOND, or take processing time from a column AS PROCTIME(); an "
            "aggregation without windows and a cast lose it");
}

Result<Stream> QueryBinder::BindWindowFunction(const std::string& name,
                                               const syntax::FunctionCall& call, Position at) {
  const WindowFunction& function = WindowFunctions().at(name);
  ARROW_ASSIGN_OR_RAISE(const auto arguments, ByName(name, function, call, at));
  const auto* table = arguments.at("DATA")->As<syntax::TableArgument>();
  if (table == nullptr) {
    return Error::User(name + "'s first argument is a table")
        .At(arguments.at("DATA")->position)
        .Hint(function.example);
  }
  const auto* descriptor = arguments.at("TIMECOL")->As<syntax::Descriptor>();
  if (descriptor == nullptr || descriptor->columns.size() != 1) {
    return Error::User(name + "'s time column is a DESCRIPTOR of one column")
        .At(arguments.at("TIMECOL")->position)
        .Hint(function.example);
  }
  ARROW_ASSIGN_OR_RAISE(From from, BindRelation(*table->relation, nullptr, false));
  if (!from.stream.append_only() && function.kind == WindowSpec::Kind::kSession) {
    return NotPlanned("a SESSION window over results that are updated", at);
  }
  WindowConfig config;
  config.window.kind = function.kind;
  ARROW_ASSIGN_OR_RAISE(
      config.window.time_column,
      WindowTimeColumn(from.stream, from.stream.schema(), descriptor->columns[0]));
  for (const auto& parameter : function.lengths) {
    const auto value = arguments.find(parameter);
    if (value == arguments.end()) continue;
    ARROW_RETURN_NOT_OK(SetLength(parameter, *value->second, &config.window));
  }
  ARROW_RETURN_NOT_OK(CheckWindow(config.window, at));
  if (!table->partition_by.empty() && function.kind != WindowSpec::Kind::kSession) {
    return Error::User("only SESSION takes PARTITION BY")
        .At(table->partition_by[0]->position)
        .Hint("the windows of " + name + " are the same for all keys");
  }
  ExpressionBinder binder(context_, from.scope);
  binder.SetClause("PARTITION BY");
  for (const auto& key : table->partition_by) {
    ARROW_ASSIGN_OR_RAISE(const auto bound, binder.Bind(key));
    if (!bound->IsColumn()) {
      return Error::User("SESSION's PARTITION BY takes columns").At(key->position);
    }
    config.keys.push_back(bound->column);
  }
  return Stream{nodes_.Window(name_, std::move(from.stream), std::move(config)), 0};
}

bool QueryBinder::IsWindowFunction(const std::string& name) {
  return WindowFunctions().count(name) > 0;
}

Result<std::optional<GroupWindow>> GroupWindow::Find(const syntax::Select& select,
                                                     const Stream& from, const Scope& scope) {
  std::optional<GroupWindow> found;
  for (const auto& grouping : select.group_by) {
    for (const auto& key : grouping.expressions) {
      const auto* call = key->As<syntax::FunctionCall>();
      const std::string name = call ? syntax::ToUpper(call->name.parts.back().name) : "";
      const auto function = WindowFunctions().find(name);
      if (function == WindowFunctions().end()) continue;
      const auto& lengths = function->second.lengths;
      const size_t count = lengths.size() - (lengths.back() == "OFFSET" ? 1 : 0);
      if (name == "CUMULATE" || call->arguments.size() != count + 1) {
        return Error::User(
                   "GROUP BY takes TUMBLE(ts, size), HOP(ts, slide, size) and "
                   "SESSION(ts, gap)")
            .At(key->position)
            .Hint("or the window function in FROM: " + std::string(function->second.example));
      }
      if (found) return Error::User("GROUP BY takes one window").At(key->position);
      GroupWindow window;
      window.function_ = name;
      window.arguments_ = call->arguments;
      window.spec_.kind = function->second.kind;
      const auto* column = call->arguments[0].value->As<syntax::ColumnRef>();
      if (column == nullptr) {
        return Error::User("a window needs a time column").At(call->arguments[0].value->position);
      }
      ARROW_ASSIGN_OR_RAISE(window.spec_.time_column,
                            WindowTimeColumn(from, scope.schema(), column->path.back()));
      for (size_t i = 0; i < count; ++i) {
        ARROW_RETURN_NOT_OK(SetLength(lengths[i], *call->arguments[i + 1].value, &window.spec_));
      }
      ARROW_RETURN_NOT_OK(sql::CheckWindow(window.spec_, key->position));
      window.first_ = from.schema().size();
      window.time_type_ = window.spec_.time_column < 0
                              ? SqlType::TimestampLtz(3)
                              : from.schema().column(window.spec_.time_column).type;
      found = std::move(window);
    }
  }
  return found;
}

ExpressionPtr GroupWindow::End(Position at) const {
  return Expression::Column(first_ + 1, SqlType::Timestamp(3).AsNotNull(), at);
}

Schema GroupWindow::columns() const {
  Schema added;
  added.Add("$window_start", SqlType::Timestamp(3).AsNotNull());
  added.Add("$window_end", SqlType::Timestamp(3).AsNotNull());
  added.Add("$window_time", time_type_.AsNotNull());
  return added;
}

Result<ExpressionPtr> GroupWindow::Bind(const syntax::FunctionCall& call, Position at) const {
  const std::string name = syntax::ToUpper(call.name.parts.back().name);
  if (!name.starts_with(function_)) return ExpressionPtr();
  const std::string part = name.substr(function_.size());
  const bool time = part == "_ROWTIME" || part == "_PROCTIME";
  if (!part.empty() && part != "_START" && part != "_END" && !time) return ExpressionPtr();
  if (call.arguments != arguments_) {
    return Error::User(name + " has other arguments than the " + function_ + " of GROUP BY").At(at);
  }
  if (time && (part == "_PROCTIME") != (spec_.time_column < 0)) {
    return Error::User(name + " does not fit: the windows are over " +
                       (spec_.time_column < 0 ? "processing time" : "event time"))
        .At(at);
  }
  if (part == "_END") return End(at);
  if (time) return Expression::Column(first_ + 2, time_type_.AsNotNull(), at);
  return Expression::Column(first_, SqlType::Timestamp(3).AsNotNull(), at);
}

}  // namespace millrace::sql
