#include "base/error.h"

#include <algorithm>

namespace millrace {
namespace {

constexpr const char* kTypeId = "millrace::Error";

class Detail final : public arrow::StatusDetail {
 public:
  explicit Detail(ErrorInfo info) : info(std::move(info)) {}
  const char* type_id() const override { return kTypeId; }
  std::string ToString() const override { return info.hint; }

  ErrorInfo info;
};

const ErrorInfo* FindInfo(const Status& status) {
  if (status.detail() == nullptr || status.detail()->type_id() != kTypeId) return nullptr;
  return &static_cast<const Detail&>(*status.detail()).info;
}

arrow::StatusCode CodeOf(ErrorClass error_class) {
  switch (error_class) {
    case ErrorClass::kUser:
    case ErrorClass::kData:
      return arrow::StatusCode::Invalid;
    case ErrorClass::kTransient:
      return arrow::StatusCode::IOError;
    case ErrorClass::kInternal:
      return arrow::StatusCode::UnknownError;
  }
  return arrow::StatusCode::UnknownError;
}

ErrorClass ClassOf(const Status& status) {
  switch (status.code()) {
    case arrow::StatusCode::IOError:
      return ErrorClass::kTransient;
    case arrow::StatusCode::OutOfMemory:
    case arrow::StatusCode::UnknownError:
      return ErrorClass::kInternal;
    default:
      return ErrorClass::kData;
  }
}

std::string PlaceOf(const ErrorInfo& info) {
  std::string place = info.where;
  if (info.position.known()) {
    if (!place.empty()) place += ':';
    place += std::to_string(info.position.line) + ':' + std::to_string(info.position.column);
  }
  return place;
}

std::string_view LineOf(std::string_view text, int line) {
  for (; line > 1; --line) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

std::string Render(const Status& status, std::string_view excerpt) {
  const ErrorInfo info = InfoOf(status);
  std::string out = status.message();
  if (const std::string place = PlaceOf(info); !place.empty()) out += "\n  at " + place;
  out += excerpt;
  if (!info.hint.empty()) out += "\n  hint: " + info.hint;
  return out;
}

}  // namespace

Error::operator Status() const {
  return {CodeOf(info_.error_class), message_, std::make_shared<Detail>(info_)};
}

ErrorInfo InfoOf(const Status& status) {
  if (const ErrorInfo* info = FindInfo(status)) return *info;
  ErrorInfo info;
  info.error_class = ClassOf(status);
  return info;
}

Status WithPlace(const Status& status, Position position, std::string where) {
  if (status.ok()) return status;
  ErrorInfo info = InfoOf(status);
  if (!info.position.known()) info.position = position;
  if (info.where.empty()) info.where = std::move(where);
  return {status.code(), status.message(), std::make_shared<Detail>(std::move(info))};
}

std::string Describe(const Status& status) { return Render(status, {}); }

std::string DescribeIn(const Status& status, std::string_view text) {
  const Position at = InfoOf(status).position;
  if (!at.known()) return Describe(status);
  std::string line(LineOf(text, at.line));
  std::replace(line.begin(), line.end(), '\t', ' ');
  const std::string number = std::to_string(at.line);
  std::string excerpt =
      "\n  " + number + " | " + line + "\n  " + std::string(number.size(), ' ') + " | ";
  excerpt += std::string(static_cast<size_t>(std::max(0, at.column - 1)), ' ') + '^';
  return Render(status, excerpt);
}

}  // namespace millrace
