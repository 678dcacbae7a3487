#pragma once

#include <ostream>

#include "spi/connector.h"

namespace millrace {

/// The connector 'print': writes rows as text to `out`, or to `err` where the table says so.
ConnectorSpec PrintConnector(std::ostream& out, std::ostream& err);

/// A value as Flink's 'print' shows it: "null", "2024-01-01T00:00", "[1, 2]", "{k=v}", "+I[1, a]".
void AppendPrinted(const SqlType& type, const arrow::Array& column, int64_t row, std::string* out);

}  // namespace millrace
