#include "spi/connector.h"

namespace millrace {

std::span<const OptionSpec> WatermarkOptions() {
  static const std::vector<OptionSpec> specs = {
      {.key = "scan.watermark.idle-timeout",
       .type = OptionType::kDuration,
       .doc = "A split without rows for so long does not hold the watermark back; default: "
              "'table.exec.source.idle-timeout'."},
      {.key = "scan.watermark.alignment.group",
       .doc = "Tables of a job with the same group are read in step in event time."},
      {.key = "scan.watermark.alignment.max-drift",
       .type = OptionType::kDuration,
       .doc = "How far ahead of the group's slowest split one may be read."},
      {.key = "scan.watermark.alignment.update-interval",
       .type = OptionType::kDuration,
       .default_value = "1 s",
       .doc = "How often the group's members look at each other."}};
  return specs;
}

Schema SourceRequest::OutputSchema() const {
  Schema schema;
  for (const int column : config.projection) {
    const auto& field = config.table.physical.column(column);
    schema.Add(field.name, field.type);
  }
  for (const auto& column : config.metadata) schema.Add(column.name, column.type);
  return schema;
}

}  // namespace millrace
