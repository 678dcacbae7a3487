#pragma once

#include <string_view>

namespace millrace {

/// Jobs and models as a page for browsers, over the REST API, every two seconds. It has no data of
/// its own; where the service wants a token it asks for it.
extern const std::string_view kStatusPage;

}  // namespace millrace
