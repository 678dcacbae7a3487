#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <arrow/result.h>
#include <arrow/status.h>

namespace millrace {

using arrow::Status;
template <class T>
using Result = arrow::Result<T>;

/// Who has to act on an error.
enum class ErrorClass {
  kUser,       ///< the statement, option or file that the user wrote is wrong
  kData,       ///< a record is wrong; the job goes on, the record goes to a side output
  kTransient,  ///< may succeed when tried again (network, a busy server, a full disk)
  kInternal,   ///< a defect of Millrace
};

/// A place in a text, 1-based. `line == 0` means "nowhere in particular".
struct Position {
  int line = 0;
  int column = 0;

  bool known() const { return line > 0; }
  auto operator<=>(const Position&) const = default;
};

/// What a failed `Status` carries beside its message.
struct ErrorInfo {
  ErrorClass error_class = ErrorClass::kInternal;
  Position position;     ///< in the SQL text or file named by `where`
  std::string where;     ///< file, topic/partition/offset, model/version, table …; may be empty
  std::string hint;      ///< what to do next; may be empty
  int system_error = 0;  ///< errno, where the system refused: tells ENOENT from ENOSPC; else 0
};

/// Builds a failed `Status`: `return Error::User("no table 'x'").At(pos).Hint("did you mean
/// 'y'?");`
class Error {
 public:
  static Error User(std::string message) { return {ErrorClass::kUser, std::move(message)}; }
  static Error Data(std::string message) { return {ErrorClass::kData, std::move(message)}; }
  static Error Transient(std::string message) {
    return {ErrorClass::kTransient, std::move(message)};
  }
  static Error Internal(std::string message) { return {ErrorClass::kInternal, std::move(message)}; }

  Error&& At(Position position) && {
    info_.position = position;
    return std::move(*this);
  }
  Error&& In(std::string where) && {
    info_.where = std::move(where);
    return std::move(*this);
  }
  Error&& Hint(std::string hint) && {
    info_.hint = std::move(hint);
    return std::move(*this);
  }
  Error&& Errno(int system_error) && {
    info_.system_error = system_error;
    return std::move(*this);
  }

  operator Status() const;
  template <class T>
  operator Result<T>() const {
    return Status(*this);
  }

 private:
  Error(ErrorClass error_class, std::string message) : message_(std::move(message)) {
    info_.error_class = error_class;
  }

  std::string message_;
  ErrorInfo info_;
};

/// The information of a failed status. Arrow's own errors are classed by their code
/// (IOError: transient; OutOfMemory, UnknownError: internal; the rest: data).
ErrorInfo InfoOf(const Status& status);

/// The same status with `info` completed where its fields are still empty; for callers that know
/// the place.
Status WithPlace(const Status& status, Position position, std::string where = {});

/// For people: "message\n  at where:line:column\n  hint: …".
std::string Describe(const Status& status);

/// As `Describe`, with the offending line of `text` and a caret under the column.
std::string DescribeIn(const Status& status, std::string_view text);

}  // namespace millrace
