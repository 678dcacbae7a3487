#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "net/test_listener.h"

namespace millrace {

/// A small HTTP server for tests that can be as bad as servers are: it answers with any bytes,
/// resets connections, or does not answer at all.
class TestHttpServer {
 public:
  struct Request {
    std::string line, headers, body;
  };
  enum class Do { kAnswer, kReset, kClose, kHang };
  struct Reaction {
    Do what = Do::kAnswer;
    std::string bytes;
  };
  using Handler = std::function<Reaction(const Request&)>;

  static Reaction Answer(int status, const std::string& body, const std::string& headers = {}) {
    return {Do::kAnswer, "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " +
                             std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body};
  }

  explicit TestHttpServer(Handler handler) : handler_(std::move(handler)) {
    listener_ = ListenOnLoopback(&port_);
    threads_.emplace_back([this] { Accept(); });
  }
  ~TestHttpServer() {
    shutdown(listener_, SHUT_RDWR);
    close(listener_);
    std::vector<std::thread> threads;
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
      for (const int fd : open_) shutdown(fd, SHUT_RDWR);
      threads.swap(threads_);
    }
    for (std::thread& thread : threads) thread.join();
  }

  int port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int connections() const { return connections_; }

 private:
  void Accept() {
    for (;;) {
      const int fd = accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      ++connections_;
      std::lock_guard lock(mutex_);
      if (stopping_) {
        close(fd);
        return;
      }
      open_.push_back(fd);
      threads_.emplace_back([this, fd] { Serve(fd); });
    }
  }

  void Serve(int fd) {
    std::string input;
    Request request;
    while (Read(fd, &input, &request)) {
      const Reaction reaction = handler_(request);
      if (reaction.what == Do::kHang) {
        char byte;
        while (recv(fd, &byte, 1, 0) > 0) {
        }
        break;
      }
      if (reaction.what == Do::kClose) break;
      if (reaction.what == Do::kReset) {
        const linger at_once{1, 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        break;
      }
      if (send(fd, reaction.bytes.data(), reaction.bytes.size(), MSG_NOSIGNAL) < 0) break;
    }
    std::lock_guard lock(mutex_);
    std::erase(open_, fd);
    close(fd);
  }

  static bool Read(int fd, std::string* input, Request* request) {
    size_t head = std::string::npos, length = 0;
    for (;;) {
      if (head == std::string::npos && (head = input->find("\r\n\r\n")) != std::string::npos) {
        std::string lower = input->substr(0, head);
        std::transform(lower.begin(), lower.end(), lower.begin(),
                       [](unsigned char c) { return std::tolower(c); });
        const auto at = lower.find("\r\ncontent-length:");
        if (at != std::string::npos) length = std::stoul(lower.substr(at + 17));
      }
      if (head != std::string::npos && input->size() >= head + 4 + length) break;
      char bytes[4096];
      const ssize_t n = recv(fd, bytes, sizeof bytes, 0);
      if (n <= 0) return false;
      input->append(bytes, static_cast<size_t>(n));
      // A TLS handshake has no end that this server knows.
      if (input->front() == '\x16') input->append("\r\n\r\n");
    }
    const auto end = input->find("\r\n");
    request->line = input->substr(0, end);
    request->headers = input->substr(end + 2, head - end - 2 + 2);
    request->body = input->substr(head + 4, length);
    input->erase(0, head + 4 + length);
    return true;
  }

  const Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_{0};
  std::mutex mutex_;
  bool stopping_ = false;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
};

}  // namespace millrace
