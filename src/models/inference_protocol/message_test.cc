#include "models/inference_protocol/message.h"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/json/from_string.h>
#include <arrow/type.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/inference_protocol/metadata.h"

namespace millrace {
namespace {

using testing::HasSubstr;

std::shared_ptr<arrow::Buffer> Join(const EncodedMessage& message) {
  std::string text;
  for (const auto& piece : message.pieces) text += piece->ToString();
  return arrow::Buffer::FromString(std::move(text));
}

Tensor TensorOf(const std::string& name, Datatype datatype,
                const std::shared_ptr<arrow::DataType>& type, const std::string& json) {
  const auto values = arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
  Tensor tensor;
  tensor.name = name;
  tensor.shape = {values->length(), 1};
  EXPECT_TRUE(ArrayAsElements(*values, datatype, &tensor).ok());
  return tensor;
}

std::vector<Tensor> AllTypes() {
  return {
      TensorOf("bool", Datatype::kBool, arrow::boolean(), "[true, false, true]"),
      TensorOf("u8", Datatype::kUint8, arrow::int16(), "[0, 200, 255]"),
      TensorOf("u16", Datatype::kUint16, arrow::int32(), "[0, 65535]"),
      TensorOf("u32", Datatype::kUint32, arrow::int64(), "[4294967295]"),
      TensorOf("u64", Datatype::kUint64, arrow::decimal128(20, 0), R"(["18446744073709551615"])"),
      TensorOf("i8", Datatype::kInt8, arrow::int8(), "[-128, 127]"),
      TensorOf("i16", Datatype::kInt16, arrow::int16(), "[-32768]"),
      TensorOf("i32", Datatype::kInt32, arrow::int32(), "[-2147483648]"),
      TensorOf("i64", Datatype::kInt64, arrow::int64(), "[-9223372036854775807]"),
      TensorOf("fp16", Datatype::kFp16, arrow::float32(), "[0.5, -2]"),
      TensorOf("bf16", Datatype::kBf16, arrow::float32(), "[0.5, -2, 3.140625]"),
      TensorOf("fp32", Datatype::kFp32, arrow::float32(), "[0.1, NaN, -Inf]"),
      TensorOf("fp64", Datatype::kFp64, arrow::float64(), "[0.1, 1e300]"),
      TensorOf("bytes", Datatype::kBytes, arrow::utf8(), R"(["", "grüß", "a\u0000b"])")};
}

void ExpectSame(const std::vector<Tensor>& actual, const std::vector<Tensor>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    EXPECT_EQ(actual[i].name, expected[i].name);
    EXPECT_EQ(actual[i].datatype, expected[i].datatype);
    EXPECT_EQ(actual[i].shape, expected[i].shape);
    const auto a = ElementsAsArray(actual[i]).ValueOrDie(),
               b = ElementsAsArray(expected[i]).ValueOrDie();
    EXPECT_TRUE(a->Equals(*b, arrow::EqualOptions::Defaults().nans_equal(true)))
        << a->ToString() << b->ToString();
  }
}

TEST(InferenceProtocolTest, BinaryRoundTripOfAllTypes) {  // T4, T14
  InferRequest request;
  request.id = "7";
  request.parameters["priority"] = 3;
  request.inputs = AllTypes();
  request.outputs = {{"y", true}, {"z", false}};
  const EncodedMessage message = EncodeInferRequest(request).ValueOrDie();
  EXPECT_EQ(message.header_bytes % 8, 0u);
  const InferRequest read = DecodeInferRequest(Join(message), message.header_bytes).ValueOrDie();
  EXPECT_EQ(read.id, "7");
  EXPECT_EQ(read.parameters["priority"], 3);
  EXPECT_TRUE(read.WantsBinary("y"));
  EXPECT_FALSE(read.WantsBinary("z"));
  ExpectSame(read.inputs, request.inputs);
}

TEST(InferenceProtocolTest, JsonRoundTrip) {
  InferRequest request;
  request.binary_input = false;
  for (Tensor& tensor : AllTypes()) {
    const bool has_form = tensor.datatype != Datatype::kFp16 &&
                          tensor.datatype != Datatype::kBf16 &&
                          tensor.name != "fp32";  // JSON has no infinity
    if (has_form) request.inputs.push_back(std::move(tensor));
  }
  const EncodedMessage message = EncodeInferRequest(request).ValueOrDie();
  EXPECT_EQ(message.header_bytes, 0u);
  ExpectSame(DecodeInferRequest(Join(message), 0).ValueOrDie().inputs, request.inputs);
  request.inputs = {TensorOf("x", Datatype::kFp16, arrow::float32(), "[1]")};
  EXPECT_THAT(EncodeInferRequest(request).status().message(), HasSubstr("FP16 has no JSON form"));
}

TEST(InferenceProtocolTest, ResponsesMixForms) {
  InferResponse response{"m", "3", "7", {AllTypes()[7], AllTypes()[13]}};
  const EncodedMessage message = EncodeInferResponse(response, {true, false}).ValueOrDie();
  const InferResponse read = DecodeInferResponse(Join(message), message.header_bytes).ValueOrDie();
  EXPECT_EQ(read.model_name, "m");
  EXPECT_EQ(read.model_version, "3");
  EXPECT_EQ(read.id, "7");
  ExpectSame(read.outputs, response.outputs);
}

TEST(InferenceProtocolTest, UnalignedTensorsAreCopied) {
  const std::string header =
      R"({"inputs":[{"name":"x","datatype":"FP64","shape":[1],"parameters":{"binary_data_size":8}}]})";
  for (size_t pad = 0; pad < 8; ++pad) {
    std::string body = header + std::string(pad, ' ');
    const double value = 1.5;
    body.append(reinterpret_cast<const char*>(&value), 8);
    const auto request =
        DecodeInferRequest(arrow::Buffer::FromString(body), header.size() + pad).ValueOrDie();
    EXPECT_EQ(*reinterpret_cast<const double*>(request.inputs[0].data->data()), 1.5);
  }
}

TEST(InferenceProtocolTest, FaultsAreNamed) {
  struct Case {
    std::string body;
    size_t header_bytes;
    std::string what;
  };
  const auto input = [](const std::string& rest) {
    return R"({"inputs":[{"name":"x","datatype":"INT8",)" + rest + "}]}";
  };
  const std::string binary = input(R"("shape":[2],"parameters":{"binary_data_size":2})");
  const std::vector<Case> cases = {
      {"", 0, "not a JSON object"},
      {"[1]", 0, "not a JSON object"},
      {"{}", 9, "shorter than its JSON"},
      {"{}", 0, "no array 'inputs'"},
      {R"({"inputs":[1]})", 0, "not a JSON object"},
      {R"({"inputs":[{}]})", 0, "no 'name'"},
      {R"({"inputs":[{"name":"x","datatype":"FP7"}]})", 0, "no datatype 'FP7'"},
      {input(R"("data":[1])"), 0, "no 'shape'"},
      {input(R"("shape":["a"],"data":[1])"), 0, "not of numbers"},
      {input(R"("shape":[-1],"data":[1])"), 0, "cannot have the shape [-1]"},
      {input(R"("shape":[4611686018427387904,4],"data":[1])"), 0, "cannot have the shape"},
      {input(R"("shape":[1])"), 0, "neither 'data' nor"},
      {input(R"("shape":[2],"data":[1])"), 0, "1 elements came for the shape [2]"},
      {input(R"("shape":[1],"data":[128])"), 0, "not a INT8"},
      {input(R"("shape":[1],"data":["a"])"), 0, "not a INT8"},
      {input(R"("shape":[1],"data":{})"), 0, "not an array"},
      {input(R"("shape":[2],"parameters":{"binary_data_size":-1})"), 0, "binary_data_size"},
      {binary + "a", binary.size(), "more than the 1 bytes"},
      {binary + "abc", binary.size(), "1 bytes of the body belong to no tensor"},
      {input(R"("shape":[3],"parameters":{"binary_data_size":2})") + "ab",
       input(R"("shape":[3],"parameters":{"binary_data_size":2})").size(),
       "2 bytes came for the shape [3]"},
  };
  for (const Case& each : cases) {
    const auto read = DecodeInferRequest(arrow::Buffer::FromString(each.body), each.header_bytes);
    EXPECT_THAT(read.status().message(), HasSubstr(each.what)) << each.body;
  }
}

TEST(InferenceProtocolTest, BytesFaults) {
  for (const std::string& data :
       {std::string("\x05\0\0\0a", 5), std::string("\0\0", 2), std::string(8, '\0')}) {
    std::string body =
        R"({"inputs":[{"name":"x","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":)" +
        std::to_string(data.size()) + "}}]}";
    const size_t header_bytes = body.size();
    EXPECT_FALSE(DecodeInferRequest(arrow::Buffer::FromString(body + data), header_bytes).ok());
  }
}

TEST(InferenceProtocolTest, ServersSpeakDifferently) {  // T15
  EXPECT_EQ(ErrorTextOf(R"({"error":"no"})"), "no");
  EXPECT_EQ(ErrorTextOf(R"({"detail":[1]})"), "[1]");
  EXPECT_EQ(ErrorTextOf("plain"), "plain");
  EXPECT_EQ(DecodeConfig(R"({"max_batch_size":8})").max_batch, 8);
  EXPECT_FALSE(DecodeConfig(R"({"max_batch_size":8})").sequential);
  EXPECT_EQ(DecodeConfig("not found").max_batch, -1);
  const ServerConfig stateful = DecodeConfig(
      R"({"max_batch_size":0,"sequence_batching":{"max_sequence_idle_microseconds":5000000}})");
  EXPECT_EQ(stateful.max_batch, 0);
  EXPECT_TRUE(stateful.sequential);
  EXPECT_EQ(stateful.sequence_idle_us, 5'000'000);
  const auto metadata =
      DecodeMetadata(
          R"({"name":"m","versions":null,"inputs":[{"name":"x","datatype":"FP32","shape":[-1,2]}],)"
          R"("outputs":[{"name":"y","datatype":"FP32","shape":[-1]}]})")
          .ValueOrDie();
  EXPECT_TRUE(metadata.versions.empty());
  EXPECT_EQ(metadata.inputs[0].shape, (std::vector<int64_t>{-1, 2}));
  EXPECT_FALSE(DecodeMetadata("{}").ok());
  EXPECT_FALSE(DecodeMetadata(R"({"inputs":[{"name":1}],"outputs":[]})").ok());
}

}  // namespace
}  // namespace millrace
