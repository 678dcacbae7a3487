#include "connectors/datagen.h"

#include <algorithm>

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "base/suggest.h"
#include "connectors/datagen_column.h"
#include "spi/services.h"

namespace millrace {
namespace {

/// All columns of a table.
struct Columns {
  std::vector<std::unique_ptr<DatagenColumn>> columns;
  std::optional<int64_t> rows;  ///< until the shortest sequence ends
};

Result<Columns> MakeColumns(const Schema& schema, const Options& options) {
  DatagenOptions fields{options.Under("fields."), {}};
  Columns result;
  for (int i = 0; i < schema.size(); ++i) {
    const auto& column = schema.column(i);
    ARROW_ASSIGN_OR_RAISE(auto generator,
                          MakeDatagenColumn(column.name, column.type, fields,
                                            Mix(0x64617461, static_cast<uint64_t>(i))));
    if (const auto length = generator->length()) {
      result.rows = std::min(result.rows.value_or(*length), *length);
    }
    result.columns.push_back(std::move(generator));
  }
  for (const auto& [key, value] : fields.values) {
    if (fields.used.contains(key)) continue;
    std::vector<std::string> known;
    for (const auto& [name, used] : fields.used) known.push_back("fields." + name);
    return Error::User("connector 'datagen' has no option 'fields." + key + "' for this table")
        .Hint(Suggest("fields." + key, known));
  }
  return result;
}

class DatagenGenerator final : public RowGenerator {
 public:
  DatagenGenerator(Columns columns, const SourceRequest& request)
      : columns_(std::move(columns)),
        projection_(request.config.projection),
        schema_(request.OutputSchema()),
        arrow_schema_(schema_.ToArrow()) {}

  Result<std::shared_ptr<arrow::RecordBatch>> Generate(const RowNumbers& numbers, uint64_t seed,
                                                       int64_t now_us) override {
    std::vector<std::shared_ptr<arrow::Array>> arrays;
    for (size_t i = 0; i < projection_.size(); ++i) {
      ColumnBuffer buffer(schema_.column(static_cast<int>(i)).type);
      columns_.columns[static_cast<size_t>(projection_[i])]->Generate(numbers, {seed, now_us},
                                                                      &buffer);
      arrays.push_back(buffer.Finish());
    }
    return arrow::RecordBatch::Make(arrow_schema_, numbers.count, std::move(arrays));
  }

 private:
  Columns columns_;
  std::vector<int> projection_;
  Schema schema_;
  std::shared_ptr<arrow::Schema> arrow_schema_;
};

std::optional<uint64_t> SeedOf(const Options& options) {
  if (!options.Has("seed")) return std::nullopt;
  return static_cast<uint64_t>(options.Int("seed"));
}

}  // namespace

ConnectorSpec DatagenConnector() {
  ConnectorSpec spec;
  spec.name = "datagen";
  spec.doc =
      "Generates rows: each column random, within bounds, or a sequence. Without an end unless "
      "'number-of-rows' is "
      "set or a column is a sequence. The same seed gives the same rows, at any parallelism; only "
      "TIMESTAMP, DATE and "
      "TIME follow the clock. The options below `fields.` begin with the column's name: "
      "`fields.<column>.kind` "
      "('random' or 'sequence'), `min` and `max` (numbers), `max-past` (timestamps), `length` "
      "(strings, bytes, "
      "collections), `var-len` (whether the length varies up to it), `start` and `end` "
      "(sequences), `null-rate`. "
      "Parts of a column are named by `<column>.element`, `<column>.key`, `<column>.value` and "
      "`<column>.<field>`.";
  spec.example =
      "CREATE TABLE orders (id BIGINT, amount DOUBLE, t TIMESTAMP(3)) WITH (\n"
      "  'connector' = 'datagen', 'rows-per-second' = '1000',\n"
      "  'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '100000',\n"
      "  'fields.amount.min' = '0', 'fields.amount.max' = '100')";
  spec.options = {
      {.key = "rows-per-second",
       .type = OptionType::kInt,
       .default_value = "10000",
       .doc = "Rows of all readers together; 0: as fast as they are taken.",
       .min = 0},
      {.key = "number-of-rows",
       .type = OptionType::kInt,
       .doc = "After so many rows it ends.",
       .min = 0},
      {.key = "seed",
       .type = OptionType::kInt,
       .doc = "Of the random values; by default another one each time."},
      {.key = "fields.", .doc = "What a column holds.", .prefix = true},
  };
  spec.bounded = [](const Options& options) {
    if (options.Has("number-of-rows")) return true;
    const auto fields = options.Under("fields.");
    return std::any_of(fields.begin(), fields.end(), [](const auto& field) {
      return field.first.ends_with(".kind") && field.second == "sequence";
    });
  };
  spec.check = [](const TableConfig& table, const Options& options) {
    return MakeColumns(table.physical, options).status();
  };
  spec.make_finder = [](const SourceRequest& request) -> Result<std::unique_ptr<SplitFinder>> {
    return MakeGeneratedFinder(SeedOf(request.options));
  };
  spec.make_reader = [](const SourceRequest& request) -> Result<std::unique_ptr<SourceReader>> {
    ARROW_ASSIGN_OR_RAISE(auto columns,
                          MakeColumns(request.config.table.physical, request.options));
    GeneratedRows rows{columns.rows, static_cast<double>(request.options.Int("rows-per-second"))};
    if (request.options.Has("number-of-rows")) {
      const int64_t number = request.options.Int("number-of-rows");
      rows.total = std::min(rows.total.value_or(number), number);
    }
    return MakeGeneratedReader(rows,
                               std::make_unique<DatagenGenerator>(std::move(columns), request),
                               request.services.env());
  };
  return spec;
}

}  // namespace millrace
