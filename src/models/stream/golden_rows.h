#pragma once

#include "base/options.h"
#include "spi/model.h"

namespace millrace {

/// Rows that a version must score as expected before it serves (M9): the file `'golden-rows'`, an
/// object of INPUT and OUTPUT columns per line. Lines with columns of the model's 'key' are for
/// versions of that key only.
class GoldenRows {
 public:
  /// Without the option there are none. Errors say which line is wrong. Blocks.
  static Result<GoldenRows> Read(const ModelConfig& model, const Options& options,
                                 Services& services);

  /// A user error names the first line that the version fails. Blocks.
  Status Check(LoadedModel& version, const ModelRecord& record) const;

 private:
  struct Row {
    int line = 0;
    std::map<std::string, std::string> key;
    std::shared_ptr<arrow::RecordBatch> inputs;
    std::shared_ptr<arrow::RecordBatch> outputs;  ///< those that the line has
  };

  std::vector<Row> rows_;
  double tolerance_ = 0;
};

}  // namespace millrace
