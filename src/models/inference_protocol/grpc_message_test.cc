#include "models/inference_protocol/grpc_message.h"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <inference.pb.h>

#include "net/gzip.h"

namespace millrace {
namespace {

using testing::HasSubstr;

std::string Text(const std::vector<std::shared_ptr<arrow::Buffer>>& pieces) {
  std::string text;
  for (const auto& piece : pieces) text += piece->ToString();
  return text;
}

Tensor Floats(const std::string& name, std::vector<float> values) {
  Tensor tensor;
  tensor.name = name;
  tensor.shape = {static_cast<int64_t>(values.size()), 1};
  tensor.data = arrow::Buffer::FromVector(std::move(values));
  return tensor;
}

TEST(GrpcMessageTest, RequestsSurvive) {  // T14
  InferRequest request;
  request.id = "7";
  request.parameters = {{"sequence_id", 42}, {"sequence_start", true}, {"note", "grüß"}};
  request.inputs = {Floats("x", std::vector<float>(100, 1.5f)), Floats("empty", {})};
  request.outputs = {{"y", true}};
  inference::ModelInferRequest message;
  ASSERT_TRUE(message.ParseFromString(Text(ToGrpcRequest(request, "m", "3").ValueOrDie())));
  EXPECT_EQ(message.model_name(), "m");
  EXPECT_EQ(message.model_version(), "3");
  EXPECT_EQ(message.parameters().at("sequence_id").int64_param(), 42);
  const InferRequest read = FromGrpcRequest(std::move(message)).ValueOrDie();
  EXPECT_EQ(read.id, "7");
  EXPECT_EQ(read.parameters, request.parameters);
  ASSERT_EQ(read.inputs.size(), 2u);
  EXPECT_EQ(read.inputs[0].shape, request.inputs[0].shape);
  EXPECT_TRUE(read.inputs[0].data->Equals(*request.inputs[0].data));
  EXPECT_EQ(read.outputs.at(0).name, "y");
}

TEST(GrpcMessageTest, ContentsMayBeWrittenOneByOne) {  // T15: mlserver and kserve write them so
  inference::ModelInferResponse message;
  auto* output = message.add_outputs();
  output->set_name("y");
  output->set_datatype("INT8");
  output->add_shape(2);
  output->mutable_contents()->add_int_contents(-1);
  output->mutable_contents()->add_int_contents(7);
  auto* text = message.add_outputs();
  text->set_name("t");
  text->set_datatype("BYTES");
  text->add_shape(1);
  text->mutable_contents()->add_bytes_contents("grüß");
  const InferResponse read = FromGrpcResponse(message).ValueOrDie();
  EXPECT_EQ(read.outputs[0].data->ToString(), "\xff\x07");
  EXPECT_EQ(read.outputs[1].bytes->GetView(0), "grüß");
  output->add_shape(2);
  EXPECT_THAT(FromGrpcResponse(message).status().message(), HasSubstr("has 2 elements"));
}

TEST(GrpcMessageTest, WrongMessagesAreRefused) {
  struct Case {
    const char* datatype;
    int64_t dimension;
    int raws;
    const char* what;
  };
  const std::vector<Case> cases = {{"FP99", 1, 1, "no datatype 'FP99'"},
                                   {"FP32", -1, 1, "cannot have the shape"},
                                   {"FP32", 1, 2, "1 tensors and 2 raw contents"},
                                   {"FP32", 3, 1, "x"},
                                   {"FP16", 1, 0, "raw_"}};
  for (const Case& each : cases) {
    inference::ModelInferRequest message;
    auto* input = message.add_inputs();
    input->set_name("x");
    input->set_datatype(each.datatype);
    input->add_shape(each.dimension);
    for (int i = 0; i < each.raws; ++i) message.add_raw_input_contents("1234");
    EXPECT_THAT(FromGrpcRequest(message).status().message(), HasSubstr(each.what));
  }
}

TEST(GrpcMessageTest, Frames) {
  const std::string frame = Text(GrpcFrame({arrow::Buffer::FromString("hello")}, false));
  EXPECT_EQ(frame, std::string("\0\0\0\0\x05hello", 10));
  EXPECT_EQ(FromGrpcFrame(frame, 100).ValueOrDie(), "hello");
  const std::string_view hello = "hello";
  const std::string packed = GzipCompress(std::span(&hello, 1)).ValueOrDie();
  EXPECT_EQ(
      FromGrpcFrame(Text(GrpcFrame({arrow::Buffer::FromString(packed)}, true)), 100).ValueOrDie(),
      "hello");
  for (const auto& wrong : {std::string("\0\0", 2), frame + "x", frame.substr(0, 7)}) {
    EXPECT_FALSE(FromGrpcFrame(wrong, 100).ok());
  }
}

TEST(GrpcMessageTest, PercentText) {
  EXPECT_EQ(FromPercentText("a%20b%C3%BC%"), "a bü%");
  EXPECT_EQ(FromPercentText("%zz%2"), "%zz%2");
}

}  // namespace
}  // namespace millrace
