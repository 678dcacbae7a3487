#pragma once

#include "catalog/objects.h"
#include "syntax/ast.h"

namespace millrace {

/// The CREATE TABLE of a table with `action` applied to it: still to be checked as any other. An
/// action that names what the table does not have is an error.
Result<syntax::CreateTable> AlteredTable(const Table& table, const syntax::Alter& alter);

/// The CREATE MODEL of a model with its options changed.
Result<syntax::CreateModel> AlteredModel(const Model& model, const syntax::Alter& alter);

}  // namespace millrace
