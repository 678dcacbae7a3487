#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace millrace {

/// A row in the order of a Top-N: by its sort key, then by arrival.
struct RankedRow {
  std::string sort;  ///< of `SortEncoder`
  int64_t number = 0;
  uint64_t hash = 0;  ///< of the row, where rows are found by it

  bool operator<(const RankedRow& other) const {
    const int by_key = sort.compare(other.sort);
    return by_key != 0 ? by_key < 0 : number < other.number;
  }
};

struct KeyHash {
  using is_transparent = void;
  size_t operator()(std::string_view key) const { return std::hash<std::string_view>()(key); }
};

/// Groups of rows by their encoded key. References stay valid until the group is erased.
template <class Group>
class RankGroups {
 public:
  using Map = std::unordered_map<std::string, Group, KeyHash, std::equal_to<>>;

  typename Map::value_type& FindOrInsert(std::string_view key) {
    const auto found = map_.find(key);
    return found != map_.end() ? *found : *map_.emplace(std::string(key), Group{}).first;
  }
  typename Map::value_type* Find(std::string_view key) {
    const auto found = map_.find(key);
    return found != map_.end() ? &*found : nullptr;
  }
  void Erase(const std::string& key) { map_.erase(key); }
  /// Calls `visit` with a few groups; with all of them in turns, call after call.
  template <class Visit>
  void VisitSome(Visit&& visit) {
    for (int i = 0; i < kVisited; ++i) {
      bucket_ = (bucket_ + 1) % map_.bucket_count();
      for (auto at = map_.begin(bucket_); at != map_.end(bucket_); ++at) visit(*at);
    }
  }

 private:
  static constexpr int kVisited = 16;

  Map map_;
  size_t bucket_ = 0;
};

}  // namespace millrace
