#include <algorithm>
#include <array>
#include <cctype>

#include "base/options.h"

namespace millrace {
namespace {

constexpr std::string_view kMask = "******";
constexpr std::array<std::string_view, 11> kSecretWords = {
    "token",      "password",    "passwd",      "secret",        "credential", "api-key",
    "access-key", "private-key", "account-key", "authorization", "headers"};

bool IsSecretName(std::string_view key) {
  std::string name(key);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
    return c == '_' || c == '.' ? '-' : static_cast<char>(std::tolower(c));
  });
  return std::any_of(kSecretWords.begin(), kSecretWords.end(),
                     [&](std::string_view word) { return name.find(word) != std::string::npos; });
}

bool IsReference(std::string_view value) {
  return value.starts_with("${SECRET:") && value.find('}') == value.size() - 1;
}

/// "scheme://user:password@host" without the password.
std::string WithoutPassword(std::string_view value) {
  const size_t scheme = value.find("://");
  if (scheme == std::string_view::npos) return std::string(value);
  const size_t user = scheme + 3;
  const std::string_view authority = value.substr(user, value.substr(user).find_first_of("/?#"));
  const size_t at = authority.rfind('@');
  const size_t colon = authority.find(':');
  if (at == std::string_view::npos || colon > at) return std::string(value);
  const std::string_view password = authority.substr(colon + 1, at - colon - 1);
  if (IsReference(password)) return std::string(value);
  std::string out(value.substr(0, user + colon + 1));
  return (out += kMask) += value.substr(user + at);
}

}  // namespace

std::string RedactedValue(std::string_view key, std::string_view value) {
  if (IsReference(value)) return std::string(value);
  return IsSecretName(key) ? std::string(kMask) : WithoutPassword(value);
}

}  // namespace millrace
