#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/tcp.h>
#include <netinet/in.h>

#include "net/http.h"
#include "net/test_listener.h"

namespace millrace {
namespace {

using testing::HasSubstr;

constexpr char kHeaders = 1, kReset = 3, kSettings = 4, kEndOfHeadersAndStream = 5;

std::string Frame(char type, char flags, char stream, const std::string& payload) {
  std::string frame(9, '\0');
  frame[1] = static_cast<char>(payload.size() >> 8);
  frame[2] = static_cast<char>(payload.size());
  frame[3] = type;
  frame[4] = flags;
  frame[8] = stream;
  return frame + payload;
}

std::string GrpcStatus(const std::string& code) {
  const std::string ok = "\x88", name = "grpc-status";  // ":status: 200" of the static table
  return ok + std::string(1, '\0') + static_cast<char>(name.size()) + name +
         static_cast<char>(code.size()) + code;
}

/// Refuses one call as soon as it has its headers, and resets the stream where the end of the body
/// did not come with them.
class RefusingServer {
 public:
  RefusingServer() : listener_(ListenOnLoopback(&port_)), thread_([this] { Serve(); }) {}
  ~RefusingServer() {
    shutdown(connection_, SHUT_RDWR);
    thread_.join();
    close(connection_);
    close(listener_);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  /// Of TCP, with data, that have come.
  int segments() const {
    tcp_info info{};
    socklen_t size = sizeof info;
    getsockopt(connection_, IPPROTO_TCP, TCP_INFO, &info, &size);
    return static_cast<int>(info.tcpi_data_segs_in);
  }

 private:
  static bool HasHeaders(const std::string& input) {
    constexpr size_t kPreface = 24, kHead = 9;
    for (size_t at = kPreface; at + kHead <= input.size();) {
      if (input[at + 3] == kHeaders) return true;
      const auto byte = [&](size_t i) {
        return static_cast<size_t>(static_cast<uint8_t>(input[at + i]));
      };
      at += kHead + (byte(0) << 16 | byte(1) << 8 | byte(2));
    }
    return false;
  }

  void Serve() {
    const int fd = connection_ = accept(listener_, nullptr, nullptr);
    std::string input, bytes(1 << 17, '\0');
    bool answered = false;
    for (ssize_t n; (n = recv(fd, bytes.data(), bytes.size(), 0)) > 0;) {
      input.append(bytes, 0, static_cast<size_t>(n));
      if (answered || !HasHeaders(input)) continue;
      answered = true;
      std::string answer =
          Frame(kSettings, 0, 0, "") + Frame(kHeaders, kEndOfHeadersAndStream, 1, GrpcStatus("12"));
      if (input.find("the end") == input.npos) answer += Frame(kReset, 0, 1, std::string(4, '\0'));
      send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
    }
  }

  int port_ = 0;
  const int listener_;
  std::atomic<int> connection_{-1};
  std::thread thread_;
};

HttpResult Post(const std::string& url, std::string body) {
  HttpRequest request;
  request.url = url + "/service/Method";
  request.method = HttpMethod::kPost;
  request.http2 = true;
  request.timeout_us = 5'000'000;
  request.body = {HttpPiece::Of(std::move(body))};
  return SendAndWait(HttpClient::Shared(), std::move(request));
}

// libcurl writes it in three parts.
TEST(Http2Test, ASmallRequestComesInOnePiece) {
  RefusingServer server;
  const HttpResult result = Post(server.url(), std::string(20'000, 'x') + "the end");
  ASSERT_TRUE(result.status.ok()) << Describe(result.status);
  EXPECT_EQ(result.response.header("grpc-status"), "12");
  EXPECT_LE(server.segments(), 2) << "the preface, and the request";
}

TEST(Http2Test, ALargeRequestThatIsNotReadSaysSo) {  // T12
  RefusingServer server;
  EXPECT_THAT(Describe(Post(server.url(), std::string(3'000'000, 'x')).status),
              testing::AllOf(HasSubstr("ended the request of 3 MB"), HasSubstr("smaller batches")));
}

}  // namespace
}  // namespace millrace
