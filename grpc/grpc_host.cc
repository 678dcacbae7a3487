#include "server/grpc_host.h"

#include <chrono>
#include <climits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

namespace {

struct CallHandler {
  MillraceGrpcHandler call;
  void* context;
};

void Answer(MillraceGrpcReply* reply, int code, const char* bytes, size_t size);

/// One call: reads its message, hands it on, writes the answer. Deletes itself when all is done.
class UnaryCall final : public grpc::ServerGenericBidiReactor {
 public:
  UnaryCall(std::string method, const CallHandler& handler)
      : method_(std::move(method)), handler_(handler) {
    StartRead(&message_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "there is no message"));
    std::vector<grpc::Slice> slices;
    if (!message_.Dump(&slices).ok()) {
      return Finish(grpc::Status(grpc::StatusCode::INTERNAL, "the message cannot be read"));
    }
    auto* const reply = reinterpret_cast<MillraceGrpcReply*>(this);
    if (slices.size() == 1) {
      handler_.call(handler_.context, method_.c_str(),
                    reinterpret_cast<const char*>(slices[0].begin()), slices[0].size(), reply,
                    Answer);
      return;
    }
    std::string bytes;
    for (const grpc::Slice& slice : slices) {
      bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    }
    handler_.call(handler_.context, method_.c_str(), bytes.data(), bytes.size(), reply, Answer);
  }

  void Send(int code, const char* bytes, size_t size) {
    if (code != 0) {
      return Finish(grpc::Status(static_cast<grpc::StatusCode>(code), std::string(bytes, size)));
    }
    const grpc::Slice slice(bytes, size);
    message_ = grpc::ByteBuffer(&slice, 1);
    StartWriteAndFinish(&message_, grpc::WriteOptions(), grpc::Status::OK);
  }

  void OnDone() override { delete this; }

 private:
  const std::string method_;
  const CallHandler handler_;
  grpc::ByteBuffer message_;
};

void Answer(MillraceGrpcReply* reply, int code, const char* bytes, size_t size) {
  reinterpret_cast<UnaryCall*>(reply)->Send(code, bytes, size);
}

class Service final : public grpc::CallbackGenericService {
 public:
  explicit Service(const CallHandler& handler) : handler_(handler) {}

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    return new UnaryCall(context->method(), handler_);
  }

 private:
  const CallHandler handler_;
};

}  // namespace

struct MillraceGrpcServer {
  explicit MillraceGrpcServer(const CallHandler& handler) : service(handler) {}

  Service service;
  std::unique_ptr<grpc::Server> server;
};

#define MILLRACE_GRPC_EXPORT extern "C" __attribute__((visibility("default")))

MILLRACE_GRPC_EXPORT MillraceGrpcServer* millrace_grpc_start(const char* host, int* port,
                                                             size_t max_message_bytes,
                                                             MillraceGrpcHandler handler,
                                                             void* context) {
  auto made = std::make_unique<MillraceGrpcServer>(CallHandler{handler, context});
  const int limit = max_message_bytes > INT_MAX ? INT_MAX : static_cast<int>(max_message_bytes);
  grpc::ServerBuilder builder;
  builder.AddListeningPort(std::string(host) + ':' + std::to_string(*port),
                           grpc::InsecureServerCredentials(), port);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetMaxReceiveMessageSize(limit);
  builder.SetMaxSendMessageSize(-1);
  builder.RegisterCallbackGenericService(&made->service);
  made->server = builder.BuildAndStart();
  if (!made->server || *port == 0) return nullptr;
  return made.release();
}

MILLRACE_GRPC_EXPORT void millrace_grpc_stop(MillraceGrpcServer* server) {
  server->server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(5));
  server->server->Wait();
  delete server;
}
