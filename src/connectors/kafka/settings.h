#pragma once

#include <map>
#include <string>
#include <vector>

#include "connectors/kafka/client.h"
#include "spi/connector.h"
#include "spi/services.h"

namespace millrace {

/// The client properties of a table: what is under 'properties.', in librdkafka's words.
KafkaProperties PropertiesOf(const Options& options);

/// Columns of a table, by where they are in a record.
struct KafkaColumns {
  Schema key;                    ///< as the key format knows them: without their prefix
  std::vector<int> key_columns;  ///< of the table's physical columns
  Schema value;
  std::vector<int> value_columns;
  const FormatSpec* key_format = nullptr;  ///< null: the key is not read or written
  Options key_options;
};

/// `metadata`: columns of the table that are no part of the record's value.
Result<KafkaColumns> ColumnsOf(const TableConfig& table, const Options& options,
                               const std::vector<MetadataColumn>& metadata,
                               const Registries& registries);

inline bool IsUpsert(const TableConfig& table) { return table.connector == "upsert-kafka"; }

/// "a;b" as its parts.
std::vector<std::string> SplitList(const std::string& text);
/// "partition:0,offset:42;partition:1,offset:300" as offsets by partition.
Result<std::map<int32_t, int64_t>> ParseSpecificOffsets(const std::string& key,
                                                        const std::string& text);

}  // namespace millrace
