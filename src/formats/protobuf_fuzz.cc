#include <fstream>

#include "formats/format_fuzz.h"

namespace {

constexpr char kProto[] = R"(
syntax = "proto3";
message M {
  int32 a = 1; string b = 2; optional double c = 3; sint64 d = 4; fixed32 e = 5;
  repeated int32 f = 6; M g = 7; map<string, bool> h = 8; bytes i = 9; repeated M j = 10;
  enum E { X = 0; Y = 1; } E k = 11; bool l = 12;
}
)";

}  // namespace

/// The bytes are a message. What is read of it and written again must read alike.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using millrace::SqlType;
  static const std::string path = [] {
    std::string name = std::string(P_tmpdir) + "/millrace_protobuf_fuzz.proto";
    std::ofstream(name) << kProto;
    return name;
  }();
  static const SqlType inner =
      SqlType::Row({{"a", SqlType::Int(), {}}, {"f", SqlType::Array(SqlType::Int()), {}}});
  static const millrace::Schema schema(
      {{"a", SqlType::Int(), {}},
       {"b", SqlType::String(), {}},
       {"d", SqlType::BigInt(), {}},
       {"e", SqlType::BigInt(), {}},
       {"f", SqlType::Array(SqlType::Int()), {}},
       {"g", inner, {}},
       {"h", SqlType::Map(SqlType::String(), SqlType::Boolean()), {}},
       {"i", SqlType::Bytes(), {}},
       {"j", SqlType::Array(inner), {}},
       {"k", SqlType::Int(), {}},
       {"l", SqlType::Boolean(), {}}});
  static const millrace::OptionMap options = {{"schema", path}, {"message", "M"}};
  static const auto decoder = *millrace::DecoderOf("protobuf", schema, options);
  static const auto& spec = millrace::FormatNamed("protobuf");
  static const auto encoder =
      *spec.make_encoder(schema, *millrace::Options::Make("format", spec.options, options));

  const auto read = [](std::string_view bytes) {
    const int64_t position = 0;
    auto decoded = decoder->DecodeMessages({&bytes, 1}, {&position, 1}, "t/0");
    if (!decoded.ok() || !decoded->rows->ValidateFull().ok()) __builtin_trap();
    if (decoded->rows->num_rows() + static_cast<int64_t>(decoded->rejected.size()) != 1) {
      __builtin_trap();
    }
    return decoded->rows;
  };
  const auto rows = read({reinterpret_cast<const char*>(data), size});
  if (rows->num_rows() == 0) return 0;
  std::vector<std::string> written;
  if (!encoder->EncodeMessages(*rows, &written).ok()) __builtin_trap();
  if (!read(written[0])->Equals(*rows)) __builtin_trap();
  return 0;
}
