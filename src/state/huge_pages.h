#pragma once

#include <cstddef>

namespace millrace {

/// Memory for large tables that are read at random places: from 2 MB on it asks for huge pages, so
/// that a place is found without walking the page tables, and so that a new table is not faulted in
/// 4 KB at a time.
void* AllocateLarge(size_t bytes);
void FreeLarge(void* memory, size_t bytes);

/// For containers.
template <class T>
struct HugePageAllocator {
  using value_type = T;

  HugePageAllocator() = default;
  template <class U>
  explicit HugePageAllocator(const HugePageAllocator<U>&) {}

  T* allocate(size_t n) { return static_cast<T*>(AllocateLarge(n * sizeof(T))); }
  void deallocate(T* memory, size_t n) { FreeLarge(memory, n * sizeof(T)); }
  bool operator==(const HugePageAllocator&) const = default;
};

}  // namespace millrace
