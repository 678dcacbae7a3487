#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "types/time.h"

namespace millrace {

/// Keeps sources of a group together in event time: each says how far it is and learns how far the
/// slowest is. Thread-safe; outlives its members.
class WatermarkAligner {
 public:
  /// A source instance's place in a group; it leaves with its end. One thread at a time.
  class Member {
   public:
    ~Member();
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;

    /// Says how far the member is; gives the least that any member, itself included, said last.
    /// `EventTime::Max()`: it is idle and holds nobody up.
    EventTime Report(EventTime watermark);

   private:
    friend class WatermarkAligner;
    Member(WatermarkAligner& aligner, std::string group)
        : aligner_(aligner), group_(std::move(group)) {}

    WatermarkAligner& aligner_;
    const std::string group_;
    std::multiset<EventTime>::iterator said_;
  };

  /// A new member holds the others up until it reports.
  std::unique_ptr<Member> Join(const std::string& group);

 private:
  std::mutex mutex_;
  std::map<std::string, std::multiset<EventTime>> groups_;
};

}  // namespace millrace
