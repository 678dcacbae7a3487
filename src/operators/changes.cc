#include "operators/changes.h"

#include <cstring>

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>

namespace millrace {
namespace {

/// Sets `changed[i]` where row i of the two arrays differs.
void MarkChanged(const arrow::Array& before, const arrow::Array& after,
                 std::vector<uint8_t>* changed) {
  const auto rows = static_cast<int64_t>(changed->size());
  const auto id = before.type_id();
  const bool raw = id != arrow::Type::BOOL && (arrow::is_primitive(id) || arrow::is_decimal(id));
  if (!raw) {
    for (int64_t i = 0; i < rows; ++i) {
      if (!before.RangeEquals(after, i, i + 1, i)) (*changed)[static_cast<size_t>(i)] = 1;
    }
    return;
  }
  const auto width = static_cast<size_t>(before.type()->byte_width());
  const auto values = [width](const arrow::Array& array) {
    return array.data()->buffers[1]->data() + static_cast<size_t>(array.offset()) * width;
  };
  const uint8_t* a = values(before);
  const uint8_t* b = values(after);
  const bool nulls = before.null_count() > 0 || after.null_count() > 0;
  for (size_t i = 0; i < changed->size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    if (nulls && (before.IsNull(row) || after.IsNull(row))) {
      (*changed)[i] |= before.IsNull(row) != after.IsNull(row);
    } else {
      (*changed)[i] |= std::memcmp(a + i * width, b + i * width, width) != 0;
    }
  }
}

}  // namespace

Result<Batch> ChangelogOf(const KeyChanges& changes, bool upsert,
                          const std::shared_ptr<arrow::Schema>& schema) {
  const size_t keys = changes.exists.size();
  std::vector<uint8_t> changed(keys);
  for (size_t c = 0; c < changes.before.size(); ++c) {
    MarkChanged(*changes.before[c], *changes.after[c], &changed);
  }
  arrow::Int32Builder key_rows, value_rows;  // of the values: those of before, then those of after
  arrow::Int8Builder kinds;
  const auto add = [&](RowKind kind, size_t key, bool after) -> Status {
    ARROW_RETURN_NOT_OK(kinds.Append(static_cast<int8_t>(kind)));
    ARROW_RETURN_NOT_OK(key_rows.Append(static_cast<int32_t>(key)));
    return value_rows.Append(static_cast<int32_t>(after ? keys + key : key));
  };
  for (size_t key = 0; key < keys; ++key) {
    if (!changes.existed[key]) {
      if (changes.exists[key]) ARROW_RETURN_NOT_OK(add(RowKind::kInsert, key, true));
    } else if (!changes.exists[key]) {
      ARROW_RETURN_NOT_OK(add(RowKind::kDelete, key, false));
    } else if (changed[key]) {
      if (!upsert) ARROW_RETURN_NOT_OK(add(RowKind::kUpdateBefore, key, false));
      ARROW_RETURN_NOT_OK(add(RowKind::kUpdateAfter, key, true));
    }
  }
  std::shared_ptr<arrow::Array> key_index, value_index;
  Batch batch;
  ARROW_RETURN_NOT_OK(key_rows.Finish(&key_index));
  ARROW_RETURN_NOT_OK(value_rows.Finish(&value_index));
  ARROW_RETURN_NOT_OK(kinds.Finish(&batch.kinds));
  arrow::ArrayVector columns;
  for (const auto& column : changes.keys) {
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), arrow::compute::Take(*column, *key_index));
  }
  for (size_t c = 0; c < changes.before.size(); ++c) {
    ARROW_ASSIGN_OR_RAISE(const auto both,
                          arrow::Concatenate({changes.before[c], changes.after[c]}));
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), arrow::compute::Take(*both, *value_index));
  }
  batch.rows = arrow::RecordBatch::Make(schema, key_index->length(), std::move(columns));
  return batch;
}

}  // namespace millrace
