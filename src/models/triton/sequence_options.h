#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "base/options.h"
#include "plan/nodes.h"
#include "spi/services.h"

namespace millrace {

/// Whether requests are marked as the first or the last of their sequence.
struct SequenceMark {
  bool always = false;
  int column = -1;  ///< a BOOLEAN column of INPUT that says it for each row; -1: none
};

/// The 'sequence-…' options of a model, read (T7).
struct SequenceOptions {
  /// A piece of the id: text, or the value of a column of INPUT.
  struct Piece {
    std::string text;
    int column = -1;
  };

  std::vector<Piece> id;  ///< empty: the model keeps no sequences
  bool auto_increment = false;
  SequenceMark start, end;
  int64_t gap_us = 0;  ///< a row that comes so long after the last of its id opens a new sequence

  static std::vector<OptionSpec> Specs();
  /// `input`: the columns that a template may name. User errors name unknown columns.
  static Result<SequenceOptions> Read(const Options& options, const SecretProvider& secrets,
                                      const Schema& input);

  bool enabled() const { return !id.empty(); }
  std::vector<int> id_columns() const;
  bool has_columns() const { return !id_columns().empty(); }
  /// All columns of INPUT that the options name.
  std::vector<int> columns() const;
  /// The id of a row; an empty one where a column of it is NULL.
  std::string IdOf(const arrow::RecordBatch& rows, int64_t row) const;
  static bool Flag(const SequenceMark& mark, const arrow::RecordBatch& rows, int64_t row);
};

}  // namespace millrace
