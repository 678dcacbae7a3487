#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// What happened in a run, in its order: two runs of one seed have equal traces.
class Trace {
 public:
  /// `what` is a literal.
  void Add(std::string_view what, uint64_t a = 0, uint64_t b = 0) {
    events_.push_back({what, a, b});
  }
  void AddText(std::string_view what, std::string_view text);

  size_t size() const { return events_.size(); }
  bool operator==(const Trace& other) const { return events_ == other.events_; }
  /// Where two runs part, and what came before; empty where they are equal.
  static std::string Difference(const Trace& first, const Trace& second);

 private:
  struct Event {
    std::string_view what;
    uint64_t a = 0;
    uint64_t b = 0;

    bool operator==(const Event&) const = default;
    std::string ToString() const;
  };

  std::vector<Event> events_;
};

}  // namespace millrace
