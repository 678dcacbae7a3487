#include "spi/secret_text.h"

namespace millrace {

Result<std::string> WithSecrets(std::string_view text, const SecretProvider& secrets) {
  constexpr std::string_view kOpen = "${SECRET:";
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

}  // namespace millrace
