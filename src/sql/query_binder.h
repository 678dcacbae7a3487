#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "sql/context.h"
#include "sql/expression_binder.h"
#include "sql/logical_node.h"
#include "sql/row_numbers.h"
#include "sql/scope.h"

namespace millrace::sql {

class GroupWindow;
struct SelectOutputs;

/// Turns the queries of one job into logical nodes. What several of them read (a table, a view)
/// becomes one node.
class QueryBinder {
 public:
  explicit QueryBinder(const PlannerContext& context) : context_(context) {}

  NodeFactory& nodes() { return nodes_; }

  /// `name` is the view or table that the query is for; it names the nodes.
  Result<Stream> Bind(const syntax::Query& query, const std::string& name);

  /// Whether all that feeds the sinks can run: a ROW_NUMBER without a bound cannot.
  Status CheckRunnable(const std::vector<LogicalNodePtr>& sinks) const;

 private:
  struct From {
    Stream stream;
    Scope scope;
  };
  struct Cte {
    const syntax::CommonTable* table;
    Stream stream;
  };

  /// The body with the query's ORDER BY, LIMIT and OFFSET.
  Result<Stream> BindBody(const syntax::Select&, const syntax::Query&);
  Result<Stream> BindBody(const syntax::SetOperation&, const syntax::Query&);
  Result<Stream> BindBody(const syntax::Values&, const syntax::Query&);
  Result<Stream> BindSet(const syntax::SetOperation&);
  Result<Stream> BindValues(const syntax::Values&, Position);
  /// Orders by the stream's own columns.
  Result<Stream> BindOrder(const syntax::Query&, Stream);
  Result<Stream> PlaceOrder(const syntax::Query&, Stream, const std::vector<OrderKey>& order);
  Result<Stream> BindLimit(const syntax::Query&, Stream);

  Result<From> BindFrom(const syntax::Select&);
  Result<From> BindRelation(const syntax::Relation&, const From* left, bool outer);
  Result<Stream> BindName(const syntax::TableName&, Position);
  Result<From> BindUnnest(const syntax::Relation&, const syntax::Unnest&, const From& left,
                          bool outer);
  Result<From> BindJoin(const syntax::Join&, Position);
  Result<Stream> BindTableFunction(const syntax::TableFunction&, Position);
  static bool IsWindowFunction(const std::string& name);
  Result<Stream> BindWindowFunction(const std::string& name, const syntax::FunctionCall&, Position);
  Result<Stream> BindMlPredict(const syntax::FunctionCall&, Position);
  Result<Stream> BindMlEvaluate(const syntax::FunctionCall&, Position);
  Result<Stream> BindPort(const std::string& table, const std::string& port, Position);

  Result<Stream> PlacePredictions(Stream input, ModelCalls& models,
                                  const std::function<ExpressionPtr(const ExpressionPtr&)>& place);
  /// `partition_by` are columns of the input.
  Result<Stream> Predict(Stream input, const Model& model, PredictConfig config,
                         const std::vector<int>& partition_by, Position);
  Result<Stream> PredictByStream(Stream input, const Model& model, PredictConfig config,
                                 const std::vector<int>& partition_by, Position);
  Result<Stream> Distinct(Stream);
  Result<Stream> Rename(Stream, const std::vector<syntax::Identifier>& columns,
                        const syntax::Identifier& of);
  Result<std::vector<syntax::SelectItem>> ExpandStars(const syntax::Select&, const Scope&);
  Result<Stream> PlaceGroupWindow(const GroupWindow&, const GroupKeys&, Stream);
  Result<Stream> PlaceRowNumbers(Stream, SelectOutputs*);
  Result<Stream> Project(const syntax::Select&, const syntax::Query&, Stream, SelectOutputs);

  const PlannerContext& context_;
  NodeFactory nodes_;
  std::string name_;
  std::vector<Cte> ctes_;
  std::map<LogicalNodePtr, Position> row_numbers_;  ///< where they are written
  std::map<std::string, Stream> shared_;            ///< by table and hints, or view
  int depth_ = 0;
};

}  // namespace millrace::sql
