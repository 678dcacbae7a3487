#include "net/http_error.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include <curl/curl.h>

namespace millrace {
namespace {

std::string HostOf(const std::string& url) {
  const auto scheme = url.find("://");
  const size_t from = scheme == std::string::npos ? 0 : scheme + 3;
  std::string host = url.substr(from, url.find_first_of("/?", from) - from);
  const auto colon = host.rfind(':');
  return colon == std::string::npos || host.ends_with(']') ? host : host.substr(0, colon);
}

std::string Decimal(double value, const char* unit) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  std::string number = text;
  if (number.ends_with(".0")) number.resize(number.size() - 2);
  return number + unit;
}

/// What to do about a handshake that failed, from what OpenSSL says of it.
std::string TlsHint(std::string_view detail) {
  const auto says = [&](std::string_view text) { return detail.find(text) != detail.npos; };
  if (says("expired")) return "renew the certificate, or check this machine's clock";
  if (says("self-signed") || says("self signed") || says("unable to get local issuer")) {
    return "name the file of the authority that signed it ('tls-ca')";
  }
  if (says("does not match") || says("subject name")) {
    return "use the host name that the certificate is for";
  }
  if (says("certificate required") || says("bad certificate")) {
    return "the server wants to see a certificate of the client ('tls-certificate', 'tls-key')";
  }
  if (says("could not load") || says("unable to set") || says("error setting certificate")) {
    return "is the file there, readable, and PEM?";
  }
  return "does the server speak TLS on this port, with a certificate that this machine trusts?";
}

}  // namespace

std::string DurationText(int64_t us) {
  if (us >= 1'000'000) return Decimal(static_cast<double>(us) / 1e6, "s");
  return Decimal(static_cast<double>(us) / 1e3, "ms");
}

std::string SizeText(size_t bytes) {
  if (bytes < 1000) return std::to_string(bytes) + " bytes";
  if (bytes < 1'000'000) return Decimal(static_cast<double>(bytes) / 1e3, " KB");
  return Decimal(static_cast<double>(bytes) / 1e6, " MB");
}

std::string WithoutCredentials(const std::string& url) {
  const auto scheme = url.find("://");
  if (scheme == std::string::npos) return url;
  const auto end = url.find_first_of("/?#", scheme + 3);
  const auto at = url.rfind('@', end);
  if (at == std::string::npos || at < scheme + 3) return url;
  return url.substr(0, scheme + 3) + url.substr(at + 1);
}

Status DescribeFailure(const HttpRequest& request, const HttpFailure& failure) {
  const std::string url = WithoutCredentials(request.url);
  const std::string check =
      request.check_command.empty() ? "curl -v " + url : request.check_command;
  const std::string address = failure.address.empty() ? "" : " (" + failure.address + ")";
  if (failure.too_large) {
    return Error::User("the answer is larger than " + SizeText(request.max_response_bytes)).In(url);
  }
  // libcurl has no code of its own for an answer without a status line.
  const bool is_http = failure.detail.find("HTTP/0.9") == std::string::npos;
  // With TLS 1.3 the server looks at the client's certificate after the handshake.
  const bool is_alert = failure.detail.find("SSL routines") != std::string::npos &&
                        failure.detail.find(" alert ") != std::string::npos;
  switch (!is_http   ? CURLE_WEIRD_SERVER_REPLY
          : is_alert ? CURLE_SSL_CONNECT_ERROR
                     : failure.curl_code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return Error::Transient("the host '" + HostOf(url) + "' has no address (DNS)")
          .In(url)
          .Hint("check the spelling of the endpoint; try: getent hosts " + HostOf(url));
    case CURLE_COULDNT_CONNECT:
      if (failure.system_errno == ECONNREFUSED) {
        return Error::Transient("connection refused by " + HostOf(url) + address)
            .In(url)
            .Hint("is the server running, and is this its port? try: " + check);
      }
      return Error::Transient("cannot connect to " + HostOf(url) + address + ": " +
                              (failure.system_errno != 0
                                   ? std::generic_category().message(failure.system_errno)
                                   : failure.detail))
          .In(url)
          .Hint("try: " + check);
    case CURLE_OPERATION_TIMEDOUT: {
      const bool connecting = failure.phase < HttpPhase::kSend;
      const int64_t limit = connecting ? std::min(request.connect_timeout_us, request.timeout_us)
                                       : request.timeout_us;
      return Error::Transient("Request timed out after " + DurationText(limit) + " while " +
                              std::string(TextOf(failure.phase)) + address + ", payload " +
                              SizeText(request.body_bytes()))
          .In(url)
          .Hint(connecting
                    ? "is the server reachable from here? try: " + check
                    : "raise 'timeout', send smaller batches, or see what keeps the server busy");
    }
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
      return Error::User("TLS with " + HostOf(url) + address + " failed: " + failure.detail)
          .In(url)
          .Hint(TlsHint(failure.detail) + "; try: " + check);
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return Error::User("'" + url + "' is not an http or https URL: " + failure.detail);
    case CURLE_WEIRD_SERVER_REPLY:
      return Error::User("what answers at " + HostOf(url) + address + " does not speak HTTP")
          .In(url)
          .Hint("is this the HTTP port? Triton listens for gRPC on another one (8001)");
    case CURLE_HTTP2_STREAM:
      return Error::Transient(HostOf(url) + address + " ended the request of " +
                              SizeText(request.body_bytes()) + " while " +
                              std::string(TextOf(failure.phase)) + ": " + failure.detail)
          .In(url)
          .Hint(
              "the server may take no messages of this size: send smaller batches, or see its "
              "log; try: " +
              check);
    default: {
      // The server's alert may be lost with the connection.
      const bool anonymous = url.starts_with("https:") &&
                             (!request.tls || request.tls->certificate_file.empty()) &&
                             failure.phase >= HttpPhase::kSend;
      return Error::Transient("connection to " + HostOf(url) + address + " lost while " +
                              std::string(TextOf(failure.phase)) + ": " + failure.detail)
          .In(url)
          .Hint(std::string(anonymous ? "does the server want to see a certificate of the client "
                                        "('tls-certificate', 'tls-key')? "
                                      : "") +
                (request.http2 ? "is this the gRPC port (Triton's is 8001)? try: " : "try: ") +
                check);
    }
  }
}

}  // namespace millrace
