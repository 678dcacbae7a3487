#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace millrace {

/// Counts the references to itself. The count is of the object, not of its value: a copy starts at
/// none.
class Counted {
 public:
  Counted() = default;
  Counted(const Counted&) {}
  Counted& operator=(const Counted&) = delete;

 private:
  template <class T>
  friend class Ref;
  mutable std::atomic<uint32_t> references_{0};
};

/// A shared reference. Unlike `shared_ptr`, `unique` may be followed by writing: it is ordered
/// after all that other threads read through references they have dropped.
template <class T>
class Ref {
 public:
  Ref() = default;
  explicit Ref(T* object) : object_(object) { Acquire(); }
  Ref(const Ref& other) : object_(other.object_) { Acquire(); }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_ && object_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      delete object_;
    }
  }

  bool unique() const { return object_->references_.load(std::memory_order_acquire) == 1; }
  T* get() const { return object_; }
  T& operator*() const { return *object_; }
  T* operator->() const { return object_; }

 private:
  void Acquire() {
    if (object_) object_->references_.fetch_add(1, std::memory_order_relaxed);
  }

  T* object_ = nullptr;
};

/// A growing array of pages. A copy shares everything and costs one reference per 256 pages;
/// whichever side writes first copies the page, and the piece of the directory above it. One thread
/// per copy.
template <class Page>
class PageTree {
 public:
  uint32_t size() const { return size_; }
  const Page& page(uint32_t i) const { return *nodes_[i >> kShift]->pages[i & kMask]; }

  Page& Mut(uint32_t i) {
    Ref<Node>& node = nodes_[i >> kShift];
    if (!node.unique()) node = Ref<Node>(new Node(*node));
    Ref<Page>& page = node->pages[i & kMask];
    if (!page.unique()) page = Ref<Page>(new Page(*page));
    return *page;
  }

  void Add(Page* page) {
    if ((size_ & kMask) == 0) nodes_.emplace_back(new Node);
    Ref<Node>& node = nodes_.back();
    if (!node.unique()) node = Ref<Node>(new Node(*node));
    node->pages[size_++ & kMask] = Ref<Page>(page);
  }

 private:
  static constexpr uint32_t kShift = 8;
  static constexpr uint32_t kMask = (1u << kShift) - 1;
  struct Node : Counted {
    std::array<Ref<Page>, 1u << kShift> pages;
  };

  std::vector<Ref<Node>> nodes_;
  uint32_t size_ = 0;
};

}  // namespace millrace
