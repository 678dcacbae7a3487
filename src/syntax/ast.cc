#include "syntax/ast.h"

namespace millrace::syntax {

bool operator==(const Expression& a, const Expression& b) { return a.node == b.node; }

bool operator==(const Relation& a, const Relation& b) {
  return a.node == b.node && a.alias == b.alias;
}

bool operator==(const Query& a, const Query& b) {
  return a.with == b.with && a.body == b.body && a.order_by == b.order_by && a.limit == b.limit &&
         a.offset == b.offset;
}

bool operator==(const Statement& a, const Statement& b) {
  return a.node == b.node && a.comments == b.comments && a.trailing_comment == b.trailing_comment;
}

}  // namespace millrace::syntax
