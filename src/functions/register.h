#pragma once

namespace millrace {

struct Registries;

/// Adds every built-in scalar and aggregate function.
void RegisterFunctions(Registries& registries);

}  // namespace millrace
