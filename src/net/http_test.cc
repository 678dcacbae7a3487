#include "net/http.h"

#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/gzip.h"
#include "net/http_error.h"
#include "net/test_http_server.h"

namespace millrace {
namespace {

using testing::HasSubstr;
using Server = TestHttpServer;

HttpRequest Get(const std::string& url) {
  HttpRequest request;
  request.url = url;
  request.timeout_us = 5'000'000;
  return request;
}

HttpResult Ask(HttpRequest request) {
  return SendAndWait(HttpClient::Shared(), std::move(request));
}

TEST(HttpTest, BodiesGoAndComeWhole) {
  Server server([](const Server::Request& request) {
    return Server::Answer(200, request.body, "X-Line: " + request.line + "\r\n");
  });
  HttpRequest request = Get(server.url() + "/echo?a=b");
  request.method = HttpMethod::kPost;
  const std::string large(3'000'000, 'x');
  request.body = {HttpPiece::Of("head "), HttpPiece::Of(""), HttpPiece::Of(large),
                  HttpPiece::Of(" tail")};
  const HttpResult result = Ask(request);
  ASSERT_TRUE(result.status.ok()) << Describe(result.status);
  EXPECT_EQ(result.response.status, 200);
  EXPECT_EQ(result.response.header("x-line"), "POST /echo?a=b HTTP/1.1");
  EXPECT_EQ(result.response.body, "head " + large + " tail");
}

TEST(HttpTest, ConnectionsForgetTheMethodBefore) {
  Server server([](const Server::Request& request) {
    return Server::Answer(200, request.line.substr(0, request.line.find(' ')));
  });
  for (const auto& [method, name] :
       {std::pair{HttpMethod::kDelete, "DELETE"}, {HttpMethod::kGet, "GET"}}) {
    HttpRequest request = Get(server.url());
    request.method = method;
    EXPECT_EQ(Ask(request).response.body, name);
  }
}

TEST(HttpTest, ConnectionsAreReused) {  // T14
  Server server([](const auto&) { return Server::Answer(200, "x"); });
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Ask(Get(server.url())).status.ok());
  EXPECT_EQ(server.connections(), 1);
}

// T7: libcurl asks again, on a new connection, where one that was kept is closed without an answer.
TEST(HttpTest, WhatIsSentOnceStaysSentWhenItsConnectionIsClosed) {
  using Do = Server::Do;
  for (const Do end : {Do::kClose, Do::kReset}) {
    std::atomic<int> requests{0};
    Server server([&](const auto&) {
      return ++requests == 2 ? Server::Reaction{end, {}} : Server::Answer(200, "x");
    });
    HttpRequest request = Get(server.url());
    request.method = HttpMethod::kPost;
    request.body = {HttpPiece::Of("body")};
    request.send_once = true;
    EXPECT_TRUE(Ask(request).status.ok());
    const HttpResult lost = Ask(request);
    EXPECT_FALSE(lost.status.ok());
    EXPECT_GE(lost.phase, HttpPhase::kSend);  // nobody knows whether it was done
    EXPECT_EQ(requests, 2);
    EXPECT_TRUE(Ask(request).status.ok());
  }
}

TEST(HttpTest, RedirectsAreNotFollowed) {  // T10
  std::atomic<int> requests{0};
  Server server([&](const auto&) {
    ++requests;
    return Server::Answer(307, "", "Location: /elsewhere\r\n");
  });
  EXPECT_EQ(Ask(Get(server.url())).response.status, 307);
  EXPECT_EQ(requests, 1);
}

TEST(HttpTest, RefusedConnection) {  // T12
  int port = 0;
  {
    port = Server([](const auto&) { return Server::Answer(200, ""); }).port();
  }
  HttpRequest request = Get("http://user:pw@127.0.0.1:" + std::to_string(port) + "/v2");
  request.check_command = "curl ready";
  const HttpResult result = Ask(request);
  const std::string text = Describe(result.status);
  EXPECT_THAT(
      text, HasSubstr("connection refused by 127.0.0.1 (127.0.0.1:" + std::to_string(port) + ")"));
  EXPECT_THAT(text, HasSubstr("http://127.0.0.1:" + std::to_string(port) + "/v2"));
  EXPECT_THAT(text, HasSubstr("try: curl ready"));
  EXPECT_THAT(text, testing::Not(HasSubstr("pw")));
  EXPECT_EQ(InfoOf(result.status).error_class, ErrorClass::kTransient);
  EXPECT_EQ(result.phase, HttpPhase::kConnect);
}

TEST(HttpTest, TimeoutTellsPhaseAndPayload) {  // T12
  Server server([](const auto&) { return Server::Reaction{Server::Do::kHang, {}}; });
  HttpRequest request = Get(server.url());
  request.method = HttpMethod::kPost;
  request.body = {HttpPiece::Of(std::string(1234, 'x'))};
  request.timeout_us = 100'000;
  const HttpResult result = Ask(request);
  EXPECT_TRUE(result.timed_out);
  EXPECT_EQ(result.phase, HttpPhase::kWait);
  EXPECT_THAT(result.status.message(),
              HasSubstr("Request timed out after 100ms while waiting for the answer"));
  EXPECT_THAT(result.status.message(), HasSubstr("payload 1.2 KB"));
}

TEST(HttpTest, OtherFaults) {  // T12
  EXPECT_THAT(Ask(Get("http://no-such-host.invalid/")).status.message(),
              HasSubstr("has no address (DNS)"));
  EXPECT_THAT(Ask(Get("ftp://127.0.0.1/")).status.message(), HasSubstr("not an http or https URL"));
  Server reset([](const auto&) { return Server::Reaction{Server::Do::kReset, {}}; });
  EXPECT_THAT(Ask(Get(reset.url())).status.message(), HasSubstr("lost while"));
  Server garbage(
      [](const auto&) { return Server::Reaction{Server::Do::kAnswer, "garbage\r\n\r\n"}; });
  EXPECT_THAT(Ask(Get(garbage.url())).status.message(), HasSubstr("does not speak HTTP"));
  Server plain([](const auto&) { return Server::Answer(200, ""); });
  EXPECT_THAT(Ask(Get("https://127.0.0.1:" + std::to_string(plain.port()))).status.message(),
              HasSubstr("TLS with"));
  Server large([](const auto&) { return Server::Answer(200, std::string(1000, 'x')); });
  HttpRequest limited = Get(large.url());
  limited.max_response_bytes = 999;
  EXPECT_THAT(Ask(limited).status.message(), HasSubstr("larger than 999 bytes"));
}

TEST(HttpTest, Cancel) {
  std::promise<void> arrived;
  Server server([&](const auto&) {
    arrived.set_value();
    return Server::Reaction{Server::Do::kHang, {}};
  });
  HttpRequest request = Get(server.url());
  request.timeout_us = 60'000'000;
  std::promise<HttpResult> done;
  const HttpCallId call = HttpClient::Shared().Send(
      request, [&](HttpResult result) { done.set_value(std::move(result)); });
  arrived.get_future().wait();
  HttpClient::Shared().Cancel(call);
  EXPECT_TRUE(done.get_future().get().cancelled);
}

TEST(HttpTest, Texts) {
  EXPECT_EQ(DurationText(30'000'000), "30s");
  EXPECT_EQ(DurationText(1'500'000), "1.5s");
  EXPECT_EQ(DurationText(250'000), "250ms");
  EXPECT_EQ(SizeText(812), "812 bytes");
  EXPECT_EQ(SizeText(1'230'000), "1.2 MB");
  EXPECT_EQ(WithoutCredentials("https://a:b@host/x@y"), "https://host/x@y");
  EXPECT_EQ(WithoutCredentials("https://host/x@y"), "https://host/x@y");
}

TEST(GzipTest, RoundTrip) {
  const std::string large(200'000, 'a');
  const std::vector<std::string_view> pieces = {"one", "", large};
  const std::string packed = GzipCompress(pieces).ValueOrDie();
  EXPECT_LT(packed.size(), 5000u);
  EXPECT_EQ(GzipDecompress(packed, 1 << 20).ValueOrDie(), "one" + large);
  EXPECT_FALSE(GzipDecompress(packed, 1000).ok());
  EXPECT_FALSE(GzipDecompress(packed.substr(0, packed.size() - 9), 1 << 20).ok());
  EXPECT_FALSE(GzipDecompress("not gzip", 1 << 20).ok());
}

}  // namespace
}  // namespace millrace
