#include "spi/secret_text.h"

namespace millrace {

namespace {

constexpr std::string_view kOpen = "${SECRET:";

}  // namespace

Result<std::string> WithSecrets(std::string_view text, const SecretProvider& secrets) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const std::string_view rest = text.substr(i);
    if (rest.starts_with("$$")) {
      out += '$';
      i += 2;
    } else if (rest.starts_with(kOpen)) {
      const auto close = rest.find('}');
      if (close == std::string_view::npos) {
        return Error::User("a reference to a secret has no closing brace")
            .Hint("write ${SECRET:name}");
      }
      ARROW_ASSIGN_OR_RAISE(const std::string value,
                            secrets.Get(rest.substr(kOpen.size(), close - kOpen.size())));
      out += value;
      i += close + 1;
    } else {
      out += text[i++];
    }
  }
  return out;
}

Status CheckSecrets(const std::map<std::string, std::string>& options,
                    const SecretProvider& secrets, const OptionPositions& positions) {
  for (const auto& [key, value] : options) {
    if (value.find(kOpen) == std::string::npos) continue;
    const Status found = WithSecrets(value, secrets).status();
    if (found.ok()) continue;
    const auto at = positions.find(key);
    return WithPlace(found, at == positions.end() ? Position{} : at->second);
  }
  return Status::OK();
}

Result<ResolvedTable> ResolveWithSecrets(Services& services, const TableConfig& table) {
  TableConfig opened = table;
  for (auto& [key, value] : opened.options) {
    if (value.find(kOpen) == std::string::npos) continue;
    ARROW_ASSIGN_OR_RAISE(value, WithSecrets(value, services.secrets()));
  }
  return ResolveTable(services.registries(), opened);
}

}  // namespace millrace
