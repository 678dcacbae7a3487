#pragma once

#include "models/pmml/model.h"

namespace millrace::pmml {

/// The fields of <Output>, over the result of `model`. Most are columns that exist already.
void CompileOutput(const Element& output, Scope& scope, const Field& target, const Model& model,
                   std::vector<Field>* fields, std::vector<bool>* is_final, Steps* steps);

}  // namespace millrace::pmml
