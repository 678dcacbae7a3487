#include "net/http_transfer.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <netdb.h>

#include "net/http_error.h"

namespace millrace {
namespace {

/// libcurl takes new buffers for each request: 32 KB come cheaply from the allocator, and are
/// enough for large tensors not to cost system calls.
constexpr long kReceiveBufferBytes = 32 * 1024;
constexpr long kSendBufferBytes = 512 * 1024;  ///< libcurl's most; only of what it reads in parts
/// Bodies up to here leave with the headers, in one write. libcurl does so below 64 KB.
constexpr size_t kOneWriteBytes = 60 * 1024;

std::string_view Trim(std::string_view text) {
  const auto from = text.find_first_not_of(" \t\r\n");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1);
}

/// Rounded up: a request must not end before its time.
long Milliseconds(int64_t us) { return static_cast<long>(std::max<int64_t>(1, (us + 999) / 1000)); }

}  // namespace

void HttpTransfer::Prepare(CURL* easy) {
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, kReceiveBufferBytes);
  curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, kSendBufferBytes);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, OnHeader);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, OnSocket);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, OnClose);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, OnConnected);
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, OnRead);
  curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, OnSeek);
}

void HttpTransfer::Configure(CURL* easy, CorkedSockets* corked) {
  corked_ = corked;
  curl_slist_free_all(headers_);
  headers_ = nullptr;
  curl_easy_setopt(easy, CURLOPT_URL, request_.url.c_str());
  ConfigureProtocol(easy);
  ConfigureSignature(easy);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, this);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, Milliseconds(request_.connect_timeout_us));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, Milliseconds(request_.timeout_us));
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, corked);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, this);
  curl_easy_setopt(easy, CURLOPT_READDATA, this);
  curl_easy_setopt(easy, CURLOPT_SEEKDATA, this);
  ConfigureMethod(easy);
  for (const HttpHeader& header : request_.headers) AddHeader(header.name + ": " + header.value);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_);
}

void HttpTransfer::Finish(CURL* easy, CURLcode code) {
  HttpResult result;
  if (code == CURLE_OK) {
    result.phase = HttpPhase::kDone;
    result.response = std::move(response_);
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    result.response.status = static_cast<int>(status);
  } else {
    HttpFailure failure;
    failure.curl_code = code;
    long system_errno = 0;
    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &system_errno);
    failure.system_errno = static_cast<int>(system_errno);
    failure.detail = error_[0] != '\0' ? error_ : curl_easy_strerror(code);
    failure.address = address_;
    failure.too_large = too_large_;
    failure.phase = result.phase = phase_;
    result.timed_out = code == CURLE_OPERATION_TIMEDOUT;
    result.status = DescribeFailure(request_, failure);
  }
  done_(std::move(result));
}

bool HttpTransfer::NeedsNewConnection() {
  if (!lacks_connection_) return false;
  lacks_connection_ = false;
  new_connection_ = true;
  phase_ = HttpPhase::kResolve;
  return true;
}

void HttpTransfer::Abandon() {
  HttpResult result;
  result.phase = phase_;
  result.cancelled = true;
  result.status =
      Error::Transient("the request was cancelled").In(WithoutCredentials(request_.url));
  done_(std::move(result));
}

void HttpTransfer::ConfigureMethod(CURL* easy) {
  const HttpMethod method = request_.method;
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST,
                   method == HttpMethod::kPut      ? "PUT"
                   : method == HttpMethod::kDelete ? "DELETE"
                                                   : nullptr);
  if (method == HttpMethod::kGet || method == HttpMethod::kDelete) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, nullptr);
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    return;
  }
  const size_t bytes = request_.body_bytes();
  curl_easy_setopt(easy, CURLOPT_POST, 1L);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(bytes));
  // Where libcurl has the body it may send it again by itself; where it asks for it, we say no.
  one_write_ = !request_.send_once && !request_.http2 && bytes <= kOneWriteBytes;
  if (one_write_ && joined_.empty()) {
    joined_.reserve(bytes);
    for (const HttpPiece& piece : request_.body) joined_ += piece.bytes;
  }
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, one_write_ ? joined_.c_str() : nullptr);
  // Waiting for "100 Continue" would cost a round trip. Of small bodies libcurl does not ask for
  // it.
  if (!one_write_) AddHeader("Expect:");
}

void HttpTransfer::ConfigureProtocol(CURL* easy) {
  const bool secure = request_.url.starts_with("https:");
  long version = CURL_HTTP_VERSION_1_1;
  if (request_.http2) {
    version = secure            ? CURL_HTTP_VERSION_2TLS
              : new_connection_ ? CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE
                                : CURL_HTTP_VERSION_2_0;
  }
  curl_easy_setopt(easy, CURLOPT_PIPEWAIT, request_.http2 ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, new_connection_ && !secure ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, version);
  if (!request_.tls) return;
  const TlsSettings& tls = *request_.tls;
  if (!tls.ca_file.empty()) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, tls.ca_file.c_str());
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  }
  if (!tls.certificate_file.empty()) {
    curl_easy_setopt(easy, CURLOPT_SSLCERT, tls.certificate_file.c_str());
    curl_easy_setopt(easy, CURLOPT_SSLKEY, tls.key_file.c_str());
  }
  if (!tls.verify) {
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
  }
}

void HttpTransfer::ConfigureSignature(CURL* easy) {
  if (!request_.aws) return;
  const AwsSignature& aws = *request_.aws;
  curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, ("aws:amz:" + aws.region + ":" + aws.service).c_str());
  curl_easy_setopt(easy, CURLOPT_USERNAME, aws.access_key.c_str());
  curl_easy_setopt(easy, CURLOPT_PASSWORD, aws.secret_key.c_str());
}

size_t HttpTransfer::OnBody(char* bytes, size_t, size_t size, void* self) {
  auto& transfer = *static_cast<HttpTransfer*>(self);
  std::string& body = transfer.response_.body;
  if (body.size() + size > transfer.request_.max_response_bytes) {
    transfer.too_large_ = true;
    return CURL_WRITEFUNC_ERROR;
  }
  body.append(bytes, size);
  return size;
}

size_t HttpTransfer::OnHeader(char* bytes, size_t, size_t size, void* self) {
  auto& transfer = *static_cast<HttpTransfer*>(self);
  transfer.phase_ = HttpPhase::kReceive;
  const std::string_view line = Trim({bytes, size});
  const auto colon = line.find(':');
  if (line.starts_with("HTTP/")) {
    transfer.response_.headers.clear();  // of an interim response
  } else if (colon != std::string_view::npos) {
    const std::string_view name = line.substr(0, colon), value = Trim(line.substr(colon + 1));
    transfer.response_.headers.push_back({std::string(name), std::string(value)});
    if (name.size() == 14 && curl_strnequal(name.data(), "content-length", 14)) {
      const size_t length = std::strtoull(std::string(value).c_str(), nullptr, 10);
      transfer.response_.body.reserve(std::min(length, transfer.request_.max_response_bytes));
    }
  }
  return size;
}

size_t HttpTransfer::OnRead(char* out, size_t, size_t room, void* self) {
  auto& transfer = *static_cast<HttpTransfer*>(self);
  const auto& pieces = transfer.request_.body;
  size_t copied = 0;
  while (copied < room && transfer.piece_ < pieces.size()) {
    const std::string_view rest = pieces[transfer.piece_].bytes.substr(transfer.offset_);
    const size_t n = std::min(rest.size(), room - copied);
    std::memcpy(out + copied, rest.data(), n);
    copied += n;
    transfer.offset_ += n;
    if (n == rest.size()) {
      ++transfer.piece_;
      transfer.offset_ = 0;
    }
  }
  if (transfer.piece_ == pieces.size()) transfer.phase_ = HttpPhase::kWait;
  return copied;
}

int HttpTransfer::OnSeek(void* self, curl_off_t offset, int origin) {
  auto& transfer = *static_cast<HttpTransfer*>(self);
  if (transfer.request_.send_once) return CURL_SEEKFUNC_FAIL;
  if (offset != 0 || origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  transfer.piece_ = transfer.offset_ = 0;
  return CURL_SEEKFUNC_OK;
}

curl_socket_t HttpTransfer::OnSocket(void* self, curlsocktype, curl_sockaddr* address) {
  auto& transfer = *static_cast<HttpTransfer*>(self);
  const HttpRequest& request = transfer.request_;
  if (request.http2 && !transfer.new_connection_ && request.url.starts_with("http:")) {
    transfer.lacks_connection_ = true;
    return CURL_SOCKET_BAD;
  }
  // libcurl connects anew to what closed a connection that it kept.
  if (!transfer.MayHaveArrived()) transfer.phase_ = HttpPhase::kConnect;
  char host[NI_MAXHOST], port[NI_MAXSERV];
  if (getnameinfo(&address->addr, address->addrlen, host, sizeof host, port, sizeof port,
                  NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
    transfer.address_ = std::string(host) + ":" + port;
  }
  const int made = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (request.http2 && made >= 0) transfer.corked_->Add(made);
  return made;
}

int HttpTransfer::OnClose(void* corked, curl_socket_t socket) {
  static_cast<CorkedSockets*>(corked)->Remove(socket);
  return close(socket);
}

int HttpTransfer::OnConnected(void* self, char*, char*, int, int) {
  auto& transfer = *static_cast<HttpTransfer*>(self);
  if (transfer.MayHaveArrived()) return CURL_PREREQFUNC_OK;
  const bool sent = transfer.one_write_ || transfer.request_.body.empty();
  transfer.phase_ = sent ? HttpPhase::kWait : HttpPhase::kSend;
  return CURL_PREREQFUNC_OK;
}

}  // namespace millrace
