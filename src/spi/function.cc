#include "spi/function.h"

#include <utility>

namespace millrace {

void RowErrors::Add(int64_t row, std::string text) {
  if (!IsActive(row)) return;
  if (failed_.empty()) failed_.resize(static_cast<size_t>(rows_));
  uint8_t& failed = failed_[static_cast<size_t>(row)];
  if (failed != 0) return;
  failed = 1;
  errors_.push_back({static_cast<int32_t>(row), std::move(text), position_});
}

void RowErrors::AddToAll(const std::string& text) {
  for (int64_t row = 0; row < rows_; ++row) Add(row, text);
}

void RowErrors::Clear(int64_t rows) {
  rows_ = rows;
  active_ = nullptr;
  errors_.clear();
  failed_.clear();
}

}  // namespace millrace
