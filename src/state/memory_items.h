#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "state/part.h"
#include "state/state.h"

namespace millrace {

struct Item {
  Batch rows;  ///< may be without rows and schema
  std::string header;
};
using Items = std::map<uint64_t, std::shared_ptr<const Item>>;

Status WriteItems(const PartHeader& header, const Items& items, std::string* out);

/// `ItemList` in memory. A copy of `items()` shares them.
class MemoryItems final : public ItemList {
 public:
  Status Put(uint64_t id, Batch rows, std::string header) override;
  Status Remove(uint64_t id) override;
  Status ForEach(const std::function<Status(uint64_t id, const Batch& rows,
                                            const std::string& header)>& visit) override;

  const Items& items() const { return items_; }
  Status Restore(const PartHeader& expected, std::string_view bytes, ItemShare share);
  int64_t memory_bytes() const { return bytes_; }

 private:
  Items items_;
  int64_t bytes_ = 0;
  int64_t dealt_ = 0;  ///< items in the parts restored so far
};

}  // namespace millrace
