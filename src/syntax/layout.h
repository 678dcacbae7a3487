#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::syntax {

/// A text with places where its lines may be broken (after Wadler's "A prettier printer").
/// Immutable and cheap to copy.
class Layout {
 public:
  Layout(std::string text);
  Layout(std::string_view text) : Layout(std::string(text)) {}
  Layout(const char* text) : Layout(std::string(text)) {}

  static Layout Line();      ///< a blank, or a new line where the group around it does not fit
  static Layout SoftLine();  ///< nothing, or a new line
  static Layout HardLine();  ///< always a new line; the groups around it do not fit
  static Layout Join(std::vector<Layout> parts);
  static Layout Join(std::vector<Layout> parts, const Layout& separator);
  static Layout Group(Layout content);  ///< on one line, if it fits
  static Layout Nest(Layout content);   ///< new lines inside are indented by one step more

  /// With lines of at most `width` bytes, where there are places to break.
  std::string Render(size_t width) const;

 private:
  struct Node;
  explicit Layout(std::shared_ptr<const Node> node) : node_(std::move(node)) {}

  std::shared_ptr<const Node> node_;
};

}  // namespace millrace::syntax
