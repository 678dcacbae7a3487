#pragma once

#include <memory>
#include <string>

#include <arrow/type_fwd.h>

#include "spi/connector.h"

namespace millrace {

// Connectors over what the process knows of itself, such as what its models have done.

/// All rows, with all columns, as they are now.
using ProcessRowsOf = Result<std::shared_ptr<arrow::RecordBatch>> (*)(Services&);

/// For `ConnectorSpec::check`: a user error where a column of the table is none of the known ones.
Status CheckProcessTable(const std::string& name, const Schema& known, const TableConfig& table);

/// Makes a bounded source of the spec, whose name is set: it reads the rows when a job starts.
void ReadsProcess(ConnectorSpec* spec, Schema (*known)(), ProcessRowsOf rows_of);

}  // namespace millrace
