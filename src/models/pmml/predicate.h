#pragma once

#include "models/pmml/decision_graph.h"
#include "models/pmml/scope.h"

namespace millrace::pmml {

/// Where a row goes whose predicate is true, false or, for want of a value, unknown.
struct Outcomes {
  DecisionGraphBuilder::Target yes, no, unknown;
};

/// The first child of `element` that is a predicate; throws where there is none.
Element PredicateOf(const Element& element);

/// Adds the predicate to `builder`; the target that decides it.
DecisionGraphBuilder::Target CompilePredicate(const Element& predicate, Scope& scope,
                                              DecisionGraphBuilder& builder,
                                              const Outcomes& outcomes);

}  // namespace millrace::pmml
