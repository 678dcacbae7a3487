#pragma once

#include "models/pmml/model.h"

namespace millrace::pmml {

/// What <Targets> makes of a result: limits, scale, rounding, and what stands for a missing one.
void CompileTargets(const Element& targets, Compiler& compiler, const std::string& target,
                    ModelResult* result, Steps* steps);

/// The text that <Targets> gives for a value of the target, by value.
std::vector<std::pair<double, double>> DisplayValues(const Element& targets,
                                                     const ModelResult& result, const Field& target,
                                                     StringPool& pool);

}  // namespace millrace::pmml
