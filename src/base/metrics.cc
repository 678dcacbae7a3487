#include "base/metrics.h"

#include <algorithm>
#include <bit>

namespace millrace {
namespace {

/// Values below 16 have a bucket each; above, each power of two has eight.
int BucketOf(int64_t value) {
  const auto v = static_cast<uint64_t>(std::max<int64_t>(0, value));
  if (v < 16) return static_cast<int>(v);
  const int exponent = std::bit_width(v) - 1;
  return 16 + (exponent - 4) * 8 + static_cast<int>((v >> (exponent - 3)) & 7);
}

int64_t UpperBound(int bucket) {
  if (bucket < 16) return bucket;
  const int exponent = 4 + (bucket - 16) / 8;
  const uint64_t next = (8ull + static_cast<uint64_t>((bucket - 16) % 8) + 1) << (exponent - 3);
  return static_cast<int64_t>(next - 1);
}

template <class T>
std::shared_ptr<T>& GetOrMake(
    std::map<std::pair<std::string, MetricLabels>, std::shared_ptr<T>>& map,
    const std::string& name, const MetricLabels& labels) {
  auto& metric = map[{name, labels}];
  if (!metric) metric = std::make_shared<T>();
  return metric;
}

}  // namespace

void Histogram::Record(int64_t value) {
  buckets_[static_cast<size_t>(BucketOf(value))].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
  int64_t seen = max_.load(std::memory_order_relaxed);
  while (value > seen && !max_.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
  }
}

int64_t Histogram::count() const {
  int64_t total = 0;
  for (const auto& bucket : buckets_) total += bucket.load(std::memory_order_relaxed);
  return total;
}

int64_t Histogram::Quantile(double q) const {
  const int64_t total = count();
  if (total == 0) return 0;
  const auto rank =
      std::max<int64_t>(1, static_cast<int64_t>(q * static_cast<double>(total) + 0.5));
  int64_t seen = 0;
  for (int bucket = 0; bucket < kBuckets; ++bucket) {
    seen += buckets_[static_cast<size_t>(bucket)].load(std::memory_order_relaxed);
    if (seen >= rank) return std::min(UpperBound(bucket), max());
  }
  return max();
}

std::shared_ptr<Counter> MetricRegistry::counter(const std::string& name,
                                                 const MetricLabels& labels) {
  std::lock_guard lock(mutex_);
  return GetOrMake(counters_, name, labels);
}

std::shared_ptr<Gauge> MetricRegistry::gauge(const std::string& name, const MetricLabels& labels) {
  std::lock_guard lock(mutex_);
  return GetOrMake(gauges_, name, labels);
}

std::shared_ptr<Histogram> MetricRegistry::histogram(const std::string& name,
                                                     const MetricLabels& labels) {
  std::lock_guard lock(mutex_);
  return GetOrMake(histograms_, name, labels);
}

std::vector<MetricValue> MetricRegistry::Snapshot() const {
  std::lock_guard lock(mutex_);
  std::vector<MetricValue> out;
  for (const auto& [key, metric] : counters_) {
    out.push_back({key.first, key.second, MetricValue::Kind::kCounter, metric->value(), nullptr});
  }
  for (const auto& [key, metric] : gauges_) {
    out.push_back({key.first, key.second, MetricValue::Kind::kGauge, metric->value(), nullptr});
  }
  for (const auto& [key, metric] : histograms_) {
    out.push_back({key.first, key.second, MetricValue::Kind::kHistogram, 0, metric});
  }
  return out;
}

void MetricRegistry::Remove(const std::string& key, const std::string& value) {
  std::lock_guard lock(mutex_);
  const auto carries = [&](const auto& entry) {
    const auto label = entry.first.second.find(key);
    return label != entry.first.second.end() && label->second == value;
  };
  std::erase_if(counters_, carries);
  std::erase_if(gauges_, carries);
  std::erase_if(histograms_, carries);
}

}  // namespace millrace
