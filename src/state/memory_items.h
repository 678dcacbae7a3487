#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "state/stored_state.h"

namespace millrace {

struct Item {
  Batch rows;  ///< may be without rows and schema
  std::string header;
};
using Items = std::map<uint64_t, std::shared_ptr<const Item>>;

/// `ItemList` in memory.
class MemoryItems final : public StoredState, public ItemList {
 public:
  explicit MemoryItems(bool one_by_one) : one_by_one_(one_by_one) {}

  Status Put(uint64_t id, Batch rows, std::string header) override;
  Status Remove(uint64_t id) override;
  Status ForEach(const std::function<Status(uint64_t id, const Batch& rows,
                                            const std::string& header)>& visit) override;

  Status BeginCall(int64_t) override { return Status::OK(); }
  Result<std::shared_ptr<const FrozenState>> Freeze() override;
  Status Restore(const PartHeader& expected, std::string_view bytes, ItemShare share) override;
  int64_t memory_bytes() const override { return bytes_; }

 private:
  const bool one_by_one_;
  Items items_;
  int64_t bytes_ = 0;
  uint64_t version_ = 1;  ///< counts the changes
  int64_t dealt_ = 0;     ///< items in the parts restored so far
};

}  // namespace millrace
