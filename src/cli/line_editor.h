#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::cli {

/// Lines typed at a terminal, with editing, history and completion. One thread.
class LineEditor {
 public:
  /// The words that may stand at the end of `text`, where the word that ends there begins with
  /// them.
  using Completer = std::function<std::vector<std::string>(std::string_view text)>;

  /// An empty `history_file`: no history is kept.
  LineEditor(std::string history_file, Completer completer);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  struct Input {
    enum Kind { kLine, kInterrupted, kEnd };  ///< kInterrupted: Ctrl-C, the line is dropped
    Kind kind = kEnd;
    std::string line;  ///< without its line break
  };
  /// `before` is what was typed in the lines before, for completion.
  Input Read(const std::string& prompt, const std::string& before);
  /// Puts a line into the history, now and in the file.
  void Remember(const std::string& line);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The word that `text` ends with: where it begins.
size_t WordStart(std::string_view text);
/// What of `word` follows the `typed` beginning, in its case where that is all lower case; empty
/// where it does not begin so.
std::string RestOf(std::string_view word, std::string_view typed);

}  // namespace millrace::cli
