#include "cli/line_editor.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <utility>

#include <histedit.h>

namespace millrace::cli {
namespace {

bool IsWordChar(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return std::isalnum(byte) || c == '_' || c == '$' || byte >= 0x80;
}

char Lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

bool BeginsWith(std::string_view word, std::string_view typed) {
  return word.size() >= typed.size() &&
         std::equal(typed.begin(), typed.end(), word.begin(),
                    [](char a, char b) { return Lower(a) == Lower(b); });
}

std::string CommonBeginning(const std::vector<std::string>& texts) {
  std::string common = texts.front();
  for (const std::string& text : texts) {
    const auto end = std::mismatch(common.begin(), common.end(), text.begin(), text.end()).first;
    common.erase(end, common.end());
  }
  return common;
}

}  // namespace

size_t WordStart(std::string_view text) {
  size_t start = text.size();
  while (start > 0 && IsWordChar(text[start - 1])) --start;
  return start;
}

std::string RestOf(std::string_view word, std::string_view typed) {
  if (!BeginsWith(word, typed)) return {};
  std::string rest(word.substr(typed.size()));
  const bool lower = !typed.empty() &&
                     std::ranges::none_of(typed, [](unsigned char c) { return std::isupper(c); });
  // A name keeps its case; a keyword follows what was typed.
  const bool keyword = std::ranges::none_of(word, [](unsigned char c) { return std::islower(c); });
  if (lower && keyword) std::ranges::transform(rest, rest.begin(), Lower);
  return rest;
}

struct LineEditor::Impl {
  Impl(std::string file, Completer complete)
      : history_file(std::move(file)), completer(std::move(complete)) {
    HistEvent event;
    lines = history_init();
    history(lines, &event, H_SETSIZE, 1000);
    history(lines, &event, H_SETUNIQUE, 1);
    if (!history_file.empty()) history(lines, &event, H_LOAD, history_file.c_str());
    editor = el_init("millrace", stdin, stdout, stderr);
    el_set(editor, EL_CLIENTDATA, this);
    el_set(editor, EL_PROMPT, &Impl::Prompt);
    el_set(editor, EL_EDITOR, "emacs");
    el_set(editor, EL_HIST, history, lines);
    el_set(editor, EL_ADDFN, "millrace-complete", "complete the word", &Impl::Complete);
    el_set(editor, EL_ADDFN, "millrace-interrupt", "drop the line", &Impl::Interrupt);
    el_set(editor, EL_BIND, "^I", "millrace-complete", nullptr);
    el_set(editor, EL_BIND, "^C", "millrace-interrupt", nullptr);
    el_set(editor, EL_BIND, "^R", "em-inc-search-prev", nullptr);
    // While a line is edited Ctrl-C is a key; while a query runs it is a signal.
    el_set(editor, EL_SETTY, "-d", "-isig", nullptr);
  }
  ~Impl() {
    el_end(editor);
    history_end(lines);
  }

  static Impl* Of(EditLine* editor) {
    void* self = nullptr;
    el_get(editor, EL_CLIENTDATA, &self);
    return static_cast<Impl*>(self);
  }
  static char* Prompt(EditLine* editor) { return Of(editor)->prompt.data(); }
  static unsigned char Interrupt(EditLine* editor, int) {
    Of(editor)->interrupted = true;
    return CC_EOF;
  }
  static unsigned char Complete(EditLine* editor, int) { return Of(editor)->CompleteHere(); }

  unsigned char CompleteHere() {
    const LineInfo* info = el_line(editor);
    const std::string text = before + std::string(info->buffer, info->cursor);
    const std::string typed = text.substr(WordStart(text));
    std::vector<std::string> words, rests;
    for (std::string& word : completer(text)) {
      if (!BeginsWith(word, typed)) continue;
      rests.push_back(RestOf(word, typed));
      words.push_back(std::move(word));
    }
    if (words.empty()) return CC_ERROR;
    std::string insert = CommonBeginning(rests);
    if (words.size() == 1) insert += ' ';
    if (!insert.empty()) return el_insertstr(editor, insert.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
    std::fputc('\n', stdout);
    for (const std::string& word : words) std::fprintf(stdout, "%s  ", word.c_str());
    std::fputc('\n', stdout);
    return CC_REDISPLAY;
  }

  std::string history_file;
  Completer completer;
  EditLine* editor = nullptr;
  History* lines = nullptr;
  std::string prompt;
  std::string before;
  bool interrupted = false;
};

LineEditor::LineEditor(std::string history_file, Completer completer)
    : impl_(std::make_unique<Impl>(std::move(history_file), std::move(completer))) {}
LineEditor::~LineEditor() = default;

LineEditor::Input LineEditor::Read(const std::string& prompt, const std::string& before) {
  impl_->prompt = prompt;
  impl_->before = before;
  impl_->interrupted = false;
  // Before the prompt: a Ctrl-C typed the moment it shows is then already a key.
  el_set(impl_->editor, EL_PREP_TERM, 1);
  int count = 0;
  const char* line = el_gets(impl_->editor, &count);
  if (impl_->interrupted) {
    std::fputs("^C\n", stdout);
    return {Input::kInterrupted, {}};
  }
  if (line == nullptr || count <= 0) {
    std::fputc('\n', stdout);
    return {Input::kEnd, {}};
  }
  std::string text(line, static_cast<size_t>(count));
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return {Input::kLine, std::move(text)};
}

void LineEditor::Remember(const std::string& line) {
  HistEvent event;
  history(impl_->lines, &event, H_ENTER, line.c_str());
  if (!impl_->history_file.empty())
    history(impl_->lines, &event, H_SAVE, impl_->history_file.c_str());
}

}  // namespace millrace::cli
