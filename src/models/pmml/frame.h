#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "models/pmml/values.h"

namespace millrace::pmml {

/// Rows that are evaluated together: their columns stay in the nearest caches.
inline constexpr int kBlockRows = 256;

/// A column of the program: an input, a derived field, a result.
using Slot = int32_t;
inline constexpr Slot kNoSlot = -1;

/// The columns of one block of rows, and the scratch of one call. One thread.
class Frame {
 public:
  Frame(int slots, const StringPool& pool)
      : storage_(static_cast<size_t>(slots) * kBlockRows),
        columns_(static_cast<size_t>(slots)),
        strings_(pool) {
    for (size_t i = 0; i < columns_.size(); ++i) columns_[i] = storage_.data() + i * kBlockRows;
  }

  int rows() const { return rows_; }
  const double* Read(Slot slot) const { return columns_[static_cast<size_t>(slot)]; }
  const double* const* columns() const { return columns_.data(); }
  /// The column's own memory, which it has from now on.
  double* Write(Slot slot) {
    double* own = storage_.data() + static_cast<size_t>(slot) * kBlockRows;
    columns_[static_cast<size_t>(slot)] = own;
    return own;
  }
  Strings& strings() { return strings_; }

  /// The next `rows` rows, which are those from `first` of the call.
  void Begin(int64_t first, int rows) {
    first_ = first;
    rows_ = rows;
  }
  /// A column that lies elsewhere; valid until it is bound again.
  void Bind(Slot slot, const double* column) { columns_[static_cast<size_t>(slot)] = column; }

  /// The row of the block cannot be scored; the first reason stays.
  void Fail(int row, const std::string& reason) { errors_.emplace(first_ + row, reason); }
  const std::map<int64_t, std::string>& errors() const { return errors_; }
  /// For the next call.
  void Forget() {
    errors_.clear();
    strings_.Forget();
  }

 private:
  friend class Scratch;

  std::vector<double> storage_;
  std::vector<const double*> columns_;
  std::vector<std::unique_ptr<double[]>> scratch_;
  size_t scratch_used_ = 0;
  Strings strings_;
  int64_t first_ = 0;
  int rows_ = 0;
  std::map<int64_t, std::string> errors_;
};

/// A column for the time of a block. Scratches end in the reverse order of their beginnings.
class Scratch {
 public:
  explicit Scratch(Frame& frame) : frame_(frame) {
    if (frame_.scratch_used_ == frame_.scratch_.size())
      frame_.scratch_.push_back(std::make_unique<double[]>(kBlockRows));
    column_ = frame_.scratch_[frame_.scratch_used_++].get();
  }
  ~Scratch() { --frame_.scratch_used_; }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  double* get() const { return column_; }
  double& operator[](int row) const { return column_[row]; }

 private:
  Frame& frame_;
  double* column_;
};

/// Which rows of a block a model is asked for; null: all. Rows that are not may hold anything.
using Active = const uint8_t*;

/// Fills columns of a frame from others. Immutable; thread-safe.
class Step {
 public:
  virtual ~Step() = default;
  virtual void Run(Frame& frame, Active active) const = 0;
};
using Steps = std::vector<std::unique_ptr<Step>>;

}  // namespace millrace::pmml
