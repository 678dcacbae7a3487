#include <array>

#include <openssl/evp.h>

#include "expr/row_kernel.h"
#include "functions/declare.h"
#include "functions/families.h"
#include "functions/hex_digit.h"
#include "spi/services.h"

namespace millrace::functions {
namespace {

using Text = std::string_view;

void AppendHex(Text bytes, bool upper, std::string& out) {
  const char* digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  for (const char c : bytes) {
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 15];
  }
}

bool Unhex(Text hex, std::string& out) {
  if (hex.size() % 2 != 0) return false;
  for (size_t i = 0; i < hex.size(); i += 2) {
    const int high = HexDigit(hex[i]);
    const int low = HexDigit(hex[i + 1]);
    if (high < 0 || low < 0) return false;
    out += static_cast<char>(high * 16 + low);
  }
  return true;
}

void ToBase64(Text bytes, std::string& out) {
  out.resize((bytes.size() + 2) / 3 * 4 + 1);
  const int written = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                      reinterpret_cast<const unsigned char*>(bytes.data()),
                                      static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(written));
}

bool FromBase64(Text text, std::string& out) {
  if (text.size() % 4 != 0) return false;
  size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  out.resize(text.size() / 4 * 3 + 1);
  const int written = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                      reinterpret_cast<const unsigned char*>(text.data()),
                                      static_cast<int>(text.size()));
  if (written < 0) return false;
  out.resize(static_cast<size_t>(written) - padding);
  return true;
}

void Digest(Text text, const EVP_MD* digest, std::string& out) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), bytes.data(), &size, digest, nullptr);
  AppendHex({reinterpret_cast<const char*>(bytes.data()), size}, false, out);
}

void AppendUuid(uint64_t high, uint64_t low, std::string& out) {
  high = (high & ~uint64_t{0xf000}) | 0x4000;                // version 4
  low = (low & ~(uint64_t{3} << 62)) | (uint64_t{2} << 62);  // variant 1
  std::array<char, 40> text;
  std::snprintf(text.data(), text.size(), "%08x-%04x-%04x-%04x-%012llx",
                static_cast<unsigned>(high >> 32), static_cast<unsigned>(high >> 16 & 0xffff),
                static_cast<unsigned>(high & 0xffff), static_cast<unsigned>(low >> 48),
                static_cast<unsigned long long>(low & 0xffffffffffffULL));
  out += text.data();
}

}  // namespace

void AddEncoding(Registries& registries) {
  const SqlType string = SqlType::String();
  const SqlType bytes = SqlType::Bytes();
  const Parameter text{"text", string};
  const auto add = [&](ScalarFunctionSpec head, Fixed fixed) {
    registries.functions.Add(Declare(std::move(head), std::move(fixed)));
  };
  const auto hash = [&](const std::string& name, const EVP_MD* digest, const std::string& example) {
    add(StringFunction(name, name + "(text)", "The " + name + " hash in hexadecimal digits.",
                       {"SUBSTRING(" + name + "('abc'), 1, 8)", example}),
        {{text}, string, {RowKernel<std::string, Text>(string, [digest](Text x, std::string& out) {
           Digest(x, digest, out);
         })}});
  };
  hash("MD5", EVP_md5(), "90015098");
  hash("SHA1", EVP_sha1(), "a9993e36");
  hash("SHA224", EVP_sha224(), "23097d22");
  hash("SHA256", EVP_sha256(), "ba7816bf");
  hash("SHA384", EVP_sha384(), "cb00753f");
  hash("SHA512", EVP_sha512(), "ddaf35a1");
  add(StringFunction("TO_BASE64", "TO_BASE64(text)", "The bytes in Base64.",
                     {"TO_BASE64('hello world')", "aGVsbG8gd29ybGQ="}),
      {{text}, string, {RowKernel<std::string, Text>(string, ToBase64)}});
  add(StringFunction("FROM_BASE64", "FROM_BASE64(text)",
                     "The text that Base64 holds; NULL where it is malformed.",
                     {"FROM_BASE64('aGVsbG8gd29ybGQ=')", "hello world"}),
      {{text}, string, {RowKernel<std::string, Text>(string, FromBase64)}, false, true});
  ScalarFunctionSpec hex = StringFunction("HEX", "HEX(text or integer)", "In hexadecimal digits.",
                                          {"HEX('hello')", "68656C6C6F"});
  hex.bind = [](Types types, Literals) -> Result<BoundFunction> {
    ARROW_RETURN_NOT_OK(CheckCount("HEX", types.size(), 1, 1));
    const SqlType result = SqlType::String().AsNullable(AnyNullable(types));
    if (types[0].is_integer()) {
      return WithKernel(result, {SqlType::BigInt()},
                        RowKernel<std::string, int64_t>(result, [](int64_t x, std::string& out) {
                          std::array<char, 20> digits;
                          std::snprintf(digits.data(), digits.size(), "%llX",
                                        static_cast<unsigned long long>(x));
                          out += digits.data();
                        }));
    }
    if (!types[0].is_string() && !types[0].is_binary() && !types[0].is_null())
      return WrongArgument("HEX", 0, "", "STRING or an integer", types[0], SqlType::String());
    return WithKernel(result, {types[0].is_null() ? SqlType::String() : types[0]},
                      RowKernel<std::string, Text>(
                          result, [](Text x, std::string& out) { AppendHex(x, true, out); }));
  };
  registries.functions.Add(std::move(hex));
  add(StringFunction("UNHEX", "UNHEX(text)",
                     "The bytes of hexadecimal digits; NULL where they are malformed.",
                     {"DECODE(UNHEX('466C696E6B'), 'UTF-8')", "Flink"}),
      {{text}, bytes, {RowKernel<std::string, Text>(bytes, Unhex)}, false, true});
  const auto charset = [](RowScope& row, Text x, Text name) -> std::optional<Text> {
    if (name == "UTF-8" || name == "US-ASCII" || name == "utf-8") return x;
    return row.Fail("unknown character set '" + std::string(name) +
                    "': UTF-8 and US-ASCII are known");
  };
  add(StringFunction("ENCODE", "ENCODE(text, charset)", "The text's bytes in UTF-8.",
                     {"HEX(ENCODE('a', 'UTF-8'))", "61"}),
      {{text, {"charset", string}},
       bytes,
       {RowKernel<std::string, Text, Text>(bytes, charset)},
       true});
  add(StringFunction("DECODE", "DECODE(bytes, charset)", "The text of bytes in UTF-8.",
                     {"DECODE(ENCODE('a', 'UTF-8'), 'UTF-8')", "a"}),
      {{{"bytes", bytes}, {"charset", string}},
       string,
       {RowKernel<std::string, Text, Text>(string, charset)},
       true});
  ScalarFunctionSpec uuid =
      StringFunction("UUID", "UUID()", "A random identifier of RFC 4122, version 4.",
                     {"CHAR_LENGTH(UUID())", "36"});
  uuid.deterministic = false;
  add(std::move(uuid), {{},
                        string,
                        {[](std::span<const ColumnValue>, int64_t rows, const EvalContext& context,
                            RowErrors&) -> Result<ColumnValue> {
                          if (context.random == nullptr)
                            return Error::User("random numbers cannot be used here");
                          arrow::StringBuilder builder;
                          for (int64_t row = 0; row < rows; ++row) {
                            std::string out;
                            const uint64_t high = context.random(context.random_state);
                            AppendUuid(high, context.random(context.random_state), out);
                            ARROW_RETURN_NOT_OK(builder.Append(out));
                          }
                          ARROW_ASSIGN_OR_RAISE(auto array, builder.Finish());
                          return ColumnValue{array};
                        }}});
}

}  // namespace millrace::functions
