#include "state/huge_pages.h"

#include <sys/mman.h>

#include <new>

namespace millrace {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

}  // namespace

void* AllocateLarge(size_t bytes) {
  if (bytes < kHugePage) return ::operator new(bytes);
  void* memory = ::operator new(bytes, std::align_val_t{kHugePage});
  // Without huge pages it is slower, no more.
  (void)::madvise(memory, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
  return memory;
}

void FreeLarge(void* memory, size_t bytes) {
  if (bytes < kHugePage) return ::operator delete(memory);
  ::operator delete(memory, std::align_val_t{kHugePage});
}

}  // namespace millrace
