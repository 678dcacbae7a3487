#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include <curl/curl.h>

#include "net/corked_sockets.h"
#include "net/http.h"

namespace millrace {

/// A request under way, and what libcurl calls back for it. On the client's thread only.
class HttpTransfer {
 public:
  HttpTransfer(HttpRequest request, HttpDone done)
      : request_(std::move(request)), done_(std::move(done)) {}
  ~HttpTransfer() { curl_slist_free_all(headers_); }
  HttpTransfer(const HttpTransfer&) = delete;
  HttpTransfer& operator=(const HttpTransfer&) = delete;

  /// What holds for every request; once for a new handle.
  static void Prepare(CURL* easy);
  /// Sets all that the handle may have from the request before, but for `tls` and `aws`.
  void Configure(CURL* easy, CorkedSockets* corked);
  /// libcurl is done with the request.
  void Finish(CURL* easy, CURLcode code);
  void Abandon();

  const HttpRequest& request() const { return request_; }

  /// True once: HTTP/2 over plain TCP found no connection to go on. libcurl 7.88 cannot use one
  /// again that was begun without asking first, unless it is told that it is HTTP/2 anyway, and it
  /// cannot begin one when it is told so; so the first try is for one that is there, and nothing
  /// has been sent when it fails.
  bool NeedsNewConnection();

 private:
  void ConfigureMethod(CURL* easy);
  void ConfigureProtocol(CURL* easy);
  void ConfigureSignature(CURL* easy);
  void AddHeader(const std::string& line) { headers_ = curl_slist_append(headers_, line.c_str()); }

  /// A request that may be sent once has been, whatever libcurl makes of it then.
  bool MayHaveArrived() const { return request_.send_once && (piece_ > 0 || offset_ > 0); }

  static size_t OnBody(char* bytes, size_t, size_t size, void* self);
  static size_t OnHeader(char* bytes, size_t, size_t size, void* self);
  static size_t OnRead(char* out, size_t, size_t room, void* self);
  /// To the beginning, when a kept connection turns out to be closed and libcurl takes a new one.
  static int OnSeek(void* self, curl_off_t offset, int origin);
  static curl_socket_t OnSocket(void* self, curlsocktype, curl_sockaddr* address);
  static int OnClose(void* corked, curl_socket_t socket);
  static int OnConnected(void* self, char*, char*, int, int);

  HttpRequest request_;
  HttpDone done_;
  CorkedSockets* corked_ = nullptr;
  HttpResponse response_;
  HttpPhase phase_ = HttpPhase::kResolve;
  std::string address_;
  size_t piece_ = 0, offset_ = 0;  // what of the body is sent
  bool one_write_ = false;         // the body is `joined_`
  std::string joined_;
  bool too_large_ = false;
  bool new_connection_ = false, lacks_connection_ = false;
  curl_slist* headers_ = nullptr;
  char error_[CURL_ERROR_SIZE] = {};
};

}  // namespace millrace
