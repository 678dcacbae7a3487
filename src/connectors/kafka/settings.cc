#include "connectors/kafka/settings.h"

#include <algorithm>
#include <array>

#include "base/log.h"
#include "base/suggest.h"
#include "spi/services.h"
#include "types/value_text.h"

namespace millrace {
namespace {

constexpr std::string_view kPropertiesPrefix = "properties.";

/// Properties of Kafka's Java client that mean nothing to another one.
constexpr std::array kJavaOnly = {
    "key.deserializer", "value.deserializer", "key.serializer", "value.serializer",
    "max.poll.records", "buffer.memory",      "max.block.ms",   "partition.discovery.interval.ms"};

/// What the Java client calls otherwise.
const std::map<std::string, std::string> kJavaNames = {
    {"fetch.max.wait.ms", "fetch.wait.max.ms"},
    {"delivery.timeout.ms", "message.timeout.ms"},
    {"max.request.size", "message.max.bytes"},
};

/// The value of `name="…"` in a JAAS entry.
std::string JaasValue(const std::string& jaas, const std::string& name) {
  const size_t at = jaas.find(name + "=\"");
  if (at == std::string::npos) return {};
  const size_t begin = at + name.size() + 2;
  return jaas.substr(begin, jaas.find('"', begin) - begin);
}

Result<std::vector<int>> KeyColumns(const TableConfig& table, const Options& options) {
  std::vector<int> columns;
  const auto names = IsUpsert(table) ? table.primary_key : SplitList(options.String("key.fields"));
  for (const auto& name : names) {
    const int column = table.physical.Find(name);
    if (column < 0) {
      return Error::User("the option 'key.fields' names no column of the table: '" + name + "'")
          .In(table.name)
          .Hint(Suggest(name, table.physical.Names()));
    }
    columns.push_back(column);
  }
  return columns;
}

}  // namespace

std::vector<std::string> SplitList(const std::string& text) {
  std::vector<std::string> parts;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(';', at), text.size());
    std::string part = text.substr(at, end - at);
    part.erase(0, part.find_first_not_of(' '));
    part.erase(part.find_last_not_of(' ') + 1);
    if (!part.empty()) parts.push_back(std::move(part));
    at = end + 1;
  }
  return parts;
}

Result<std::map<int32_t, int64_t>> ParseSpecificOffsets(const std::string& key,
                                                        const std::string& text) {
  std::map<int32_t, int64_t> offsets;
  for (const auto& part : SplitList(text)) {
    const size_t comma = part.find(',');
    int64_t partition = 0, offset = 0;
    constexpr std::string_view kPartition = "partition:", kOffset = "offset:";
    const std::string_view left = std::string_view(part).substr(0, comma);
    const std::string_view right =
        comma == std::string::npos ? std::string_view() : std::string_view(part).substr(comma + 1);
    if (!left.starts_with(kPartition) || !right.starts_with(kOffset) ||
        !ParseInteger(left.substr(kPartition.size()), 0, INT32_MAX, &partition) ||
        !ParseInteger(right.substr(kOffset.size()), 0, INT64_MAX, &offset)) {
      return Error::User("the option '" + key + "' cannot be read at '" + part + "'")
          .Hint("write 'partition:0,offset:42;partition:1,offset:300'");
    }
    offsets[static_cast<int32_t>(partition)] = offset;
  }
  return offsets;
}

KafkaProperties PropertiesOf(const Options& options) {
  KafkaProperties properties;
  for (const auto& [written, value] : options.Under(kPropertiesPrefix)) {
    if (std::find(kJavaOnly.begin(), kJavaOnly.end(), written) != kJavaOnly.end()) {
      Log(LogLevel::kInfo, "kafka", "a property of the Java client has no effect",
          {{"property", written}});
      continue;
    }
    if (written == "sasl.jaas.config") {
      properties["sasl.username"] = JaasValue(value, "username");
      properties["sasl.password"] = JaasValue(value, "password");
      continue;
    }
    const auto java = kJavaNames.find(written);
    properties[java == kJavaNames.end() ? written : java->second] = value;
  }
  return properties;
}

Result<KafkaColumns> ColumnsOf(const TableConfig& table, const Options& options,
                               const std::vector<MetadataColumn>& metadata,
                               const Registries& registries) {
  KafkaColumns columns;
  ARROW_ASSIGN_OR_RAISE(const auto keys, KeyColumns(table, options));
  const std::string prefix = options.String("key.fields-prefix");
  const bool without_key = options.String("value.fields-include") == "EXCEPT_KEY";
  for (const int i : keys) {
    const SqlField& column = table.physical.column(i);
    if (!column.name.starts_with(prefix)) {
      return Error::User("the key column '" + column.name + "' does not begin with '" + prefix +
                         "', as 'key.fields-prefix' says")
          .In(table.name);
    }
    columns.key_columns.push_back(i);
    columns.key.Add(column.name.substr(prefix.size()), column.type);
  }
  for (int i = 0; i < table.physical.size(); ++i) {
    const SqlField& column = table.physical.column(i);
    const bool is_key = std::find(keys.begin(), keys.end(), i) != keys.end();
    const bool is_metadata =
        std::any_of(metadata.begin(), metadata.end(),
                    [&](const MetadataColumn& other) { return other.name == column.name; });
    if ((is_key && without_key) || is_metadata) continue;
    columns.value_columns.push_back(i);
    columns.value.Add(column.name, column.type);
  }
  const std::string format = options.String("key.format");
  if (format.empty()) return columns;
  ARROW_ASSIGN_OR_RAISE(columns.key_format, registries.formats.Get(format));
  ARROW_ASSIGN_OR_RAISE(columns.key_options,
                        Options::Make("format '" + format + "'", columns.key_format->options,
                                      options.Under("key." + columns.key_format->name + ".")));
  return columns;
}

}  // namespace millrace
