#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace millrace {

/// Monotonic count. Lock-free.
class Counter {
 public:
  void Add(int64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

/// A value that goes up and down. Lock-free.
class Gauge {
 public:
  void Set(int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void Add(int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

/// Distribution of non-negative integers (µs, rows, bytes) in buckets of at most 1/8 relative
/// width. Lock-free.
class Histogram {
 public:
  static constexpr int kBuckets = 8 * 62;

  void Record(int64_t value);
  int64_t count() const;
  int64_t sum() const { return sum_.load(std::memory_order_relaxed); }
  int64_t max() const { return max_.load(std::memory_order_relaxed); }
  /// Upper bound of the bucket that holds quantile `q` in [0, 1]; 0 when empty.
  int64_t Quantile(double q) const;

 private:
  std::array<std::atomic<int64_t>, kBuckets> buckets_{};
  std::atomic<int64_t> sum_{0};
  std::atomic<int64_t> max_{0};
};

using MetricLabels = std::map<std::string, std::string>;

struct MetricValue {
  enum class Kind { kCounter, kGauge, kHistogram };
  std::string name;
  MetricLabels labels;
  Kind kind;
  int64_t value = 0;                           ///< counter, gauge
  std::shared_ptr<const Histogram> histogram;  ///< histogram
};

/// Named metrics of one process, job or test. The same name and labels give the same object.
/// Thread-safe.
class MetricRegistry {
 public:
  std::shared_ptr<Counter> counter(const std::string& name, const MetricLabels& labels = {});
  std::shared_ptr<Gauge> gauge(const std::string& name, const MetricLabels& labels = {});
  std::shared_ptr<Histogram> histogram(const std::string& name, const MetricLabels& labels = {});
  std::vector<MetricValue> Snapshot() const;
  /// Forgets the metrics that carry `key=value`: of a job that has ended.
  void Remove(const std::string& key, const std::string& value);

 private:
  using Key = std::pair<std::string, MetricLabels>;
  mutable std::mutex mutex_;
  std::map<Key, std::shared_ptr<Counter>> counters_;
  std::map<Key, std::shared_ptr<Gauge>> gauges_;
  std::map<Key, std::shared_ptr<Histogram>> histograms_;
};

/// The metrics of one part of a job: a registry with labels that all of them carry.
class MetricGroup {
 public:
  MetricGroup(MetricRegistry& registry, MetricLabels labels)
      : registry_(registry), labels_(std::move(labels)) {}

  std::shared_ptr<Counter> counter(const std::string& name) {
    return registry_.counter(name, labels_);
  }
  std::shared_ptr<Gauge> gauge(const std::string& name) { return registry_.gauge(name, labels_); }
  std::shared_ptr<Histogram> histogram(const std::string& name) {
    return registry_.histogram(name, labels_);
  }
  const MetricLabels& labels() const { return labels_; }
  MetricRegistry& registry() { return registry_; }

 private:
  MetricRegistry& registry_;
  MetricLabels labels_;
};

}  // namespace millrace
