#include "server/model_server.h"

#include <filesystem>
#include <future>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "models/test_services.h"
#include "net/gzip.h"
#include "net/http.h"

namespace millrace {
namespace {

using nlohmann::json;
using testing::HasSubstr;

/// A repository of the test models below the build's temporary folder.
class ModelServerTest : public testing::Test {
 protected:
  void SetUp() override {
    FileSystem& files = services_.env().files();
    folder_ = testing::TempDir() + "millrace-models-" + std::to_string(services_.env().Random());
    for (const char* name : {"linear", "classifier", "types", "text", "recommender", "one_row"})
      Add(name, "1", name);
    Add("linear", "3", "linear");
    Add("broken", "1", "");
    Add("sum", "1", "running_sum");
    Put(folder_ + "/sum/config.pbtxt",
        "max_batch_size: 8\n"
        "sequence_batching {\n"
        "  max_sequence_idle_microseconds: 60000000\n"
        "  state [ { input_name: \"state\" output_name: \"next\" data_type: TYPE_FP32 } ]\n"
        "}\n");
    Add("joined", "1", "linear");
    Put(folder_ + "/joined/config.pbtxt",
        "max_batch_size: 8\n"
        "dynamic_batching { preferred_batch_size: [ 2 ] max_queue_delay_microseconds: 20000000 "
        "}\n");
    Put(folder_ + "/text/config.pbtxt", "name: \"text\"\nmax_batch_size: 2\n");
    ASSERT_TRUE(files.Stat(folder_).ok());
    auto server = ModelServer::Start({.repository = folder_, .port = 0, .threads = 2}, services_);
    ASSERT_TRUE(server.ok()) << Describe(server.status());
    server_ = std::move(*server);
    base_ = "http://127.0.0.1:" + std::to_string(server_->port());
  }

  void TearDown() override {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Put(const std::string& path, const std::string& bytes) {
    FileSystem& files = services_.env().files();
    ASSERT_TRUE(files.CreateDirectories(path.substr(0, path.rfind('/'))).ok());
    auto file = files.OpenOutput(path, OpenMode::kTruncate).ValueOrDie();
    ASSERT_TRUE(file->Append(bytes).ok());
    ASSERT_TRUE(file->Close().ok());
  }
  void Add(const std::string& name, const std::string& version, const std::string& model) {
    const std::string bytes =
        model.empty()
            ? "not a model"
            : ReadFile(services_.env().files(), "test/models/" + model + ".onnx").ValueOrDie();
    Put(folder_ + "/" + name + "/" + version + "/model.onnx", bytes);
  }

  HttpResponse Ask(HttpMethod method, const std::string& path, const std::string& body = {},
                   std::vector<HttpHeader> headers = {}) {
    HttpRequest request;
    request.method = method;
    request.url = base_ + path;
    request.headers = std::move(headers);
    request.timeout_us = 10'000'000;
    if (method == HttpMethod::kPost) request.body = {HttpPiece::Of(body)};
    HttpResult result = SendAndWait(HttpClient::Shared(), std::move(request));
    EXPECT_TRUE(result.status.ok()) << Describe(result.status);
    return std::move(result.response);
  }
  json Get(const std::string& path) { return json::parse(Ask(HttpMethod::kGet, path).body); }
  HttpResponse Infer(const std::string& model, const std::string& body) {
    return Ask(HttpMethod::kPost, "/v2/models/" + model + "/infer", body);
  }

  /// The rows scored by the provider 'triton' against this server.
  Result<std::shared_ptr<arrow::RecordBatch>> Score(const std::string& model,
                                                    const std::string& rows, Schema input = {},
                                                    Schema output = {}) {
    const ModelProviderSpec* spec = services_.registries().providers.Find("triton");
    ARROW_ASSIGN_OR_RAISE(
        const auto options,
        Options::Make("provider", spec->options, {{"endpoint", base_}, {"model-name", model}}));
    ModelConfig config{"m", "triton", {}, std::move(input), std::move(output)};
    ARROW_ASSIGN_OR_RAISE(const auto signature, spec->describe(config, options, services_));
    if (config.input.size() == 0) {
      ARROW_ASSIGN_OR_RAISE(config.input, SchemaOf(signature.inputs));
    }
    if (config.output.size() == 0) {
      ARROW_ASSIGN_OR_RAISE(config.output, SchemaOf(signature.outputs));
    }
    ARROW_ASSIGN_OR_RAISE(const auto lease, spec->load(config, options, services_));
    const auto schema = config.input.ToArrow();
    ARROW_ASSIGN_OR_RAISE(const auto values,
                          arrow::json::ArrayFromJSONString(arrow::struct_(schema->fields()), rows));
    Batch batch;
    batch.rows = arrow::RecordBatch::Make(schema, values->length(),
                                          static_cast<const arrow::StructArray&>(*values).fields());
    std::promise<Result<Prediction>> promise;
    const auto call = lease->PredictAsync(
        batch, {}, [&](Result<Prediction> p) { promise.set_value(std::move(p)); });
    ARROW_ASSIGN_OR_RAISE(const Prediction prediction, promise.get_future().get());
    if (!prediction.errors.empty()) return Error::Data(prediction.errors[0].text);
    return prediction.outputs;
  }

  TestServices services_;
  std::string folder_, base_;
  std::unique_ptr<ModelServer> server_;
};

TEST_F(ModelServerTest, HealthMetadataAndIndex) {  // T15
  EXPECT_EQ(Ask(HttpMethod::kGet, "/v2/health/live").status, 200);
  EXPECT_EQ(Ask(HttpMethod::kGet, "/v2/health/ready").status, 200);
  EXPECT_EQ(Get("/v2")["name"], "millrace");
  const json metadata = Get("/v2/models/linear");
  EXPECT_EQ(metadata["versions"], json({"1", "3"}));
  EXPECT_EQ(metadata["inputs"][0], json({{"name", "x"}, {"datatype", "FP32"}, {"shape", {-1, 2}}}));
  EXPECT_EQ(Ask(HttpMethod::kGet, "/v2/models/linear/ready").status, 200);
  EXPECT_EQ(Ask(HttpMethod::kGet, "/v2/models/linear/versions/1/ready").status, 200);
  EXPECT_EQ(Ask(HttpMethod::kGet, "/v2/models/broken/ready").status, 503);
  EXPECT_EQ(Get("/v2/models/text/config")["max_batch_size"], 2);
  EXPECT_EQ(Get("/v2/models/linear/config")["input"][0]["data_type"], "TYPE_FP32");
  const json index = json::parse(Ask(HttpMethod::kPost, "/v2/repository/index").body);
  EXPECT_EQ(index.size(), 10u);
  EXPECT_EQ(index[0]["name"], "broken");
  EXPECT_EQ(index[0]["state"], "UNAVAILABLE");
}

TEST_F(ModelServerTest, JsonInference) {
  const auto response = Infer(
      "linear",
      R"({"id":"a","inputs":[{"name":"x","datatype":"FP32","shape":[2,2],"data":[[1,1],[0,2]]}]})");
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(
      json::parse(response.body),
      json({{"id", "a"},
            {"model_name", "linear"},
            {"model_version", "3"},
            {"outputs",
             {{{"name", "y"}, {"datatype", "FP32"}, {"shape", {2, 1}}, {"data", {6.0, 7.0}}}}}}));
}

TEST_F(ModelServerTest, GzipRequests) {
  const std::string_view body =
      R"({"inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"data":[1,1]}]})";
  const auto response =
      Ask(HttpMethod::kPost, "/v2/models/linear/versions/1/infer",
          GzipCompress(std::vector{body}).ValueOrDie(), {{"Content-Encoding", "gzip"}});
  EXPECT_EQ(response.status, 200) << response.body;
}

TEST_F(ModelServerTest, ClientMistakesAreNever500) {
  struct Case {
    HttpMethod method;
    std::string path, body;
    int status;
    std::string what;
  };
  const auto input = [](const std::string& rest) { return R"({"inputs":[{)" + rest + "}]}"; };
  const std::string fine = R"("name":"x","datatype":"FP32","shape":[1,2],"data":[1,1])";
  const HttpMethod post = HttpMethod::kPost, get = HttpMethod::kGet;
  const std::string linear = "/v2/models/linear/infer";
  const std::vector<Case> cases = {
      {get, "/", "", 404, "no page"},
      {get, "/v3", "", 404, "no page"},
      {get, "/v2/nonsense", "", 404, "no page"},
      {get, "/v2/models/linear/nonsense", "", 404, "no page"},
      {get, "/v2/models/linaer", "", 404, "did you mean 'linear'"},
      {get, "/v2/models/linear/versions/2", "", 404, "of version '2'"},
      {get, "/v2/models/linear/versions/latest", "", 404, "of version 'latest'"},
      {get, linear, "", 405, "POST"},
      {post, "/v2/models/linear", "", 405, "GET"},
      {post, "/v2", "", 405, "GET"},
      {post, "/v2/models/broken/infer", "", 404, "not ready"},
      {post, linear, "", 400, "not a JSON object"},
      {post, linear, "{}", 400, "'inputs'"},
      {post, linear, R"({"inputs":[]})", 400, "'x' is missing"},
      {post, linear, input(R"("name":"y","datatype":"FP32","shape":[1,2],"data":[1,1])"), 400,
       "no input 'y'"},
      {post, linear, input(R"("name":"x","datatype":"FP64","shape":[1,2],"data":[1,1])"), 400,
       "takes FP32"},
      {post, linear, input(R"("name":"x","datatype":"FP32","shape":[1,3],"data":[1,1,1])"), 400,
       "takes [-1, 2]"},
      {post, linear, R"({"inputs":[{)" + fine + "},{" + fine + "}]}", 400, "twice"},
      {post, linear, R"({"inputs":[{)" + fine + R"(}],"outputs":[{"name":"z"}]})", 400,
       "no output 'z'"},
      {post, "/v2/models/text/infer",
       input(R"("name":"text","datatype":"BYTES","shape":[3,1],"data":["a","b","c"])"), 400,
       "larger than the model's 2"},
      {post, "/v2/models/recommender/infer",
       R"({"inputs":[{"name":"user","datatype":"INT64","shape":[1],"data":[0]},)"
       R"({"name":"item","datatype":"INT64","shape":[1],"data":[99]},)"
       R"({"name":"recent","datatype":"FP32","shape":[1,1],"data":[0]}]})",
       400, "ONNX Runtime"},
  };
  for (const Case& each : cases) {
    const auto response = Ask(each.method, each.path, each.body);
    EXPECT_EQ(response.status, each.status) << each.path << each.body;
    const json error = json::parse(response.body, nullptr, false);
    ASSERT_TRUE(error.is_object() && error.contains("error")) << response.body;
    EXPECT_THAT(error["error"].get<std::string>(), HasSubstr(each.what)) << each.path;
  }
  const auto header = Ask(post, linear, "{}", {{"Inference-Header-Content-Length", "x"}});
  EXPECT_EQ(header.status, 400);
  const auto encoding = Ask(post, linear, "{}", {{"Content-Encoding", "br"}});
  EXPECT_EQ(encoding.status, 400);
}

TEST_F(ModelServerTest, ProviderScores) {  // T13, T14, T15
  const auto linear = Score("linear", "[[[1, 1]], [[0, 2]]]").ValueOrDie();
  EXPECT_EQ(linear->column(0)->ToString(),
            arrow::json::ArrayFromJSONString(arrow::float32(), "[6, 7]").ValueOrDie()->ToString());
  EXPECT_TRUE(Score("types", "[[1, true, [[1, 2], [3, 4]]], [-7, false, [[0, 0], [5, 6]]]]").ok());
  EXPECT_TRUE(Score("text", R"([["a"], ["grüß"]])").ok());
  EXPECT_TRUE(Score("classifier", "[[[2, 3]]]").ok());
  EXPECT_TRUE(Score("recommender", "[[0, 0, [1]], [1, 1, [2, 3]]]").ok());
  const auto one_row = Score("one_row", "[[[1, 2]], [[3, 4]]]");
  EXPECT_TRUE(one_row.ok()) << one_row.status().ToString();
  Schema wrong;
  wrong.Add("user", SqlType::BigInt());
  wrong.Add("itm", SqlType::BigInt());
  const Status named = Score("recommender", "[]", wrong).status();
  EXPECT_THAT(Describe(named), HasSubstr("'itm'"));
  EXPECT_THAT(Describe(named), HasSubstr("did you mean 'item'"));
}

TEST_F(ModelServerTest, ModelsWithStateKeepItBySequence) {  // T7, T15
  const auto ask = [&](const std::string& x, const std::string& parameters) {
    return Infer("sum", R"({"parameters":{)" + parameters +
                            R"(},"inputs":[{"name":"x","datatype":"FP32","shape":[1,1],"data":[)" +
                            x + "]}]}");
  };
  const auto sum = [&](const std::string& x, const std::string& parameters) {
    return json::parse(ask(x, parameters).body)["outputs"][0]["data"][0].get<float>();
  };
  EXPECT_EQ(Get("/v2/models/sum")["inputs"].size(), 1u);  // the state is the server's own
  EXPECT_EQ(Get("/v2/models/sum/config")["sequence_batching"]["max_sequence_idle_microseconds"],
            60'000'000);
  EXPECT_EQ(sum("1", R"("sequence_id":"a","sequence_start":true)"), 1);
  EXPECT_EQ(sum("10", R"("sequence_id":7,"sequence_start":true)"), 10);
  EXPECT_EQ(sum("2", R"("sequence_id":"a")"), 3);
  EXPECT_EQ(sum("20", R"("sequence_id":7,"sequence_end":true)"), 30);
  EXPECT_EQ(sum("4", R"("sequence_id":"a","sequence_start":true)"), 4);
  for (const char* wrong : {R"("sequence_id":7)", R"("sequence_id":0)", ""}) {
    const auto refused = ask("1", wrong);
    EXPECT_EQ(refused.status, 400) << wrong;
    EXPECT_THAT(refused.body, HasSubstr("must specify")) << wrong;
  }
}

TEST_F(ModelServerTest, ModelsComeAndGo) {  // T15
  const auto post = [&](const std::string& path) { return Ask(HttpMethod::kPost, path).status; };
  EXPECT_EQ(post("/v2/repository/models/linear/unload"), 200);
  EXPECT_EQ(Ask(HttpMethod::kGet, "/v2/models/linear/ready").status, 503);
  EXPECT_EQ(Ask(HttpMethod::kGet, "/v2/models/linear").status, 404);
  EXPECT_EQ(post("/v2/repository/models/linear/load"), 200);
  EXPECT_EQ(Ask(HttpMethod::kGet, "/v2/models/linear/ready").status, 200);
  EXPECT_EQ(post("/v2/repository/models/broken/load"), 400);
  EXPECT_EQ(post("/v2/repository/models/nonsense/load"), 400);
  EXPECT_EQ(post("/v2/repository/models/nonsense/unload"), 400);
  Add("late", "1", "linear");
  EXPECT_EQ(post("/v2/repository/models/late/load"), 200);
  EXPECT_EQ(Ask(HttpMethod::kGet, "/v2/models/late/ready").status, 200);
}

TEST_F(ModelServerTest, CountsWhatItServes) {  // T11
  const std::string good =
      R"({"inputs":[{"name":"x","datatype":"FP32","shape":[2,2],"data":[1,1,2,2]}]})";
  EXPECT_EQ(Infer("linear", good).status, 200);
  EXPECT_EQ(Infer("linear", "{\"inputs\":[]}").status, 400);
  const json stats = Get("/v2/models/linear/stats")["model_stats"];
  ASSERT_EQ(stats.size(), 2u);  // versions 1 and 3
  EXPECT_EQ(stats[1]["version"], "3");
  EXPECT_EQ(stats[1]["inference_count"], 2);
  EXPECT_EQ(stats[1]["inference_stats"]["success"]["count"], 1);
  EXPECT_EQ(stats[1]["inference_stats"]["fail"]["count"], 1);
  EXPECT_THAT(Ask(HttpMethod::kGet, "/metrics").body,
              HasSubstr(R"(millrace_served_rows_total{model="linear",version="3"} 2)"));
}

TEST_F(ModelServerTest, RequestsOfSeveralClientsAreJoined) {  // T11, T15
  const auto ask = [&](const std::string& x) {
    return std::async(std::launch::async, [this, x] {
      return json::parse(
          Infer("joined",
                R"({"inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"data":[)" + x + "]}]}")
              .body)["outputs"][0]["data"][0];
    });
  };
  auto one = ask("1,1"), other = ask("0,2");
  EXPECT_EQ(one.get(), 6.0);
  EXPECT_EQ(other.get(), 7.0);
  const json stats = Get("/v2/models/joined/stats")["model_stats"][0];
  EXPECT_EQ(stats["inference_count"], 2);
  EXPECT_EQ(stats["execution_count"], 1);
  EXPECT_EQ(stats["inference_stats"]["success"]["count"], 2);
  EXPECT_EQ(stats["batch_stats"][0]["batch_size"], 2);
  EXPECT_GT(stats["inference_stats"]["queue"]["ns"], 0);
  EXPECT_EQ(Get("/v2/models/joined/config")["dynamic_batching"]["max_queue_delay_microseconds"],
            20'000'000);
}

TEST_F(ModelServerTest, StopsWithConnectionsOpen) {
  EXPECT_EQ(Ask(HttpMethod::kGet, "/v2").status, 200);  // the connection is kept
  server_->Stop();
  HttpRequest request;
  request.url = base_ + "/v2";
  EXPECT_FALSE(SendAndWait(HttpClient::Shared(), request).status.ok());
}

TEST_F(ModelServerTest, StartErrors) {
  EXPECT_THAT(ModelServer::Start({.repository = folder_ + "/linear/1", .port = 0}, services_)
                  .status()
                  .message(),
              HasSubstr("there is no model"));
  EXPECT_THAT(ModelServer::Start({.repository = folder_, .port = server_->port()}, services_)
                  .status()
                  .message(),
              HasSubstr("cannot have"));
  EXPECT_THAT(ModelServer::Start({.repository = folder_, .host = "nonsense", .port = 0}, services_)
                  .status()
                  .message(),
              HasSubstr("read the address"));
}

}  // namespace
}  // namespace millrace
