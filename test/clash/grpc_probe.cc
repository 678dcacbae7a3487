// The second library of a process: gRPC and the RE2 that it brings, opened like the engine with
// RTLD_LOCAL.

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <re2/re2.h>

namespace {

std::string TextOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok()) return {};
  std::string text;
  for (const auto& slice : slices)
    text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return text;
}

grpc::ByteBuffer BufferOf(const std::string& text) {
  grpc::Slice slice(text);
  return grpc::ByteBuffer(&slice, 1);
}

/// Answers one call of any method with what it was sent.
void Echo(grpc::ServerCompletionQueue& queue, grpc::AsyncGenericService& service) {
  grpc::GenericServerContext context;
  grpc::GenericServerAsyncReaderWriter stream(&context);
  service.RequestCall(&context, &stream, &queue, &queue, nullptr);
  void* tag = nullptr;
  bool ok = false;
  if (!queue.Next(&tag, &ok) || !ok) return;
  grpc::ByteBuffer message;
  stream.Read(&message, nullptr);
  queue.Next(&tag, &ok);
  stream.WriteAndFinish(message, grpc::WriteOptions(), grpc::Status::OK, nullptr);
  queue.Next(&tag, &ok);
}

std::string CallOverLoopback(const std::string& text) {
  grpc::AsyncGenericService service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterAsyncGenericService(&service);
  auto server_queue = builder.AddCompletionQueue();
  auto server = builder.BuildAndStart();
  std::thread echo([&] { Echo(*server_queue, service); });

  auto channel =
      grpc::CreateChannel("127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials());
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  grpc::CompletionQueue queue;
  auto call = stub.PrepareUnaryCall(&context, "/clash.Probe/Echo", BufferOf(text), &queue);
  call->StartCall();
  grpc::ByteBuffer answer;
  grpc::Status status;
  call->Finish(&answer, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  echo.join();
  server->Shutdown();
  server_queue->Shutdown();
  return status.ok() ? TextOf(answer) : "failed: " + status.error_message();
}

}  // namespace

/// 0: the call came back as it was sent, and RE2 answers rightly.
extern "C" __attribute__((visibility("default"))) int clash_grpc_probe() {
  const std::string sent = "order 1234 of 56";
  if (CallOverLoopback(sent) != sent) return 1;
  std::string number;
  const RE2 pattern("order (\\d+) of \\d+");
  if (!RE2::FullMatch(sent, pattern, &number) || number != "1234") return 2;
  std::string replaced = sent;
  return RE2::GlobalReplace(&replaced, "\\d+", "#") == 2 && replaced == "order # of #" ? 0 : 3;
}
