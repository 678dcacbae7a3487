// JSON_VALUE and its kin: their clauses become text literals that the functions read.
#include "sql/coerce.h"
#include "sql/expression_binder.h"

namespace millrace::sql {
namespace {

ExpressionPtr Word(std::string word, Position at) {
  return Expression::Literal(std::move(word), SqlType::String().AsNotNull(), at);
}

const syntax::CallClause* ClauseOf(const syntax::FunctionCall& call, std::string_view name) {
  for (const auto& clause : call.clauses) {
    if (clause.name == name) return &clause;
  }
  return nullptr;
}

/// A clause's keyword; `otherwise` where it is not written.
std::string KeywordOf(const syntax::FunctionCall& call, std::string_view name,
                      const char* otherwise) {
  const auto* clause = ClauseOf(call, name);
  if (clause == nullptr) return otherwise;
  const auto* keyword = clause->value->As<syntax::Keyword>();
  return keyword == nullptr ? "DEFAULT" : keyword->word;
}

}  // namespace

bool IsJsonCall(const std::string& name) {
  return name == "JSON_VALUE" || name == "JSON_QUERY" || name == "JSON_EXISTS" ||
         name == "JSON_OBJECT" || name == "JSON_ARRAY";
}

Result<ExpressionPtr> ExpressionBinder::BindJsonCall(const std::string& name,
                                                     const syntax::FunctionCall& call,
                                                     Position position) {
  ARROW_ASSIGN_OR_RAISE(auto arguments, BindArguments(call));
  const auto add_word = [&](const char* clause, const char* otherwise) {
    arguments.push_back(Word(KeywordOf(call, clause, otherwise), position));
  };
  if (name == "JSON_OBJECT" || name == "JSON_ARRAY") {
    const char* otherwise = name == "JSON_OBJECT" ? "NULL" : "ABSENT";
    arguments.insert(arguments.begin(), Word(KeywordOf(call, "ON NULL", otherwise), position));
    return Call(name, std::move(arguments), position);
  }
  if (name == "JSON_EXISTS") {
    add_word("ON ERROR", "FALSE");
    return Call(name, std::move(arguments), position);
  }
  if (name == "JSON_QUERY") {
    add_word("WRAPPER", "WITHOUT ARRAY");
    add_word("ON EMPTY", "NULL");
    add_word("ON ERROR", "NULL");
  } else {
    for (const char* clause : {"ON EMPTY", "ON ERROR"}) {
      add_word(clause, "NULL");
      ExpressionPtr value = Word("", position);
      if (arguments.back()->literal == LiteralValue(std::string("DEFAULT"))) {
        ARROW_ASSIGN_OR_RAISE(value, Bind(ClauseOf(call, clause)->value));
        if (!value->IsLiteral() || !value->type.is_string()) {
          return Error::User("the DEFAULT of JSON_VALUE must be a text literal")
              .At(position)
              .Hint("write DEFAULT '0'; RETURNING makes a number of it");
        }
      }
      arguments.push_back(std::move(value));
    }
  }
  ARROW_ASSIGN_OR_RAISE(auto found, Call(name, std::move(arguments), position));
  const auto* returning = ClauseOf(call, "RETURNING");
  if (returning == nullptr) return found;
  return CastTo(found, returning->value->As<syntax::TypeName>()->type.AsNullable());
}

}  // namespace millrace::sql
