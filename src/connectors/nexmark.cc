#include "connectors/nexmark.h"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "base/suggest.h"
#include "connectors/nexmark_events.h"
#include "spi/services.h"
#include "types/value_text.h"

namespace millrace {
namespace {

class NexmarkGenerator final : public RowGenerator {
 public:
  NexmarkGenerator(const NexmarkConfig& config, const SourceRequest& request)
      : config_(config), schema_(request.OutputSchema()), arrow_schema_(schema_.ToArrow()) {}

  Result<std::shared_ptr<arrow::RecordBatch>> Generate(const RowNumbers& numbers, uint64_t seed,
                                                       int64_t) override {
    std::vector<std::shared_ptr<arrow::Array>> arrays;
    for (const auto& column : schema_.columns()) {
      ColumnBuffer buffer(column.type);
      AppendNexmarkColumn(config_, column.name, numbers, seed, &buffer);
      arrays.push_back(buffer.Finish());
    }
    return arrow::RecordBatch::Make(arrow_schema_, numbers.count, std::move(arrays));
  }

 private:
  NexmarkConfig config_;
  Schema schema_;
  std::shared_ptr<arrow::Schema> arrow_schema_;
};

Result<NexmarkConfig> ConfigOf(const Options& options) {
  NexmarkConfig config;
  config.person_proportion = options.Int("person.proportion");
  config.auction_proportion = options.Int("auction.proportion");
  config.bid_proportion = options.Int("bid.proportion");
  config.hot_auction_ratio = options.Int("bid.hot-ratio.auctions");
  config.hot_bidder_ratio = options.Int("bid.hot-ratio.bidders");
  config.hot_seller_ratio = options.Int("auction.hot-ratio.sellers");
  config.person_size = options.Bytes("person.avg-size");
  config.auction_size = options.Bytes("auction.avg-size");
  config.bid_size = options.Bytes("bid.avg-size");
  config.events_per_second = static_cast<double>(options.Int("first-event.rate"));
  TimestampText base;
  if (!ParseTimestamp(options.String("base-time"), &base)) {
    return Error::User("'base-time' = '" + options.String("base-time") + "' is not a timestamp")
        .Hint("write it as '2024-02-29 12:30:00'");
  }
  config.base_time_us = base.us;
  return config;
}

/// Names of `fields`, for suggestions.
std::vector<std::string> NamesOf(const std::vector<SqlField>& fields) {
  std::vector<std::string> names;
  for (const auto& field : fields) names.push_back(field.name);
  return names;
}

Status CheckFields(const std::string& owner, const std::vector<SqlField>& declared,
                   const std::vector<SqlField>& known) {
  for (const auto& field : declared) {
    const SqlField* match = nullptr;
    for (const auto& candidate : known) {
      if (candidate.name == field.name) match = &candidate;
    }
    if (match == nullptr) {
      return Error::User(owner + " has no `" + field.name + "`")
          .Hint(Suggest(field.name, NamesOf(known)));
    }
    if (field.type.kind() == TypeKind::kRow && match->type.kind() == TypeKind::kRow) {
      ARROW_RETURN_NOT_OK(CheckFields("`" + field.name + "` of 'nexmark'", field.type.fields(),
                                      match->type.fields()));
      continue;
    }
    const bool text = field.type.is_string() && match->type.is_string();
    if (!text && field.type.AsNullable().kind() != match->type.kind()) {
      return Error::User("`" + field.name + "` of 'nexmark' is " + match->type.ToString() +
                         ", not " + field.type.ToString());
    }
  }
  return Status::OK();
}

OptionSpec Number(std::string key, std::string default_value, std::string doc, double min) {
  return {.key = std::move(key),
          .type = OptionType::kInt,
          .default_value = std::move(default_value),
          .doc = std::move(doc),
          .min = min};
}

OptionSpec Size(std::string key, std::string default_value, std::string doc) {
  return {.key = std::move(key),
          .type = OptionType::kBytes,
          .default_value = std::move(default_value),
          .doc = std::move(doc)};
}

}  // namespace

ConnectorSpec NexmarkConnector() {
  ConnectorSpec spec;
  spec.name = "nexmark";
  spec.doc =
      "The auction site of the Nexmark benchmark: new persons, auctions and bids. Each row is one "
      "event: `event_type` "
      "0, 1 or 2, and the ROW `person`, `auction` or `bid`, the others NULL; `dateTime` is its "
      "time. A table declares "
      "the columns, and the fields of the ROWs, that it needs; others are not generated. An event "
      "is a function of "
      "its number, so that every run has the same ones, at any parallelism.";
  spec.example =
      "CREATE TABLE events (event_type INT, bid ROW<auction BIGINT, bidder BIGINT, price BIGINT>,\n"
      "  `dateTime` TIMESTAMP(3)) WITH ('connector' = 'nexmark', 'events.num' = '1000000')";
  spec.options = {
      Number("events.num", "0", "After so many events it ends; 0: never.", 0),
      Number("first-event.rate", "10000", "Events for each second of event time.", 1),
      Number("next-event.rate", "10000", "Events a second when 'rate.limited' is set.", 1),
      {.key = "rate.limited",
       .type = OptionType::kBool,
       .default_value = "false",
       .doc = "Whether events come at 'next-event.rate' instead of as fast as they are taken."},
      {.key = "base-time",
       .default_value = "2015-07-15 00:00:00",
       .doc = "The time of the first event, in UTC."},
      Number("person.proportion", "1", "Persons among the sum of the proportions.", 1),
      Number("auction.proportion", "3", "Auctions among the sum of the proportions.", 1),
      Number("bid.proportion", "46", "Bids among the sum of the proportions.", 0),
      Number("bid.hot-ratio.auctions", "2", "One of so many bids is not for the hot auction.", 1),
      Number("bid.hot-ratio.bidders", "4", "One of so many bids is not of the hot bidder.", 1),
      Number("auction.hot-ratio.sellers", "4", "One of so many auctions is not of the hot seller.",
             1),
      Size("person.avg-size", "200", "Average size of a person."),
      Size("auction.avg-size", "500", "Average size of an auction."),
      Size("bid.avg-size", "100", "Average size of a bid."),
  };
  spec.bounded = [](const Options& options) { return options.Int("events.num") > 0; };
  spec.check = [](const TableConfig& table, const Options& options) {
    ARROW_RETURN_NOT_OK(ConfigOf(options).status());
    return CheckFields("'nexmark'", table.physical.columns(), NexmarkSchema().columns());
  };
  spec.make_finder = [](const SourceRequest&) -> Result<std::unique_ptr<SplitFinder>> {
    return MakeGeneratedFinder(0);
  };
  spec.make_reader = [](const SourceRequest& request) -> Result<std::unique_ptr<SourceReader>> {
    ARROW_ASSIGN_OR_RAISE(const auto config, ConfigOf(request.options));
    GeneratedRows rows;
    if (request.options.Int("events.num") > 0) rows.total = request.options.Int("events.num");
    if (request.options.Bool("rate.limited")) {
      rows.per_second = static_cast<double>(request.options.Int("next-event.rate"));
    }
    return MakeGeneratedReader(rows, std::make_unique<NexmarkGenerator>(config, request),
                               request.services.env());
  };
  return spec;
}

}  // namespace millrace
