#pragma once

#include <string>

namespace millrace {

struct Registries;

/// The reference page of all functions in Markdown, by family.
std::string FunctionsReference(const Registries& registries);

}  // namespace millrace
