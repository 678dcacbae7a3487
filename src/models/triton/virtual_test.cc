// What depends on time and order, on virtual time: retries, the circuit breaker, health, sequences.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "models/test_services.h"
#include "models/triton/fake_world.h"
#include "models/triton/triton_model.h"

namespace millrace {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class VirtualTritonTest : public testing::Test {
 protected:
  VirtualTritonTest() {
    client_.answer_at_once = [this](const HttpRequest& request) -> std::optional<HttpResult> {
      const auto ends = [&](std::string_view end) { return request.url.ends_with(end); };
      if (ends("/infer")) return std::nullopt;
      if (ends("/v2/health/ready")) {
        ++health_checks_;
        return ResponseOf(ready_ ? 200 : 503, "");
      }
      if (ends("/config")) return ResponseOf(200, config_);
      if (ends("/v2/models/m")) {
        return ResponseOf(200, R"({"name":"m","versions":["1"],)"
                               R"("inputs":[{"name":"x","datatype":"FP32","shape":[-1,1]}],)"
                               R"("outputs":[{"name":"y","datatype":"FP32","shape":[-1,1]}]})");
      }
      if (ends("/stats")) return ResponseOf(stats_.empty() ? 404 : 200, stats_);
      return ResponseOf(200, R"({"extensions":[]})");
    };
  }

  void Load(OptionMap more = {}, Schema input = {}) {
    more.insert({{"endpoint", "http://h:8000"}, {"model-name", "m"}});
    Schema output;
    output.Add("y", SqlType::Float());
    if (input.size() == 0) input.Add("x", SqlType::Float());
    config_of_ = {"m", "triton", more, input, output};
    const auto* spec = services_.registries().providers.Find("triton");
    const auto options = Options::Make("provider", spec->options, more);
    ASSERT_TRUE(options.ok()) << options.status().ToString();
    auto model = MakeTritonModel(config_of_, *options, services_);
    ASSERT_TRUE(model.ok()) << Describe(model.status());
    model_ = std::move(*model);
  }

  /// Sends rows; their lines come to `lines[index]`.
  size_t Send(const std::string& rows, const CallOptions& options = {}) {
    const size_t index = lines_.size();
    lines_.emplace_back();
    calls_.push_back(model_->PredictAsync(
        Rows(config_of_.input, rows), options,
        [this, index](Result<Prediction> prediction) { lines_[index] = Lines(prediction); }));
    return index;
  }
  /// The parameters of a request that waits.
  json Parameters(size_t i) const { return Body(i).value("parameters", json::object()); }
  json Body(size_t i) const { return json::parse(BodyOf(client_.open.at(i).request)); }
  void Succeed(size_t i) {
    const json body = Body(i);
    json data = json::array();
    for (const auto& value : body["inputs"][0]["data"]) data.push_back(2 * value.get<float>());
    client_.Answer(i, 200,
                   json({{"model_name", "m"},
                         {"outputs",
                          {{{"name", "y"},
                            {"datatype", "FP32"},
                            {"shape", {data.size(), 1}},
                            {"data", data}}}}})
                       .dump());
    client_.Advance(0);
  }

  static Schema WithUser() {
    Schema input;
    input.Add("x", SqlType::Float());
    input.Add("user_id", SqlType::String());
    return input;
  }
  static OptionMap PerUser(OptionMap more = {}) {
    more.insert({{"sequence-id", "conversation-${user_id}"}, {"sequence-start", "true"}});
    return more;
  }

  VirtualServices services_;
  FakeHttpClient& client_ = services_.client;
  std::string config_ = R"({"max_batch_size":8})";
  std::string stats_;
  bool ready_ = true;
  int health_checks_ = 0;
  ModelConfig config_of_;
  ModelLease model_;
  std::vector<std::unique_ptr<Call>> calls_;
  std::vector<std::vector<std::string>> lines_;
};

TEST_F(VirtualTritonTest, TheLadderOfPauses) {  // T8: 100, 200, 400, 800 ms
  Load();
  const size_t row = Send("[[1]]");
  for (const int64_t pause_ms : {100, 200, 400, 800}) {
    ASSERT_EQ(client_.open.size(), 1u);
    client_.Answer(0, 503, R"({"error":"busy"})");
    client_.Advance(pause_ms * 1000 - 1);
    EXPECT_THAT(client_.open, IsEmpty()) << pause_ms;
    client_.Advance(1);
  }
  client_.Answer(0, 503, R"({"error":"busy"})");
  EXPECT_THAT(lines_[row],
              ElementsAre("null", AllOf(HasSubstr("attempt 5 of 5"), HasSubstr("overloaded"))));
}

TEST_F(VirtualTritonTest, JitterShortensAPauseByUpToHalf) {  // T8
  Load();
  services_.virtual_env.random = 50'000;
  Send("[[1]]");
  client_.Answer(0, 503, "");
  client_.Advance(50'000);
  EXPECT_EQ(client_.open.size(), 1u);
}

TEST_F(VirtualTritonTest, TheDeadlineEndsTheLadder) {  // T8
  Load();
  const size_t row =
      Send("[[1]]", {.deadline_us = services_.virtual_env.MonotonicMicros() + 150'000});
  client_.Answer(0, 503, "");
  client_.Advance(100'000);
  ASSERT_EQ(client_.open.size(), 1u);
  EXPECT_EQ(client_.open[0].request.timeout_us, 50'000);
  client_.Advance(50'000);
  client_.Lose(0, HttpPhase::kWait);
  EXPECT_THAT(lines_[row], ElementsAre("null", HasSubstr("attempt 2 of 5")));
}

TEST_F(VirtualTritonTest, BreakerIsSharedByModelsOfAnEndpoint) {  // T8
  const OptionMap options = {{"circuit-breaker-enabled", "true"}, {"max-retries", "0"}};
  Load(options);
  const ModelLease first = model_;
  for (int i = 0; i < 10; ++i) {
    Send("[[1]]");
    client_.Answer(0, 500, R"({"error":"broken"})");
  }
  Load(options);  // another model of the same server
  const size_t row = Send("[[1]]");
  EXPECT_THAT(client_.open, IsEmpty());
  EXPECT_THAT(lines_[row],
              ElementsAre("null", AllOf(HasSubstr("circuit breaker of http://h:8000 is open"),
                                        HasSubstr("again in 60s"))));
  client_.Advance(60'000'000);
  for (int i = 0; i < 3; ++i) {
    const size_t trial = Send("[[2]]");
    Succeed(0);
    EXPECT_THAT(lines_[trial], ElementsAre("4"));
  }
  const size_t closed = Send("[[3]]");
  Succeed(0);
  EXPECT_THAT(lines_[closed], ElementsAre("6"));
}

TEST_F(VirtualTritonTest, ClientMistakesDoNotOpenTheBreaker) {  // T8
  Load({{"circuit-breaker-enabled", "true"}});
  for (int i = 0; i < 20; ++i) {
    Send("[[1]]");
    client_.Answer(0, 400, R"({"error":"no"})");
  }
  Send("[[1]]");
  EXPECT_EQ(client_.open.size(), 1u);
}

TEST_F(VirtualTritonTest, HealthChecksOpenTheBreaker) {  // T8
  Load({{"circuit-breaker-enabled", "true"}, {"health-check-enabled", "true"}});
  EXPECT_EQ(health_checks_, 1);  // at once
  ready_ = false;
  client_.Advance(30'000'000);
  EXPECT_EQ(health_checks_, 2);
  const size_t row = Send("[[1]]");
  EXPECT_THAT(lines_[row], ElementsAre("null", HasSubstr("circuit breaker")));
  ready_ = true;
  client_.Advance(30'000'000);
  const size_t again = Send("[[1]]");
  Succeed(0);
  EXPECT_THAT(lines_[again], ElementsAre("2"));
  model_.reset();
  calls_.clear();
  client_.Advance(60'000'000);
  EXPECT_EQ(health_checks_, 3);  // nobody wants to know any more
}

TEST_F(VirtualTritonTest, WhereTheTimeGoes) {  // T11
  const auto stats = [](int64_t n, int64_t queue_ms, int64_t compute_ms) {
    const auto part = [&](int64_t ms) { return json({{"count", n}, {"ns", ms * 1'000'000}}); };
    return json({{"model_stats",
                  {{{"inference_stats",
                     {{"success", part(0)},
                      {"queue", part(queue_ms)},
                      {"compute_input", part(0)},
                      {"compute_infer", part(compute_ms)},
                      {"compute_output", part(0)}}}}}}})
        .dump();
  };
  Load({{"max-retries", "0"}});
  stats_ = stats(0, 0, 0);
  Send("[[1]]");
  Succeed(0);
  client_.Advance(10'000'000);
  stats_ = stats(1, 60, 30);
  Send("[[1]]");
  services_.virtual_env.now_us += 100'000;
  Succeed(0);
  std::map<std::string, int64_t> values;
  for (const MetricValue& value : services_.metrics().Snapshot()) values[value.name] = value.value;
  EXPECT_EQ(values["model_server_queue"], 60'000);
  EXPECT_EQ(values["model_server_compute"], 30'000);
  EXPECT_EQ(values["model_network"], 10'000);
  const size_t row = Send("[[1]]");  // T12: high latency names its dominant part
  HttpResult late;
  late.timed_out = true;
  late.phase = HttpPhase::kWait;
  late.status = Error::Transient("Request timed out");
  client_.Finish(0, std::move(late));
  EXPECT_THAT(lines_[row],
              ElementsAre("null", HasSubstr("of 100ms a request, 60ms are the server's queue")));
}

// --- target-latency

TEST_F(VirtualTritonTest, RequestsAreAsLargeAsTheTargetAllows) {  // T13
  config_ = R"({"max_batch_size":256})";
  Load({{"target-latency", "50 ms"}});
  json rows = json::array();
  for (int i = 0; i < 2000; ++i) rows.push_back({i});
  const size_t call = Send(rows.dump());
  int64_t free_us = services_.virtual_env.now_us;  // the server computes a row in a millisecond
  size_t largest = 0, late = 0, requests = 0;
  while (!client_.open.empty()) {
    EXPECT_LE(client_.open.size(), 2u);
    const size_t size = Body(0)["inputs"][0]["data"].size();
    const int64_t sent_us = client_.open[0].sent_us;
    free_us = std::max(free_us, sent_us) + 1000 * static_cast<int64_t>(size);
    services_.virtual_env.now_us = free_us;
    largest = std::max(largest, size);
    late += free_us - sent_us > 50'000;
    ++requests;
    Succeed(0);
  }
  ASSERT_EQ(lines_[call].size(), 2000u);
  EXPECT_EQ(lines_[call][1999], "3998");
  EXPECT_GE(largest, 16u);
  EXPECT_LE(largest, 64u);
  EXPECT_LT(late, requests / 4);
}

TEST_F(VirtualTritonTest, RowsThatWaitForTheirPaceMayBeCancelled) {
  Load({{"target-latency", "50 ms"}});
  const size_t first = Send("[[1], [2], [3], [4]]");
  const size_t second = Send("[[5]]");
  EXPECT_EQ(client_.open.size(), 2u);
  calls_[first]->Cancel();
  client_.Advance(0);
  EXPECT_THAT(lines_[first], Not(IsEmpty()));
  ASSERT_EQ(client_.open.size(), 1u);
  Succeed(0);
  EXPECT_THAT(lines_[second], ElementsAre("10"));
}

TEST_F(VirtualTritonTest, RowsThatWaitTooLongFail) {
  Load({{"target-latency", "50 ms"}});
  Send("[[1], [2]]");
  const size_t late =
      Send("[[3]]", {.deadline_us = services_.virtual_env.MonotonicMicros() + 1000});
  client_.Advance(2000);
  Succeed(0);
  EXPECT_THAT(lines_[late], ElementsAre("null", HasSubstr("'target-latency'")));
}

// --- sequences

TEST_F(VirtualTritonTest, RowsOfASequenceGoOneAtATimeInOrder) {  // T7
  Load(PerUser(), WithUser());
  const size_t a = Send(R"([[1, "u"], [2, "v"], [3, "u"]])");
  const size_t b = Send(R"([[4, "u"]])");
  ASSERT_EQ(client_.open.size(), 2u);  // u's first and v's
  EXPECT_EQ(Parameters(0), json({{"sequence_id", "conversation-u"}, {"sequence_start", true}}));
  EXPECT_EQ(Parameters(1), json({{"sequence_id", "conversation-v"}, {"sequence_start", true}}));
  Succeed(0);
  ASSERT_EQ(client_.open.size(), 2u);
  EXPECT_EQ(Body(1)["inputs"][0]["data"], json({3.0}));
  EXPECT_EQ(Parameters(1), json({{"sequence_id", "conversation-u"}}));
  Succeed(1);
  EXPECT_EQ(Body(1)["inputs"][0]["data"], json({4.0}));
  Succeed(1);
  Succeed(0);
  EXPECT_THAT(lines_[a], ElementsAre("2", "4", "6"));
  EXPECT_THAT(lines_[b], ElementsAre("8"));
}

TEST_F(VirtualTritonTest, AnUnknownOutcomeIsNeverSentTwice) {  // T7
  Load(PerUser(), WithUser());
  Send(R"([[1, "u"]])");
  Succeed(0);
  const size_t lost = Send(R"([[2, "u"]])");
  EXPECT_TRUE(client_.open[0].request.send_once);
  client_.Lose(0, HttpPhase::kWait);
  client_.Advance(10'000'000);
  EXPECT_THAT(client_.open, IsEmpty());
  EXPECT_THAT(lines_[lost], ElementsAre("null", HasSubstr("connection lost")));
  Send(R"([[3, "u"]])");
  EXPECT_EQ(Parameters(0)["sequence_start"], true);  // the next row opens a new one
}

TEST_F(VirtualTritonTest, AGatewayThatGaveUpLeavesTheOutcomeUnknown) {  // T7
  Load(PerUser(), WithUser());
  Send(R"([[1, "u"]])");
  Succeed(0);
  Send(R"([[2, "u"]])");
  client_.Answer(0, 504, "");
  client_.Advance(10'000'000);
  EXPECT_THAT(client_.open, IsEmpty());
  Send(R"([[3, "u"]])");
  EXPECT_EQ(Parameters(0)["sequence_start"], true);
}

TEST_F(VirtualTritonTest, WhatNeverLeftIsTriedAgain) {  // T7, T8
  Load(PerUser(), WithUser());
  const size_t row = Send(R"([[1, "u"]])");
  client_.Lose(0, HttpPhase::kConnect);
  client_.Advance(100'000);
  client_.Answer(0, 503, "");
  client_.Advance(200'000);
  EXPECT_EQ(Parameters(0)["sequence_start"], true);
  Succeed(0);
  EXPECT_THAT(lines_[row], ElementsAre("2"));
}

TEST_F(VirtualTritonTest, AnUnknownSequenceSaysItsAge) {  // T7, T12
  config_ =
      R"({"max_batch_size":8,"sequence_batching":{"max_sequence_idle_microseconds":5000000}})";
  Load(PerUser(), WithUser());
  Send(R"([[1, "u"]])");
  Succeed(0);
  client_.Advance(7'000'000);
  const size_t row = Send(R"([[2, "u"]])");
  client_.Answer(0, 400,
                 R"({"error":"sequence conversation-u must specify the START flag on the first"})");
  EXPECT_THAT(lines_[row],
              ElementsAre("null", AllOf(HasSubstr("'conversation-u', its last request was 7s ago"),
                                        HasSubstr("forgets a sequence after 5s"),
                                        HasSubstr("'sequence-gap'"))));
  Send(R"([[3, "u"]])");
  EXPECT_EQ(Parameters(0)["sequence_start"], true);
}

TEST_F(VirtualTritonTest, AGapOpensANewSequence) {  // T7
  Load(PerUser({{"sequence-gap", "5 s"}}), WithUser());
  for (const auto& [pause_us, start] :
       {std::pair{0, true}, {5'000'000, false}, {5'000'001, true}}) {
    client_.Advance(pause_us);
    Send(R"([[1, "u"]])");
    EXPECT_EQ(Parameters(0).contains("sequence_start"), start) << pause_us;
    Succeed(0);
  }
}

TEST_F(VirtualTritonTest, ColumnsMarkStartAndEnd) {  // T7: a window's end, or any condition
  Schema input = WithUser();
  input.Add("is_last", SqlType::Boolean());
  Load(PerUser({{"sequence-end", "${is_last}"}}), input);
  for (const auto& [row, expected] :
       {std::pair{R"([[1, "u", false]])", R"({"sequence_start":true})"},
        {R"([[1, "u", true]])", R"({"sequence_end":true})"},
        {R"([[1, "u", null]])", R"({"sequence_start":true})"}}) {
    Send(row);
    json parameters = Parameters(0);
    parameters.erase("sequence_id");
    EXPECT_EQ(parameters, json::parse(expected)) << row;
    Succeed(0);
  }
}

TEST_F(VirtualTritonTest, CountedIdsNeverRepeat) {  // T7
  Load(PerUser({{"sequence-id-auto-increment", "true"}, {"sequence-gap", "5 s"}}), WithUser());
  const CallOptions subtask{.subtask = 3};
  std::set<std::string> ids;
  for (int restart = 0; restart < 2; ++restart) {
    for (const int64_t pause_us : {0, 1'000'000, 9'000'000}) {
      client_.Advance(pause_us);
      Send(R"([[1, "u"]])", subtask);
      const std::string id = Parameters(0)["sequence_id"];
      EXPECT_THAT(id, testing::StartsWith("conversation-u-3-"));
      ids.insert(id);
      Succeed(0);
    }
    Load(PerUser({{"sequence-id-auto-increment", "true"}, {"sequence-gap", "5 s"}}), WithUser());
  }
  EXPECT_EQ(ids.size(), 4u);  // two of each run: the first, and the one after the gap
}

TEST_F(VirtualTritonTest, NumbersGoAsNumbers) {  // T7
  Schema input;
  input.Add("x", SqlType::Float());
  input.Add("user_id", SqlType::BigInt());
  Load({{"sequence-id", "${user_id}"}}, input);
  Send("[[1, 7]]");
  EXPECT_EQ(Parameters(0), json({{"sequence_id", 7}}));
  const size_t row = Send("[[1, null]]");
  EXPECT_THAT(lines_[row], ElementsAre("null", HasSubstr("'sequence-id' is NULL")));
}

TEST_F(VirtualTritonTest, AConstantIdTakesItsMarksLiterally) {  // T7
  Load({{"sequence-id", "42"}, {"sequence-start", "true"}, {"sequence-end", "true"}});
  for (int i = 0; i < 2; ++i) {
    Send("[[1]]");
    EXPECT_EQ(Parameters(0),
              json({{"sequence_id", 42}, {"sequence_start", true}, {"sequence_end", true}}));
    Succeed(0);
  }
}

TEST_F(VirtualTritonTest, CancelledRowsLeaveTheirSequence) {  // T7
  Load(PerUser(), WithUser());
  const size_t a = Send(R"([[1, "u"], [2, "u"]])");
  const size_t b = Send(R"([[3, "u"]])");
  calls_[a]->Cancel();
  client_.Advance(0);
  EXPECT_EQ(lines_[a].size(), 4u);
  ASSERT_EQ(client_.open.size(), 1u);
  EXPECT_EQ(Parameters(0)["sequence_start"], true);  // the outcome of row 1 is unknown
  Succeed(0);
  EXPECT_THAT(lines_[b], ElementsAre("6"));
}

TEST_F(VirtualTritonTest, SequenceOptionsAreChecked) {  // T7, T10
  const auto refusal = [&](OptionMap options) {
    options.insert({{"endpoint", "http://h:8000"}, {"model-name", "m"}});
    const auto* spec = services_.registries().providers.Find("triton");
    const auto made = Options::Make("provider", spec->options, options);
    if (!made.ok()) return Describe(made.status());
    ModelConfig config{"m", "triton", options, WithUser(), {}};
    config.output.Add("y", SqlType::Float());
    return Describe(MakeTritonModel(config, *made, services_).status());
  };
  EXPECT_THAT(refusal({{"sequence-id", "c-${userid}"}}), HasSubstr("did you mean 'user_id'?"));
  EXPECT_THAT(refusal({{"sequence-id", "${SECRET:nobody}"}}), HasSubstr("nobody"));
  EXPECT_THAT(refusal({{"sequence-id", "c-${user_id"}}), HasSubstr("without its '}'"));
  EXPECT_THAT(refusal({{"sequence-start", "true"}}), HasSubstr("needs a 'sequence-id'"));
  EXPECT_THAT(refusal({{"sequence-id", "a"}, {"sequence-end", "maybe"}}), HasSubstr("BOOLEAN"));
  EXPECT_THAT(refusal({{"sequence-id", "a"}, {"sequence-end", "${x}"}}), HasSubstr("BOOLEAN"));
  EXPECT_THAT(refusal({{"sequence-id", "a"}, {"target-latency", "50 ms"}}),
              HasSubstr("does not go with 'sequence-id'"));
  config_ = R"({"max_batch_size":8,"sequence_batching":{}})";
  EXPECT_THAT(refusal({}), HasSubstr("keeps state by sequence"));
}

}  // namespace
}  // namespace millrace
