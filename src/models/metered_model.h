#pragma once

#include <memory>
#include <string>

#include "models/open_work.h"
#include "spi/services.h"

namespace millrace {

/// The model, counting what goes through it, per model and version: `requests`, `success`,
/// `failure`, `latency` (µs), `output_rows`, `failed_rows`, `batch_size`, `in_flight`, `first_use`
/// and `last_use` (µs since 1970), `fastest` (µs); the names start with "model_". Each call is open
/// work until its `done` has returned.
ModelLease Metered(ModelLease model, const std::string& name, Services& services,
                   std::shared_ptr<OpenWork> work);

}  // namespace millrace
