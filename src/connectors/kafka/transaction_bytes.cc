#include "connectors/kafka/transaction_bytes.h"

#include <cstring>
#include <type_traits>

namespace millrace {
namespace {

constexpr uint32_t kVersion = 1;

/// Appends numbers in the machine's order, and texts with their lengths; -1: none.
class Out {
 public:
  explicit Out(std::string* bytes) : bytes_(*bytes) {}
  template <class T>
  void Number(T value) {
    static_assert(std::is_integral_v<T>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void Text(std::string_view text) {
    Number(static_cast<int32_t>(text.size()));
    bytes_ += text;
  }
  void Optional(const std::optional<std::string>& text) {
    if (text) {
      Text(*text);
    } else {
      Number(int32_t{-1});
    }
  }

 private:
  std::string& bytes_;
};

/// After the first fault every read gives an empty value.
class In {
 public:
  explicit In(std::string_view bytes) : bytes_(bytes) {}
  template <class T>
  T Number() {
    T value{};
    if (bytes_.size() < sizeof value) {
      ok_ = false;
      return value;
    }
    std::memcpy(&value, bytes_.data(), sizeof value);
    bytes_.remove_prefix(sizeof value);
    return value;
  }
  std::optional<std::string> Optional() {
    const auto size = Number<int32_t>();
    if (size < 0) return std::nullopt;
    if (static_cast<size_t>(size) > bytes_.size()) {
      ok_ = false;
      return std::nullopt;
    }
    std::string text(bytes_.substr(0, static_cast<size_t>(size)));
    bytes_.remove_prefix(static_cast<size_t>(size));
    return text;
  }
  std::string Text() { return Optional().value_or(""); }
  bool ok() const { return ok_; }
  bool done() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace

int64_t KafkaTransaction::bytes() const {
  int64_t sum = 0;
  for (const auto& message : messages) sum += message.bytes();
  return sum;
}

std::string KafkaTransaction::ToBytes() const {
  std::string bytes;
  bytes.reserve(static_cast<size_t>(this->bytes()));
  Out out(&bytes);
  out.Number(kVersion);
  out.Text(id);
  out.Number(checkpoint);
  for (const auto& message : messages) {
    out.Number(message.timestamp_ms);
    out.Optional(message.key);
    out.Optional(message.value);
    out.Number(static_cast<int32_t>(message.headers.size()));
    for (const auto& [key, value] : message.headers) {
      out.Text(key);
      out.Optional(value);
    }
  }
  return bytes;
}

Result<KafkaTransaction> KafkaTransaction::FromBytes(std::string_view bytes) {
  In in(bytes);
  KafkaTransaction transaction;
  if (const auto version = in.Number<uint32_t>(); version != kVersion) {
    return Error::Data("rows of a Kafka transaction are of version " + std::to_string(version) +
                       "; version " + std::to_string(kVersion) + " is known")
        .Hint("restore with the release that wrote the checkpoint");
  }
  transaction.id = in.Text();
  transaction.checkpoint = in.Number<int64_t>();
  while (in.ok() && !in.done()) {
    KafkaMessage& message = transaction.messages.emplace_back();
    message.timestamp_ms = in.Number<int64_t>();
    message.key = in.Optional();
    message.value = in.Optional();
    for (auto headers = in.Number<int32_t>(); headers > 0 && in.ok(); --headers) {
      std::string key = in.Text();
      message.headers.emplace_back(std::move(key), in.Optional());
    }
  }
  if (!in.ok()) return Error::Data("rows of a Kafka transaction are damaged");
  return transaction;
}

}  // namespace millrace
