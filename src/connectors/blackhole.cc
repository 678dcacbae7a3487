#include "connectors/blackhole.h"

#include "connectors/unstored_sink.h"

namespace millrace {
namespace {

class BlackholeWriter final : public UnstoredSink {
 public:
  Status Write(const Batch&, std::vector<RejectedRecord>*) override { return Status::OK(); }
};

}  // namespace

ConnectorSpec BlackholeConnector() {
  ConnectorSpec spec;
  spec.name = "blackhole";
  spec.doc = "A sink that drops every row: to measure what comes before it.";
  spec.example = "CREATE TABLE nowhere (id BIGINT, v DOUBLE) WITH ('connector' = 'blackhole')";
  spec.takes_changelog = true;
  spec.make_writer = [](const SinkRequest&) -> Result<std::unique_ptr<SinkWriter>> {
    return std::make_unique<BlackholeWriter>();
  };
  return spec;
}

}  // namespace millrace
