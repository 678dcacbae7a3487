#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/error.h"
#include "base/metrics.h"
#include "spi/connector.h"
#include "spi/format.h"
#include "spi/function.h"
#include "spi/model.h"
#include "spi/operator.h"
#include "spi/watermark_aligner.h"

namespace millrace {

class HttpClient;

/// Named specs of one kind. Filled at start, read-only afterwards, then thread-safe. Names are
/// case-insensitive.
template <class Spec>
class Registry {
 public:
  explicit Registry(std::string kind) : kind_(std::move(kind)) {}

  void Add(Spec spec);
  const Spec* Find(std::string_view name) const;  ///< by name or alias; null where absent
  Result<const Spec*> Get(
      std::string_view name) const;      ///< a user error with a suggestion where absent
  std::vector<const Spec*> All() const;  ///< by name

 private:
  std::string kind_;
  std::map<std::string, std::shared_ptr<Spec>> by_name_;  ///< aliases too
};

struct Registries {
  Registry<ConnectorSpec> connectors{"connector"};
  Registry<FormatSpec> formats{"format"};
  Registry<ScalarFunctionSpec> functions{"function"};
  Registry<AggregateFunctionSpec> aggregates{"aggregate function"};
  Registry<ModelProviderSpec> providers{"model provider"};
};

/// Splits and checks a table's options: 'connector', the connector's, 'format' (or 'value.format',
/// as Flink's queues have it) and '<format>.…' ('value.<format>.…'). A user error at the option's
/// position, with a suggestion.
Result<ResolvedTable> ResolveTable(const Registries& registries, const TableConfig& table,
                                   const OptionPositions& positions = {});

/// Takes a query's rows.
class RowReceiver {
 public:
  virtual ~RowReceiver() = default;
  virtual bool HasRoom() const = 0;
  virtual void OnReady(std::function<void()> ready) = 0;
  virtual Status Receive(Batch batch) = 0;
};

class SecretProvider {
 public:
  virtual ~SecretProvider() = default;
  /// A user error that names the secret where it is unknown.
  virtual Result<std::string> Get(std::string_view name) const = 0;
};

/// What operators share in one process. Thread-safe.
class Services {
 public:
  virtual ~Services() = default;
  virtual Env& env() = 0;
  virtual const Registries& registries() const = 0;
  virtual ModelRuntime& models() = 0;
  virtual const SecretProvider& secrets() const = 0;
  virtual MetricRegistry& metrics() = 0;
  virtual HttpClient& http() = 0;  ///< to model servers, and to where models are kept
  virtual Result<std::shared_ptr<RowReceiver>> receiver(std::string_view name) = 0;
  WatermarkAligner& watermarks() { return watermarks_; }

 private:
  WatermarkAligner watermarks_;
};

}  // namespace millrace
