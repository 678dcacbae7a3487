#pragma once

#include <memory>
#include <string>
#include <vector>

#include "connectors/kafka/client.h"
#include "connectors/kafka/settings.h"
#include "spi/connector.h"

namespace millrace {

struct DecodedRecords {
  Batch rows;
  std::vector<RejectedRecord> rejected;
  int64_t ignored = 0;
};

/// Records of a partition to rows: columns of the value, of the key, and metadata. One thread.
class KafkaRowDecoder {
 public:
  static Result<std::unique_ptr<KafkaRowDecoder>> Make(const SourceRequest& request);

  Result<DecodedRecords> Decode(const KafkaRecords& records, const TopicPartition& partition);

 private:
  /// Where a physical column of the output comes from.
  struct Origin {
    bool key = false;
    int column = 0;  ///< of what the decoder gives
  };
  /// A decoder's rows, and which of them each record became: -1: none.
  struct Part {
    std::shared_ptr<arrow::RecordBatch> rows;
    std::vector<int32_t> row_of_record;
    int64_t ignored = 0;
  };

  KafkaRowDecoder() = default;
  Result<Part> DecodePart(Decoder& decoder, const std::vector<KafkaRecord>& records, bool keys,
                          const std::string& source, std::vector<RejectedRecord>* rejected);
  std::shared_ptr<arrow::Array> Metadata(const MetadataColumn& column, const KafkaRecords& records,
                                         const TopicPartition& partition,
                                         const std::vector<int32_t>& kept) const;

  bool upsert_ = false;
  std::unique_ptr<Decoder> value_decoder_;
  std::unique_ptr<Decoder> key_decoder_;  ///< null: no key is wanted
  std::vector<Origin> origins_;
  std::vector<MetadataColumn> metadata_;
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<std::string_view> messages_;
  std::vector<int64_t> offsets_;
  std::vector<int32_t> indices_;
};

}  // namespace millrace
