#pragma once

#include <functional>

namespace millrace::cli {

/// Ctrl-C and SIGTERM as calls on a thread of their own, where anything may be done.
class Interrupts {
 public:
  /// Call first, before any other thread exists.
  static void Start();

  /// While it lives, the first signal calls `handler`; the next one ends the process at once.
  /// Outside of any scope the first does. Scopes nest: the innermost one counts.
  class Scope {
   public:
    explicit Scope(std::function<void()> handler);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

    bool interrupted() const;

   private:
    std::function<void()> outer_;
  };

  /// Returns at the first signal.
  static void Wait();

  Interrupts() = delete;
};

}  // namespace millrace::cli
