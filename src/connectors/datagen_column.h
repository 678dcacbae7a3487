#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "connectors/generated_source.h"
#include "types/column_buffer.h"

namespace millrace {

/// Where a run of values is generated.
struct GenerateContext {
  uint64_t seed;
  int64_t now_us;
};

/// Generates the values of a column or of a part of one.
class DatagenColumn {
 public:
  virtual ~DatagenColumn() = default;
  /// Appends the values of the rows `numbers`.
  virtual void Generate(const RowNumbers& numbers, const GenerateContext& context,
                        ColumnBuffer* out) const = 0;
  /// Rows until a sequence ends.
  virtual std::optional<int64_t> length() const { return std::nullopt; }
};

/// The options below "fields.", as written; `used` collects those that a column has asked for.
struct DatagenOptions {
  std::map<std::string, std::string> values;
  mutable std::map<std::string, bool> used;
};

/// `path`: of the column, "price" or "order.price". `salt` tells the columns' random numbers apart.
Result<std::unique_ptr<DatagenColumn>> MakeDatagenColumn(const std::string& path,
                                                         const SqlType& type,
                                                         const DatagenOptions& options,
                                                         uint64_t salt);

}  // namespace millrace
