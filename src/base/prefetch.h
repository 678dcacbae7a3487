#pragma once

namespace millrace {

/// Asks for the cache line at `address`. GCC 12 takes a function of nothing but the builtin for one
/// without effect, and leaves out its calls; the empty statement is an effect.
inline void Prefetch(const void* address) {
  __builtin_prefetch(address);
  __asm__ volatile("");
}

}  // namespace millrace
