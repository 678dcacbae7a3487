#include "base/suggest.h"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <vector>

namespace millrace {
namespace {

constexpr size_t kListed = 12;

char Lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

/// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours cost 1.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool same = Lower(a[i - 1]) == Lower(b[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && Lower(a[i - 1]) == Lower(b[j - 2]) &&
                           Lower(a[i - 2]) == Lower(b[j - 1]);
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

std::string Nearest(std::string_view word, std::span<const std::string> candidates) {
  const std::string* best = nullptr;
  size_t best_distance = std::max<size_t>(1, word.size() / 3) + 1;
  for (const auto& candidate : candidates) {
    const size_t distance = Distance(word, candidate);
    if (distance < best_distance) {
      best = &candidate;
      best_distance = distance;
    }
  }
  return best == nullptr ? std::string() : *best;
}

std::string Suggest(std::string_view word, std::span<const std::string> candidates) {
  if (const std::string near = Nearest(word, candidates); !near.empty()) {
    return "did you mean '" + near + "'?";
  }
  if (candidates.empty()) return {};
  std::string list = "one of: ";
  for (size_t i = 0; i < std::min(candidates.size(), kListed); ++i) {
    list += (i == 0 ? "" : ", ") + candidates[i];
  }
  return candidates.size() > kListed ? list + ", …" : list;
}

}  // namespace millrace
