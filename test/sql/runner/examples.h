#pragma once

#include <string>
#include <vector>

#include "world.h"

namespace millrace::sql_script {

/// The names of all functions whose declaration has examples; operators too.
std::vector<std::string> FunctionsWithExamples();

/// Evaluates a function's examples; what is otherwise than declared.
std::vector<std::string> CheckExamples(const std::string& function, World& world);

}  // namespace millrace::sql_script
