#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace millrace {

struct HttpHeader {
  std::string name, value;
};

/// A piece of a request's body; sent from where it lies, kept alive by `owner`.
struct HttpPiece {
  std::shared_ptr<const void> owner;
  std::string_view bytes;

  static HttpPiece Of(std::string text) {
    auto owner = std::make_shared<const std::string>(std::move(text));
    return {owner, *owner};
  }
};

/// How a server proves who it is, and the client. Files are PEM, read at each new connection.
struct TlsSettings {
  std::string ca_file;  ///< empty: what the machine trusts
  std::string certificate_file, key_file;
  bool verify = true;

  bool operator==(const TlsSettings&) const = default;
};

/// The keys that a request to a service of AWS, or one like it, is signed with (signature version
/// 4).
struct AwsSignature {
  std::string region, service;
  std::string access_key, secret_key;
};

enum class HttpMethod : uint8_t { kGet, kPost, kPut, kDelete };

struct HttpRequest {
  HttpMethod method = HttpMethod::kGet;
  std::string url;
  std::vector<HttpHeader> headers;
  std::vector<HttpPiece> body;
  int64_t connect_timeout_us = 10'000'000;  ///< DNS, TCP and TLS
  int64_t timeout_us =
      30'000'000;  ///< all of it, from the start of the connection to the last byte
  size_t max_response_bytes = size_t{1} << 30;
  int max_connections = 0;  ///< to this endpoint at a time; further requests wait; 0: any number
  std::shared_ptr<const TlsSettings> tls;   ///< null: the defaults
  std::shared_ptr<const AwsSignature> aws;  ///< null: not signed
  bool http2 = false;      ///< over a plain connection without asking first; trailers are headers
  bool send_once = false;  ///< never sent again by the client itself, on whatever connection
  std::string
      check_command;  ///< what to run to see whether the server is there; for the hints of errors

  size_t body_bytes() const;
};

struct HttpResponse {
  int status = 0;
  std::vector<HttpHeader> headers;
  std::string body;

  /// The first header of that name, in any case; empty where there is none.
  std::string_view header(std::string_view name) const;
};

/// How far a request got.
enum class HttpPhase : uint8_t { kResolve, kConnect, kSend, kWait, kReceive, kDone };
std::string_view TextOf(HttpPhase phase);  ///< "waiting for the answer"

struct HttpResult {
  Status status;  ///< failed where no whole response came; a response of any code is OK
  HttpResponse response;
  HttpPhase phase = HttpPhase::kResolve;
  bool timed_out = false;
  bool cancelled = false;
};
using HttpDone = std::function<void(HttpResult)>;

enum class HttpCallId : uint64_t {};

/// Requests to any number of servers. Thread-safe. Redirects are not followed, so that no header
/// reaches a server that it is not for.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  /// `done` comes exactly once, on the client's thread, where it must not block.
  virtual HttpCallId Send(HttpRequest request, HttpDone done) = 0;
  /// `done` comes soon, unless it has come; for `After`, the work is dropped.
  virtual void Cancel(HttpCallId call) = 0;
  /// Runs `work` on the client's thread after `delay_us`.
  virtual HttpCallId After(int64_t delay_us, std::function<void()> work) = 0;

  /// The one of the process: one thread, connections kept alive and reused by endpoint.
  static HttpClient& Shared();
};

/// Sends and waits; not for a worker's thread.
HttpResult SendAndWait(HttpClient& client, HttpRequest request);

}  // namespace millrace
