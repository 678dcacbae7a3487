#pragma once

#include <memory>

#include "models/pmml/program.h"
#include "spi/model.h"

namespace millrace::pmml {

/// The inputs and outputs of a program for a CREATE MODEL. What is declared may be written with
/// underscores where the document's names have other characters; a numeric field takes any number
/// or text; columns that the document does not name are left unread; a target whose values are all
/// numbers may be declared as one. Without a declaration every field has its own type.
ModelSignature SignatureFor(const Program& program, const ModelConfig& config);

/// Scores on the caller's thread. A NULL is a missing value, which the document's own rules treat.
Result<ModelLease> MakePmmlModel(std::shared_ptr<const Program> program, const ModelConfig& config,
                                 std::string version);

}  // namespace millrace::pmml
