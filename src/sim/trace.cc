#include "sim/trace.h"

#include <algorithm>

namespace millrace {

void Trace::AddText(std::string_view what, std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  Add(what, hash, text.size());
}

std::string Trace::Event::ToString() const {
  return std::string(what) + ' ' + std::to_string(a) + ' ' + std::to_string(b);
}

std::string Trace::Difference(const Trace& first, const Trace& second) {
  const auto [a, b] = std::ranges::mismatch(first.events_, second.events_);
  if (a == first.events_.end() && b == second.events_.end()) return {};
  const auto at = a - first.events_.begin();
  std::string text = "two runs of the seed part at event " + std::to_string(at) + ':';
  constexpr std::ptrdiff_t kBefore = 5;
  for (auto i = std::max<std::ptrdiff_t>(at - kBefore, 0); i < at; ++i) {
    text += "\n    " + first.events_[static_cast<size_t>(i)].ToString();
  }
  text += "\n  - " + (a == first.events_.end() ? "(its end)" : a->ToString());
  text += "\n  + " + (b == second.events_.end() ? "(its end)" : b->ToString());
  return text;
}

}  // namespace millrace
