#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plan/expression.h"
#include "syntax/ast.h"
#include "types/schema.h"

namespace millrace::sql {

/// The columns that names can mean: those of the relations in FROM, side by side.
class Scope {
 public:
  struct Relation {
    std::string alias;  ///< empty: only bare column names reach it
    int first = 0;      ///< of its columns in the stream
    Schema schema;
  };

  void Add(std::string alias, Schema schema);
  const std::vector<Relation>& relations() const { return relations_; }
  int width() const { return width_; }
  Schema schema() const;

  /// A column, or a field inside one; no value where there is none. An error where the name is
  /// ambiguous, or a field of the path is missing.
  Result<std::optional<ExpressionPtr>> Resolve(const std::vector<syntax::Identifier>& path) const;

  /// The error for a path that nothing resolves, with what may be meant; `more` are other names
  /// that would do.
  Status Unknown(const std::vector<syntax::Identifier>& path,
                 const std::vector<std::string>& more = {}) const;

  const Relation* Find(const std::string& alias) const;

 private:
  Result<std::optional<int>> FindColumn(const syntax::Identifier& name) const;

  std::vector<Relation> relations_;
  int width_ = 0;
};

/// `field` of a ROW value; a constructed row gives its part directly.
Result<ExpressionPtr> FieldOf(const ExpressionPtr& row, const syntax::Identifier& field);

}  // namespace millrace::sql
