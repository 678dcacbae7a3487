#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "connectors/generated_source.h"
#include "types/column_buffer.h"
#include "types/schema.h"

namespace millrace {

struct NexmarkConfig {
  int64_t person_proportion = 1;
  int64_t auction_proportion = 3;
  int64_t bid_proportion = 46;
  int64_t hot_auction_ratio = 2;  ///< 1 of so many bids is not for the hot auction
  int64_t hot_bidder_ratio = 4;
  int64_t hot_seller_ratio = 4;
  int64_t person_size = 200;  ///< average bytes
  int64_t auction_size = 500;
  int64_t bid_size = 100;
  double events_per_second = 10'000;  ///< of event time
  int64_t base_time_us = 0;

  int64_t total_proportion() const {
    return person_proportion + auction_proportion + bid_proportion;
  }
};

/// The full schema: event_type, person, auction, bid, dateTime.
Schema NexmarkSchema();

/// Appends the column of the full schema named `name` for the events `numbers`; a ROW with the
/// fields that `out` has. A function of the events' numbers and the seed.
void AppendNexmarkColumn(const NexmarkConfig& config, std::string_view name,
                         const RowNumbers& numbers, uint64_t seed, ColumnBuffer* out);

}  // namespace millrace
