#include "syntax/layout.h"

#include <cstdint>
#include <utility>

namespace millrace::syntax {
namespace {

constexpr size_t kStep = 2;
constexpr size_t kUnbounded = SIZE_MAX / 2;

}  // namespace

struct Layout::Node {
  enum Kind : uint8_t { kText, kLine, kSoftLine, kHardLine, kJoin, kGroup, kNest };
  Kind kind = kText;
  std::string text;
  std::vector<Layout> parts;
  size_t width = 0;  ///< on one line; kUnbounded where that cannot be
};

Layout::Layout(std::string text) {
  auto node = std::make_shared<Node>();
  node->width = text.size();
  node->text = std::move(text);
  node_ = std::move(node);
}

Layout Layout::Line() {
  static const Layout line(std::make_shared<const Node>(Node{Node::kLine, " ", {}, 1}));
  return line;
}

Layout Layout::SoftLine() {
  static const Layout line(std::make_shared<const Node>(Node{Node::kSoftLine, "", {}, 0}));
  return line;
}

Layout Layout::HardLine() {
  static const Layout line(std::make_shared<const Node>(Node{Node::kHardLine, "", {}, kUnbounded}));
  return line;
}

Layout Layout::Join(std::vector<Layout> parts) {
  size_t width = 0;
  for (const Layout& part : parts) width = std::min(width + part.node_->width, kUnbounded);
  return Layout(std::make_shared<const Node>(Node{Node::kJoin, "", std::move(parts), width}));
}

Layout Layout::Join(std::vector<Layout> parts, const Layout& separator) {
  std::vector<Layout> all;
  all.reserve(2 * parts.size());
  for (Layout& part : parts) {
    if (!all.empty()) all.push_back(separator);
    all.push_back(std::move(part));
  }
  return Join(std::move(all));
}

Layout Layout::Group(Layout content) {
  const size_t width = content.node_->width;
  return Layout(std::make_shared<const Node>(Node{Node::kGroup, "", {std::move(content)}, width}));
}

Layout Layout::Nest(Layout content) {
  const size_t width = content.node_->width;
  return Layout(std::make_shared<const Node>(Node{Node::kNest, "", {std::move(content)}, width}));
}

std::string Layout::Render(size_t width) const {
  struct Item {
    const Node* node;
    size_t indent;
    bool flat;
  };
  std::string out;
  size_t line_start = 0;
  std::vector<Item> stack = {{node_.get(), 0, false}};
  while (!stack.empty()) {
    const Item item = stack.back();
    stack.pop_back();
    const Node& node = *item.node;
    const bool breaks = node.kind == Node::kHardLine ||
                        ((node.kind == Node::kLine || node.kind == Node::kSoftLine) && !item.flat);
    if (breaks) {
      out += '\n';
      line_start = out.size();
      out.append(item.indent, ' ');
      continue;
    }
    out += node.text;
    if (const size_t end = node.text.rfind('\n'); end != std::string::npos) {
      line_start = out.size() - (node.text.size() - end - 1);
    }
    const size_t column = out.size() - line_start;
    const bool fits = node.width < width && column + node.width < width;
    const bool flat = item.flat || (node.kind == Node::kGroup && fits);
    const size_t indent = item.indent + (node.kind == Node::kNest ? kStep : 0);
    for (auto part = node.parts.rbegin(); part != node.parts.rend(); ++part) {
      stack.push_back({part->node_.get(), indent, flat});
    }
  }
  return out;
}

}  // namespace millrace::syntax
