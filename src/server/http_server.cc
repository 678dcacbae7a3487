#include "server/http_server.h"

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include <arrow/buffer.h>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "base/log.h"
#include "models/inference_protocol/message.h"

namespace millrace {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::seconds kPatience{300};  // with a client that neither sends nor reads
constexpr uint32_t kMaxHeaderBytes = 64 * 1024;

/// What the connections of a server share.
struct Shared {
  const HttpServerOptions options;
  const ApiHandler handler;
  Env& env;
  std::atomic<bool> stopping{false};
};

/// One connection; requests come and are answered one after the other. Runs on its strand.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, Shared& shared) : stream_(std::move(socket)), shared_(shared) {
    stream_.socket().set_option(tcp::no_delay(true));
  }

  void Start() {
    asio::dispatch(stream_.get_executor(), [self = shared_from_this()] { self->ReadHeader(); });
  }

  /// Ends the connection now, or after the answer that is being made.
  void Stop() {
    asio::dispatch(stream_.get_executor(), [self = shared_from_this()] {
      if (!self->answering_) self->Close();
    });
  }

 private:
  void ReadHeader() {
    if (shared_.stopping) return Close();
    parser_.emplace();
    parser_->header_limit(kMaxHeaderBytes);
    parser_->body_limit(shared_.options.max_request_bytes);
    stream_.expires_after(kPatience);
    http::async_read_header(stream_, input_, *parser_,
                            [self = shared_from_this()](error_code error, size_t) {
                              if (error) return self->Refuse(error);
                              self->OnHeader();
                            });
  }

  void OnHeader() {
    if (!beast::iequals(parser_->get()[http::field::expect], "100-continue")) return ReadBody();
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(stream_, asio::buffer(kContinue),
                      [self = shared_from_this()](error_code error, size_t) {
                        if (!error) self->ReadBody();
                      });
  }

  void ReadBody() {
    http::async_read(stream_, input_, *parser_,
                     [self = shared_from_this()](error_code error, size_t) {
                       if (error) return self->Refuse(error);
                       self->Answer();
                     });
  }

  void Refuse(error_code error) {
    if (error == http::error::body_limit) {
      keep_alive_ = false;
      return Write(ApiResponse::Fault(413, "the request is larger than " +
                                               std::to_string(shared_.options.max_request_bytes) +
                                               " bytes"));
    }
    const bool is_malformed =
        error.category() == http::make_error_code(http::error::bad_method).category() &&
        error != http::error::end_of_stream && error != http::error::partial_message;
    if (!is_malformed) return Close();
    keep_alive_ = false;
    Write(ApiResponse::Fault(400, "the request is not HTTP: " + error.message()));
  }

  void Answer() {
    answering_ = true;
    auto message = parser_->release();
    keep_alive_ = message.keep_alive();
    ApiRequest request;
    request.method = std::string(message.method_string());
    request.path = std::string(message.target());
    request.authorization = std::string(message[http::field::authorization]);
    request.content_encoding = std::string(message[http::field::content_encoding]);
    request.inference_header_length = std::string(message[kInferenceHeaderLength]);
    request.body = arrow::Buffer::FromString(std::move(message.body()));
    const int64_t start_us = shared_.env.MonotonicMicros();
    ApiResponse response = shared_.handler(request);
    if (LogEnabled(LogLevel::kDebug, shared_.options.component)) {
      Log(LogLevel::kDebug, shared_.options.component, request.method + " " + request.path,
          {{"status", std::to_string(response.status)},
           {"bytes_in", std::to_string(request.body->size())},
           {"us", std::to_string(shared_.env.MonotonicMicros() - start_us)}});
    }
    Write(std::move(response));
  }

  void Write(ApiResponse response) {
    answering_ = true;
    keep_alive_ = keep_alive_ && !shared_.stopping;
    response_ = std::move(response);
    int64_t length = 0;
    std::vector<asio::const_buffer> pieces(1);
    for (const auto& piece : response_.body) {
      length += piece->size();
      pieces.emplace_back(piece->data(), static_cast<size_t>(piece->size()));
    }
    head_ = "HTTP/1.1 " + std::to_string(response_.status) + ' ' +
            std::string(http::obsolete_reason(static_cast<http::status>(response_.status))) +
            "\r\nContent-Type: " + response_.content_type +
            "\r\nContent-Length: " + std::to_string(length);
    if (response_.inference_header_length > 0) {
      head_ += "\r\n" + std::string(kInferenceHeaderLength) + ": " +
               std::to_string(response_.inference_header_length);
    }
    head_ += keep_alive_ ? "\r\n\r\n" : "\r\nConnection: close\r\n\r\n";
    pieces[0] = asio::buffer(head_);
    stream_.expires_after(kPatience);
    asio::async_write(stream_, pieces, [self = shared_from_this()](error_code error, size_t) {
      self->answering_ = false;
      self->response_ = {};
      if (error || !self->keep_alive_) return self->Close();
      self->ReadHeader();
    });
  }

  void Close() {
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_both, ignored);
    stream_.close();
  }

  beast::tcp_stream stream_;
  Shared& shared_;
  beast::flat_buffer input_;
  std::optional<http::request_parser<http::string_body>> parser_;
  ApiResponse response_;
  std::string head_;
  bool keep_alive_ = true;
  bool answering_ = false;
};

class BeastServer final : public HttpServer {
 public:
  BeastServer(HttpServerOptions options, ApiHandler handler, Env& env)
      : shared_{std::move(options), std::move(handler), env},
        acceptor_(asio::make_strand(context_)) {}

  ~BeastServer() override { Stop(); }

  Status Listen() {
    const HttpServerOptions& options = shared_.options;
    error_code error;
    const auto address =
        asio::ip::make_address(options.host == "localhost" ? "127.0.0.1" : options.host, error);
    const auto fault = [&](const char* step) {
      return Error::User(options.name + " cannot " + std::string(step) + " " + options.host + ":" +
                         std::to_string(options.port) + ": " + error.message())
          .Hint("choose another host or port; port 0 takes any free one");
    };
    if (error) return fault("read the address");
    const tcp::endpoint endpoint(address, static_cast<uint16_t>(options.port));
    acceptor_.open(endpoint.protocol(), error);
    if (error) return fault("open a socket for");
    acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    acceptor_.bind(endpoint, error);
    if (error) return fault("have");
    acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) return fault("listen at");
    port_ = acceptor_.local_endpoint().port();
    Accept();
    const unsigned threads = options.threads > 0
                                 ? static_cast<unsigned>(options.threads)
                                 : std::max(1u, std::thread::hardware_concurrency());
    for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { context_.run(); });
    return Status::OK();
  }

  int port() const override { return port_; }

  void Stop() override {
    if (shared_.stopping.exchange(true)) return;
    asio::post(acceptor_.get_executor(), [this] {
      error_code ignored;
      acceptor_.close(ignored);
    });
    for (const auto& weak : Connections()) {
      if (const auto connection = weak.lock()) connection->Stop();
    }
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  using WeakConnection = std::weak_ptr<Connection>;

  std::vector<WeakConnection> Connections() {
    std::lock_guard lock(mutex_);
    return {connections_.begin(), connections_.end()};
  }

  void Accept() {
    acceptor_.async_accept(asio::make_strand(context_), [this](error_code error,
                                                               tcp::socket socket) {
      if (shared_.stopping || error == asio::error::operation_aborted) return;
      if (error) {
        Log(LogLevel::kWarn, shared_.options.component, "a connection was not accepted",
            {{"cause", error.message()}});
      } else {
        const auto connection = std::make_shared<Connection>(std::move(socket), shared_);
        {
          std::lock_guard lock(mutex_);
          std::erase_if(connections_, [](const WeakConnection& each) { return each.expired(); });
          connections_.insert(connection);
        }
        connection->Start();
        // `Stop` may have looked at the list before this one was in it.
        if (shared_.stopping) connection->Stop();
      }
      Accept();
    });
  }

  asio::io_context context_;
  Shared shared_;
  tcp::acceptor acceptor_;
  int port_ = 0;
  std::mutex mutex_;
  std::set<WeakConnection, std::owner_less<>> connections_;
  std::vector<std::thread> threads_;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::Start(HttpServerOptions options, ApiHandler handler,
                                                      Env& env) {
  auto server = std::make_unique<BeastServer>(std::move(options), std::move(handler), env);
  ARROW_RETURN_NOT_OK(server->Listen());
  return server;
}

}  // namespace millrace
