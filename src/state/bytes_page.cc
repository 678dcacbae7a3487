#include "state/bytes_page.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <arrow/buffer.h>

namespace millrace {

std::string_view BytesPage::Long(uint32_t i) const { return std::string_view(*long_[i]); }

void BytesPage::Put(uint32_t in_page, std::string_view value) {
  const bool is_long = value.size() >= kShortest;
  if (!is_long && Has(in_page) && !(at_[in_page] & kLong) && Get(in_page).size() == value.size()) {
    std::copy(value.begin(), value.end(), &short_[at_[in_page]] + kLengthBytes);
    return;
  }
  // The value may lie in this page, which Remove packs.
  const std::string copy = Has(in_page) ? std::string(value) : std::string();
  if (Has(in_page)) {
    Remove(in_page);
    value = copy;
  }
  if (is_long) return Share(in_page, arrow::Buffer::FromString(std::string(value)));
  const size_t need = short_.size() + kLengthBytes + value.size();
  // A quarter at a time: doubling would leave a third of the memory unused on average.
  if (need > short_.capacity()) short_.reserve(need + need / 4 + 64);
  at_[in_page] = static_cast<uint32_t>(short_.size());
  const auto length = static_cast<uint16_t>(value.size());
  short_.resize(need);
  char* entry = &short_[at_[in_page]];
  std::memcpy(entry, &length, kLengthBytes);
  value.copy(entry + kLengthBytes, value.size());
}

void BytesPage::Share(uint32_t in_page, std::shared_ptr<const arrow::Buffer> value) {
  if (Has(in_page)) Remove(in_page);
  at_[in_page] = kLong | static_cast<uint32_t>(long_.size());
  long_bytes_ += value->size();
  long_.push_back(std::move(value));
}

void BytesPage::Remove(uint32_t in_page) {
  const uint32_t at = at_[in_page];
  if (at & kLong) {
    long_bytes_ -= long_[at & ~kLong]->size();
    long_[at & ~kLong] = nullptr;
    ++dead_long_;
  } else {
    dead_ += kLengthBytes + Get(in_page).size();
  }
  at_[in_page] = kAbsent;
  if (dead_ > std::max<size_t>(short_.size() / 2, 256) || dead_long_ > long_.size() / 2) Pack();
}

int64_t BytesPage::memory_bytes() const {
  return static_cast<int64_t>(sizeof(BytesPage) + short_.capacity() +
                              long_.capacity() * sizeof(long_[0])) +
         long_bytes_;
}

void BytesPage::Pack() {
  std::vector<char> packed;
  packed.reserve(short_.size() - dead_);
  std::vector<std::shared_ptr<const arrow::Buffer>> packed_long;
  for (uint32_t& at : at_) {
    if (at == kAbsent) continue;
    if (at & kLong) {
      packed_long.push_back(std::move(long_[at & ~kLong]));
      at = kLong | static_cast<uint32_t>(packed_long.size() - 1);
      continue;
    }
    uint16_t length;
    std::memcpy(&length, &short_[at], kLengthBytes);
    const char* entry = &short_[at];
    at = static_cast<uint32_t>(packed.size());
    packed.insert(packed.end(), entry, entry + kLengthBytes + length);
  }
  short_ = std::move(packed);
  long_ = std::move(packed_long);
  dead_ = dead_long_ = 0;
}

}  // namespace millrace
