#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace millrace {
class Session;
}

namespace millrace::cli {

/// What may stand at the end of `text`: the grammar's words, and the session's names where it takes
/// names.
std::vector<std::string> CompletionsOf(Session& session, std::string_view text);

}  // namespace millrace::cli
