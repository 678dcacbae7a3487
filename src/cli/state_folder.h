#pragma once

#include <string>

namespace millrace::cli {

/// Where `millrace serve` listens, and where `millrace job` asks, unless told otherwise.
constexpr int kServicePort = 8088;

/// `name` in the user's state folder ($XDG_STATE_HOME/millrace), which is made where it is missing;
/// empty where there is none.
std::string StateFolder(const std::string& name);

}  // namespace millrace::cli
