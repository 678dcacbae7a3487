#pragma once

#include <memory>

#include "models/pmml/expression.h"

namespace millrace::pmml {

/// A <TextIndex>: how often a term stands in a text, after the text's normalizations. Letters of
/// ASCII are compared without their case where the document says so; a pattern is one of
/// ECMAScript.
std::unique_ptr<Expression> CompileTextIndex(const Element& element, Scope& scope);

}  // namespace millrace::pmml
