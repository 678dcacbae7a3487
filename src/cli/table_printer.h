#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "types/batch.h"
#include "types/schema.h"

namespace millrace::cli {

/// Prints rows as an aligned table on stdout. Widths are those of the first rows; later ones that
/// are wider stick out.
class TablePrinter {
 public:
  static constexpr size_t kRowsForWidths = 1000;

  /// `with_kinds`: a first column says what each row does, "+I", "-U", "+U", "-D".
  TablePrinter(Schema columns, bool with_kinds);

  void Add(const arrow::RecordBatch& rows, const arrow::Int8Array* kinds);
  /// Prints what waits for widths.
  void Flush();
  /// Prints the rest and the lower edge.
  void Finish();

  int64_t rows() const { return rows_; }

 private:
  using Line = std::vector<std::string>;

  void PrintEdge() const;
  void PrintLine(const Line& line) const;

  Schema columns_;
  bool with_kinds_;
  std::vector<bool> right_;  ///< columns of numbers
  std::vector<size_t> widths_;
  std::vector<Line> waiting_;
  bool begun_ = false;
  int64_t rows_ = 0;
};

}  // namespace millrace::cli
