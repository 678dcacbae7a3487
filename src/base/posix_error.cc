#include "base/posix_error.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace millrace {
namespace {

bool IsTransient(int system_error) {
  switch (system_error) {
    case ENOSPC:
    case EDQUOT:
    case EIO:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
    case EBUSY:
    case EINTR:
    case ETIMEDOUT:
    case ESTALE:
    case ETXTBSY:
      return true;
    default:
      return false;
  }
}

/// The nearest folder above `path` that exists: where the spelling went wrong.
std::string ExistingParent(const std::string& path) {
  std::error_code error;
  auto at = std::filesystem::absolute(path, error).parent_path();
  while (!error && at.has_relative_path() && !std::filesystem::exists(at, error) && !error) {
    at = at.parent_path();
  }
  return at.string();
}

std::string HintFor(int system_error, const std::string& path) {
  switch (system_error) {
    case ENOENT:
      return "check the path; what exists of it is '" + ExistingParent(path) + "'";
    case EACCES:
    case EPERM:
    case EROFS:
      return "Millrace runs as user " + std::to_string(geteuid()) +
             ": give that user the permission, or use another path";
    case ENOSPC:
    case EDQUOT:
      return "free space on that disk, or use a path on another one";
    case EMFILE:
    case ENFILE:
      return "raise the limit of open files (ulimit -n)";
    case EISDIR:
      return "it is a directory; name a file";
    case ENOTDIR:
      return "a part of the path is a file, not a directory";
    case EEXIST:
      return "remove it, or use another path";
    case ENOTEMPTY:
      return "the directory still holds files";
    case EXDEV:
      return "both paths must be on one file system";
    default:
      return {};
  }
}

}  // namespace

Status PosixError(int system_error, std::string_view action, const std::string& path) {
  std::string message = "cannot " + std::string(action) + " '" + path +
                        "': " + std::generic_category().message(system_error);
  auto error = IsTransient(system_error) ? Error::Transient(std::move(message))
                                         : Error::User(std::move(message));
  return std::move(error).Errno(system_error).Hint(HintFor(system_error, path));
}

}  // namespace millrace
