#include <atomic>
#include <deque>
#include <mutex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "models/inference_protocol/message.h"
#include "models/test_services.h"
#include "models/triton/settings.h"
#include "net/test_http_server.h"

namespace millrace {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using Reaction = TestHttpServer::Reaction;
using Do = TestHttpServer::Do;

/// A server of one model, x FP32[1] -> y FP32[1] = 2 x, that misbehaves as the test says: reactions
/// are used up one per request; then it answers. With `poison` it refuses every batch that holds
/// that value.
class FakeTriton {
 public:
  FakeTriton()
      : server_([this](const TestHttpServer::Request& request) { return React(request); }) {}

  void Next(Reaction reaction, int times = 1) {
    std::lock_guard lock(mutex_);
    for (int i = 0; i < times; ++i) reactions_.push_back(reaction);
  }
  void Forget() {
    std::lock_guard lock(mutex_);
    reactions_.clear();
  }
  std::string url() const { return server_.url(); }
  int connections() const { return server_.connections(); }

  std::atomic<int> requests{0};
  std::optional<float> poison;
  int poison_status = 400;
  bool binary = true;
  int max_batch = 8;
  std::string tensors = R"("inputs":[{"name":"x","datatype":"FP32","shape":[-1,1]}],)"
                        R"("outputs":[{"name":"y","datatype":"FP32","shape":[-1,1]}])";
  std::string last_headers;
  json last_header;

 private:
  Reaction React(const TestHttpServer::Request& request) {
    const auto asks = [&](const std::string& path) {
      return request.line.find(" " + path + " ") != std::string::npos;
    };
    if (asks("/v2")) {
      return TestHttpServer::Answer(
          200, binary ? R"({"extensions":["binary_tensor_data"]})" : R"({"extensions":[]})");
    }
    if (asks("/v2/models/m")) {
      return TestHttpServer::Answer(200, R"({"name":"m","versions":["2","10"],)" + tensors + "}");
    }
    if (asks("/v2/models/m/config")) {
      return TestHttpServer::Answer(200, R"({"max_batch_size":)" + std::to_string(max_batch) + "}");
    }
    if (!asks("/v2/models/m/infer"))
      return TestHttpServer::Answer(404, R"({"error":"unknown model"})");
    ++requests;
    {
      std::lock_guard lock(mutex_);
      if (!reactions_.empty()) {
        Reaction reaction = reactions_.front();
        reactions_.pop_front();
        return reaction;
      }
    }
    return Infer(request);
  }

  Reaction Infer(const TestHttpServer::Request& request) {
    size_t header_bytes = 0;
    const std::string key = std::string(kInferenceHeaderLength) + ": ";
    if (const auto at = request.headers.find(key); at != std::string::npos) {
      header_bytes = std::stoul(request.headers.substr(at + key.size()));
    }
    last_headers = request.headers;
    last_header =
        json::parse(header_bytes > 0 ? request.body.substr(0, header_bytes) : request.body);
    const auto infer =
        DecodeInferRequest(arrow::Buffer::FromString(request.body), header_bytes).ValueOrDie();
    const Tensor& x = infer.inputs.at(0);
    auto values = reinterpret_cast<const float*>(x.data->data());
    std::vector<float> doubled;
    for (int64_t i = 0; i < x.num_elements(); ++i) {
      if (poison == values[i])
        return TestHttpServer::Answer(poison_status, R"({"error":"bad value"})");
      doubled.push_back(2 * values[i]);
    }
    InferResponse response{"m", "10", infer.id, {x}};
    response.outputs[0].name = "y";
    response.outputs[0].data = arrow::Buffer::FromVector(std::move(doubled));
    const EncodedMessage message =
        EncodeInferResponse(response, {infer.WantsBinary("y")}).ValueOrDie();
    std::string body;
    for (const auto& piece : message.pieces) body += piece->ToString();
    return TestHttpServer::Answer(
        200, body,
        message.header_bytes > 0 ? key + std::to_string(message.header_bytes) + "\r\n" : "");
  }

  std::mutex mutex_;
  std::deque<Reaction> reactions_;
  TestHttpServer server_;
};

class TritonTest : public testing::Test {
 protected:
  OptionMap With(OptionMap more = {}) {
    OptionMap options = {{"endpoint", triton_.url()},
                         {"model-name", "m"},
                         {"retry-initial-backoff", "1 ms"},
                         {"retry-max-backoff", "2 ms"}};
    for (auto& [key, value] : more) options[key] = value;
    return options;
  }
  std::vector<std::string> Score(const std::string& rows, OptionMap more = {},
                                 const CallOptions& call = {}) {
    auto config = Define(services_, "triton", With(std::move(more)));
    if (!config.ok()) return {"failed: " + Describe(config.status())};
    auto model = LoadNow(services_, *config);
    if (!model.ok()) return {"failed: " + Describe(model.status())};
    auto prediction = Predict(*model, Rows(config->input, rows), call);
    if (prediction.ok()) attempts_ = prediction->attempts;
    if (prediction.ok()) version_ = prediction->version;
    return Lines(prediction);
  }
  Status Refusal(OptionMap more, Schema input = {}, Schema output = {}) {
    return Define(services_, "triton", With(std::move(more)), std::move(input), std::move(output))
        .status();
  }
  static CallOptions Soon(int64_t deadline_us) { return {.deadline_us = deadline_us}; }

  FakeTriton triton_;
  TestServices services_;
  int attempts_ = 0;
  std::string version_;
};

TEST_F(TritonTest, RowsTravelTogether) {  // T13, T14
  EXPECT_THAT(Score("[[1], [2], [3]]"), ElementsAre("2", "4", "6"));
  EXPECT_EQ(triton_.requests, 1);
  EXPECT_EQ(version_, "10");
  EXPECT_EQ(triton_.last_header["inputs"][0]["shape"], json({3, 1}));
  EXPECT_TRUE(triton_.last_header["inputs"][0]["parameters"].contains("binary_data_size"));
}

TEST_F(TritonTest, JsonWhereTheServerHasNoBinary) {  // T14, T15
  triton_.binary = false;
  EXPECT_THAT(Score("[[1], [2]]"), ElementsAre("2", "4"));
  EXPECT_EQ(triton_.last_header["inputs"][0]["data"], json({1.0, 2.0}));
}

TEST_F(TritonTest, DeclaredColumnsAreTheTensorsOfAModelThatNamesNone) {  // T1, T15
  triton_.tensors = R"("inputs":[],"outputs":[])";
  Schema input, output;
  input.Add("x", SqlType::Array(SqlType::Float()));
  output.Add("y", SqlType::Array(SqlType::Float()));
  const auto config = Define(services_, "triton", With(), input, output);
  ASSERT_TRUE(config.ok()) << Describe(config.status());
  const auto model = LoadNow(services_, *config).ValueOrDie();
  EXPECT_THAT(Lines(Predict(model, Rows(config->input, "[[[1, 2]], [[3, 4]]]"))),
              ElementsAre(HasSubstr("2, 4"), HasSubstr("6, 8")));
  EXPECT_EQ(triton_.last_header["inputs"][0]["datatype"], "FP32");
  EXPECT_EQ(triton_.last_header["inputs"][0]["shape"], json({2, 2}));
  EXPECT_THAT(Describe(Refusal({})), HasSubstr("declare INPUT and OUTPUT"));
}

TEST_F(TritonTest, OneRowPerRequestWithoutBatching) {
  triton_.max_batch = 0;
  const auto lines = Score("[[[[1]]], [[[2]]]]");
  EXPECT_EQ(lines.size(), 2u);
  EXPECT_EQ(triton_.requests, 2);
}

TEST_F(TritonTest, OptionsReachTheServer) {  // T6, T10
  Score("[[1]]", {{"priority", "7"},
                  {"auth-token", "Bearer ${SECRET:token}"},
                  {"custom-headers", "X-A:1,X-B:two"}});
  EXPECT_EQ(triton_.last_header["parameters"]["priority"], 7);
  EXPECT_THAT(triton_.last_headers, HasSubstr("Authorization: Bearer s3cret\r\n"));
  EXPECT_THAT(triton_.last_headers, HasSubstr("X-A: 1\r\n"));
  EXPECT_THAT(triton_.last_headers, HasSubstr("X-B: two\r\n"));
}

TEST_F(TritonTest, EndpointForms) {  // T1
  for (const char* form : {"", "/", "/v2", "/v2/", "/v2/models", "/v2/models/"}) {
    EXPECT_EQ(ParseEndpoint(std::string("http://h:8000") + form).ValueOrDie(), "http://h:8000");
  }
  EXPECT_EQ(ParseEndpoint("https://gw/triton/v2").ValueOrDie(), "https://gw/triton");
  EXPECT_EQ(InfoOf(ParseEndpoint("triton:8000").status()).hint, "write 'http://triton:8000'");
  EXPECT_EQ(ParseEndpoint("grpc://triton:8001").ValueOrDie(), "grpc://triton:8001");  // T14
  EXPECT_THAT(InfoOf(ParseEndpoint("tcp://triton:8001").status()).hint,
              HasSubstr("'http://triton:8001'"));
  for (const char* wrong : {"http://", "http:///v2", "http://h:8000?x=1", "http://a b"}) {
    EXPECT_FALSE(ParseEndpoint(wrong).ok()) << wrong;
  }
}

TEST_F(TritonTest, OptionsAreCheckedAtCreate) {  // T6
  EXPECT_THAT(Refusal({{"priority", "256"}}).message(), HasSubstr("priority"));
  EXPECT_THAT(Refusal({{"compression", "lz4"}}).message(), HasSubstr("compression"));
  EXPECT_THAT(Refusal({{"auth-token", "${SECRET:nobody}"}}).message(), HasSubstr("nobody"));
  EXPECT_THAT(Refusal({{"on-error", "default"}}).message(), HasSubstr("default-value"));
  EXPECT_THAT(Refusal({{"retry-initial-backoff", "3 s"}}).message(),
              HasSubstr("retry-max-backoff"));
  EXPECT_THAT(Refusal({{"model-name", "../x"}}).message(), HasSubstr("../x"));
  EXPECT_THAT(Refusal({{"custom-headers", "X-A:1\nX-B:2"}}).message(), HasSubstr("X-A"));
  const Status unknown = Refusal({{"max-retrys", "1"}});
  EXPECT_THAT(Describe(unknown), HasSubstr("max-retries"));
}

TEST_F(TritonTest, MoreOptionsAreCheckedAtCreate) {  // T6, T10
  struct Case {
    OptionMap options;
    const char* what;
  };
  const std::vector<Case> cases = {
      {{{"priority", "-1"}}, "priority"},
      {{{"timeout", "0 s"}}, "'timeout' is no time"},
      {{{"target-latency", "31 s"}}, "between 0 and 'timeout'"},
      {{{"health-check-interval", "0 s"}}, "'health-check-interval' is no time"},
      {{{"circuit-breaker-failure-threshold", "1.5"}}, "circuit-breaker-failure-threshold"},
      {{{"circuit-breaker-half-open-requests", "0"}}, "circuit-breaker-half-open-requests"},
      {{{"circuit-breaker-enabled", "yes"}}, "circuit-breaker-enabled"},
      {{{"connection-pool-size", "0"}}, "connection-pool-size"},
      {{{"tls-ca", "ca.pem"}}, "'https://127"},
      {{{"endpoint", "https://h:1"}, {"tls-key", "k.pem"}}, "belong together"},
  };
  for (const Case& each : cases) {
    EXPECT_THAT(Describe(Refusal(each.options)), HasSubstr(each.what));
  }
}

TEST_F(TritonTest, ConnectionsAreLimited) {  // T6
  triton_.max_batch = 1;
  EXPECT_THAT(Score("[[1], [2], [3], [4], [5], [6]]", {{"connection-pool-size", "1"}}),
              ElementsAre("2", "4", "6", "8", "10", "12"));
  EXPECT_EQ(triton_.requests, 6);
  EXPECT_LE(triton_.connections(), 2);  // one, beside that of other tests' settings
}

TEST_F(TritonTest, RequestsAreNoLargerThanTheModelTakes) {  // T13
  EXPECT_EQ(Score("[[1], [2], [3], [4], [5], [6], [7], [8], [9]]").size(), 9u);
  EXPECT_EQ(triton_.requests, 2);
}

/// Every way in which a server can fail at an inference, with the words that tell it apart and what
/// to do. // T12
TEST_F(TritonTest, ErrorsAreToldApart) {
  struct Case {
    const char* name;
    Reaction reaction;
    std::vector<std::string> says;
  };
  const auto answer = [](int status, const std::string& error) {
    return TestHttpServer::Answer(status, json({{"error", error}}).dump());
  };
  const std::vector<Case> cases = {
      {"overload", answer(503, "Exceeds maximum queue size"), {"HTTP 503", "overloaded"}},
      {"model gone",
       answer(404, "Request for unknown model"),
       {"HTTP 404", "/v2/repository/index"}},
      {"no rights", answer(401, "no"), {"HTTP 401", "'auth-token'"}},
      {"wrong shape", answer(400, "unexpected shape for input 'x'"), {"unexpected shape"}},
      {"mistake as 500", answer(500, "failed to parse the request JSON"), {"failed to parse"}},
      {"broken model", answer(500, "CUDA out of memory"), {"HTTP 500", "CUDA out of memory"}},
      {"stall", {Do::kHang, {}}, {"timed out after 300ms while waiting", "raise 'timeout'"}},
      {"reset", {Do::kReset, {}}, {"lost while", "/v2/health/ready"}},
      {"garbage", {Do::kAnswer, "what?\r\n\r\n"}, {"does not speak HTTP", "8001"}},
      {"no JSON", TestHttpServer::Answer(200, "hello"), {"not a JSON object"}},
      {"redirect",
       TestHttpServer::Answer(302, "", "Location: http://elsewhere/\r\n"),
       {"redirects to 'http://elsewhere/'", "no token leaks"}},
  };
  for (const Case& each : cases) {
    triton_.Next(each.reaction, 2);  // a kept connection that is lost is tried again by libcurl
    const auto lines = Score("[[1]]", {{"max-retries", "0"}, {"timeout", "300 ms"}});
    ASSERT_EQ(lines.size(), 2u) << each.name;
    for (const std::string& text : each.says) EXPECT_THAT(lines[1], HasSubstr(text)) << each.name;
    EXPECT_THAT(lines[1], HasSubstr("model 'm' at " + triton_.url())) << each.name;
    triton_.Forget();
  }
  const Status dns = Refusal({{"endpoint", "http://no-such-host.invalid:8000"}});
  EXPECT_THAT(Describe(dns), HasSubstr("getent hosts no-such-host.invalid"));
  const Status tls = Refusal({{"endpoint", "https" + triton_.url().substr(4)}});
  EXPECT_THAT(Describe(tls), HasSubstr("does the server speak TLS"));
}

TEST_F(TritonTest, MissingModel) {  // T12
  const std::string text = Describe(Refusal({{"model-name", "nope"}}));
  EXPECT_THAT(text, HasSubstr("'nope'"));
  EXPECT_THAT(text, HasSubstr("unknown model"));
  EXPECT_THAT(text, HasSubstr("/v2/repository/index"));
}

TEST_F(TritonTest, ServerDown) {  // T12
  std::string url;
  {
    url = FakeTriton().url();
  }
  const std::string text = Describe(Refusal({{"endpoint", url}}));
  EXPECT_THAT(text, HasSubstr("connection refused by 127.0.0.1 (127.0.0.1:"));
  EXPECT_THAT(text, HasSubstr(url + "/v2/health/ready"));
}

TEST_F(TritonTest, RetriesWhatMayPass) {  // T8
  triton_.Next(TestHttpServer::Answer(503, R"({"error":"busy"})"), 2);
  triton_.Next(TestHttpServer::Answer(500, R"({"error":"flaky"})"));
  EXPECT_THAT(Score("[[1], [2]]"), ElementsAre("2", "4"));
  EXPECT_EQ(attempts_, 4);
}

TEST_F(TritonTest, LostConnections) {  // T8
  // The first loss is of a kept connection: libcurl takes a new one by itself.
  triton_.Next({Do::kReset, {}}, 3);
  EXPECT_THAT(Score("[[1], [2]]"), ElementsAre("2", "4"));
  EXPECT_EQ(attempts_, 3);
}

TEST_F(TritonTest, GivesUpAfterTheLadder) {  // T8, T12
  triton_.Next(TestHttpServer::Answer(503, R"({"error":"busy"})"), 100);
  const auto lines = Score("[[1], [2]]", {{"max-retries", "2"}});
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0], "null");
  EXPECT_THAT(lines[2], HasSubstr("HTTP 503: busy"));
  EXPECT_THAT(lines[2], HasSubstr("attempt 3 of 3"));
  EXPECT_EQ(triton_.requests, 3);
}

TEST_F(TritonTest, NeverRetriesClientMistakes) {  // T8
  triton_.Next(TestHttpServer::Answer(404, R"({"error":"gone"})"));
  EXPECT_THAT(Score("[[1]]"), ElementsAre("null", HasSubstr("HTTP 404: gone")));
  EXPECT_EQ(triton_.requests, 1);
  triton_.Next(
      TestHttpServer::Answer(500, R"({"error":"failed to parse the request JSON buffer"})"));
  EXPECT_THAT(Score("[[1]]"), ElementsAre("null", HasSubstr("failed to parse")));
  EXPECT_EQ(triton_.requests, 2);
}

TEST_F(TritonTest, SplitsUntilTheCulpritIsAlone) {  // T9
  triton_.poison = 4;
  EXPECT_THAT(
      Score("[[1], [2], [3], [4], [5], [6], [7], [8]]"),
      ElementsAre("2", "4", "6", "null", "10", "12", "14", "16",
                  testing::AllOf(testing::StartsWith("!3: "), HasSubstr("HTTP 400: bad value"))));
  EXPECT_EQ(triton_.requests, 7);  // 8, then both halves of each that was refused
  triton_.poison_status = 500;     // a model's own error: after the whole ladder
  EXPECT_THAT(Score("[[4], [5]]", {{"max-retries", "1"}}),
              ElementsAre("null", "10", HasSubstr("HTTP 500")));
}

TEST_F(TritonTest, NullsNeverLeave) {  // T9
  EXPECT_THAT(Score("[[1], [null], [3]]"), ElementsAre("2", "null", "6", "!1: column 'x' is NULL"));
  EXPECT_EQ(triton_.requests, 1);
}

TEST_F(TritonTest, DefaultsAndFailing) {  // T8
  EXPECT_THAT(Score("[[1], [null]]", {{"default-value", "-1.5"}}),
              ElementsAre("2", "-1.5", HasSubstr("!1")));
  EXPECT_THAT(Score("[[1], [null]]", {{"default-value", "null"}}),
              ElementsAre("2", "null", HasSubstr("!1")));
  EXPECT_THAT(Score("[[1], [null]]", {{"on-error", "fail"}}),
              ElementsAre("failed: column 'x' is NULL"));
  EXPECT_THAT(Score("[[1], [null]]", {{"on-error", "dead-letter"}}),
              ElementsAre("2", "null", HasSubstr("!1"), "(without the failed rows)"));
  EXPECT_THAT(Score("[[1]]", {{"default-value", "many"}}),
              ElementsAre(HasSubstr("'default-value' 'many'")));
}

TEST_F(TritonTest, SlowServer) {  // T12
  triton_.Next({Do::kHang, {}}, 2);
  const auto lines = Score("[[1]]", {{"timeout", "50 ms"}, {"max-retries", "1"}});
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[1], HasSubstr("Request timed out after 50ms while waiting for the answer"));
  EXPECT_THAT(lines[1], HasSubstr("attempt 2 of 2"));
  EXPECT_THAT(lines[1], HasSubstr("payload "));
}

TEST_F(TritonTest, DeadlineEndsTheRetries) {
  triton_.Next({Do::kHang, {}}, 100);
  const auto lines = Score("[[1]]", {}, Soon(services_.env().MonotonicMicros() + 50'000));
  EXPECT_THAT(lines, ElementsAre("null", HasSubstr("timed out")));
  EXPECT_EQ(triton_.requests, 1);
}

TEST_F(TritonTest, WrongAnswers) {
  const auto answer = [](const std::string& outputs) {
    return TestHttpServer::Answer(200, R"({"model_name":"m","outputs":[)" + outputs + "]}");
  };
  struct Case {
    Reaction reaction;
    std::string what;
  };
  const std::vector<Case> cases = {
      {TestHttpServer::Answer(200, "garbage"), "not a JSON object"},
      {answer(R"({"name":"z","datatype":"FP32","shape":[2,1],"data":[1,2]})"), "no output 'y'"},
      {answer(R"({"name":"y","datatype":"FP64","shape":[2,1],"data":[1,2]})"), "came as FP64"},
      {answer(R"({"name":"y","datatype":"FP32","shape":[1,1],"data":[1]})"),
       "came with shape [1, 1] for 2 rows"},
      {answer(R"({"name":"y","datatype":"FP32","shape":[2,2],"data":[1,2,3,4]})"),
       "came with shape [2, 2]"},
      {{Do::kAnswer, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"}, "attempt 1 of 1"},
  };
  for (const Case& each : cases) {
    triton_.Next(each.reaction);
    const auto lines = Score("[[1], [2]]", {{"max-retries", "0"}, {"timeout", "300 ms"}});
    ASSERT_EQ(lines.size(), 4u) << each.what;
    EXPECT_THAT(lines[2], HasSubstr(each.what));
  }
}

TEST_F(TritonTest, CancelAnswersOnce) {
  triton_.Next({Do::kHang, {}}, 100);
  const auto config = Define(services_, "triton", With()).ValueOrDie();
  const auto model = LoadNow(services_, config).ValueOrDie();
  std::promise<Result<Prediction>> promise;
  const auto call =
      model->PredictAsync(Rows(config.input, "[[1]]"), {},
                          [&](Result<Prediction> result) { promise.set_value(std::move(result)); });
  call->Cancel();
  call->Cancel();
  EXPECT_THAT(Lines(promise.get_future().get()), ElementsAre("null", HasSubstr("cancelled")));
}

}  // namespace
}  // namespace millrace
