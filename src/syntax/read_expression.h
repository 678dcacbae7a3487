#pragma once

#include <vector>

#include "syntax/ast_query.h"
#include "syntax/cursor.h"
#include "syntax/operators.h"

namespace millrace::syntax {

/// Stops before the first operator that binds less tightly than `min`.
ExpressionPtr ReadExpression(Cursor& cursor, int min = kAnyPrecedence);

std::vector<ExpressionPtr> ReadExpressions(Cursor& cursor);  ///< a, b, …
OrderItem ReadOrderItem(Cursor& cursor);
WindowSpec ReadWindowSpec(Cursor& cursor);  ///< with its parentheses

/// A literal, a name, a call, a constructor or something in parentheses, without what follows it.
ExpressionPtr ReadPrimary(Cursor& cursor);

/// A call whose name has been read, from the opening parenthesis on.
/// `plain`: the name is one word without backquotes, so that EXTRACT, TRIM … have their own syntax.
ExpressionPtr ReadCall(Cursor& cursor, QualifiedName name, bool plain);

/// Reads the arguments of a function with a syntax of its own, up to the closing parenthesis.
/// False where `call` is not one; nothing is read then.
bool ReadSpecialArguments(Cursor& cursor, FunctionCall* call);
bool HasSpecialArguments(std::string_view function);  ///< whether there is such a syntax; any case

/// The arguments of a call, separated by commas; none before a closing parenthesis.
void ReadArguments(Cursor& cursor, FunctionCall* call);

template <class Node>
ExpressionPtr MakeExpression(Node node, const Position& position) {
  return MakePtr(Expression{std::move(node), position});
}

}  // namespace millrace::syntax
