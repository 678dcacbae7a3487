#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "sql/context.h"
#include "sql/expression_binder.h"
#include "sql/logical_node.h"
#include "sql/scope.h"

namespace millrace::sql {

/// Turns the queries of one job into logical nodes. What several of them read (a table, a view)
/// becomes one node.
class QueryBinder {
 public:
  explicit QueryBinder(const PlannerContext& context) : context_(context) {}

  NodeFactory& nodes() { return nodes_; }

  /// `name` is the view or table that the query is for; it names the nodes.
  Result<Stream> Bind(const syntax::Query& query, const std::string& name);

 private:
  struct From {
    Stream stream;
    Scope scope;
  };
  struct Cte {
    const syntax::CommonTable* table;
    Stream stream;
  };

  Result<Stream> BindBody(const syntax::Select&, Position);
  Result<Stream> BindBody(const syntax::SetOperation&, Position);
  Result<Stream> BindBody(const syntax::Values&, Position);
  Result<Stream> BindLimit(const syntax::Query&, Stream);

  Result<From> BindFrom(const syntax::Select&);
  Result<From> BindRelation(const syntax::Relation&, const From* left, bool outer);
  Result<Stream> BindName(const syntax::TableName&, Position);
  Result<From> BindUnnest(const syntax::Relation&, const syntax::Unnest&, const From& left,
                          bool outer);
  Result<From> BindJoin(const syntax::Join&, Position);
  Result<Stream> BindTableFunction(const syntax::TableFunction&, Position);
  Result<Stream> BindMlPredict(const syntax::FunctionCall&, Position);
  Result<Stream> BindPort(const std::string& table, const std::string& port, Position);

  Result<Stream> PlacePredictions(Stream input, ModelCalls& models,
                                  const std::function<ExpressionPtr(const ExpressionPtr&)>& place);
  Result<Stream> Predict(Stream input, PredictConfig config, Position);
  Stream Distinct(Stream);
  Result<Stream> Rename(Stream, const std::vector<syntax::Identifier>& columns,
                        const syntax::Identifier& of);
  Result<std::vector<syntax::SelectItem>> ExpandStars(const syntax::Select&, const Scope&);
  Status RejectUnplanned(const syntax::Select&);

  const PlannerContext& context_;
  NodeFactory nodes_;
  std::string name_;
  std::vector<Cte> ctes_;
  std::map<std::string, Stream> shared_;  ///< by table and hints, or view
  int depth_ = 0;
};

}  // namespace millrace::sql
