#include "server/grpc_server.h"

#include <dlfcn.h>

#include <utility>

#include "server/grpc_host.h"

namespace millrace {
namespace {

constexpr char kLibrary[] = "libmillrace_grpc.so";

struct Library {
  MillraceGrpcStart start = nullptr;
  MillraceGrpcStop stop = nullptr;
};

/// Beside the library that this code is in, else where the loader looks.
Result<Library> OpenLibrary() {
  std::string path = kLibrary;
  Dl_info own{};
  if (dladdr(reinterpret_cast<void*>(&OpenLibrary), &own) != 0 && own.dli_fname != nullptr) {
    const std::string file = own.dli_fname;
    const auto slash = file.rfind('/');
    if (slash != std::string::npos) path = file.substr(0, slash + 1) + kLibrary;
  }
  // Its RE2 and Arrow's must not see each other: RTLD_LOCAL.
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) handle = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    return Error::User(std::string("gRPC cannot be served: ") + dlerror())
        .Hint(std::string("is ") + kLibrary +
              " beside libmillrace.so, and gRPC installed "
              "(libgrpc++1.51)? Without --grpc-port only HTTP is served");
  }
  Library library;
  library.start = reinterpret_cast<MillraceGrpcStart>(dlsym(handle, "millrace_grpc_start"));
  library.stop = reinterpret_cast<MillraceGrpcStop>(dlsym(handle, "millrace_grpc_stop"));
  if (library.start == nullptr || library.stop == nullptr) {
    return Error::User(path + " is of another version");
  }
  return library;
}

class LibraryServer final : public GrpcServer {
 public:
  LibraryServer(Library library, Handler handler)
      : library_(library), handler_(std::move(handler)) {}
  ~LibraryServer() override {
    if (server_ != nullptr) library_.stop(server_);
  }

  Status Listen(const std::string& host, int port, size_t max_request_bytes) {
    port_ = port;
    server_ = library_.start(host.c_str(), &port_, max_request_bytes, OnCall, this);
    if (server_ != nullptr) return Status::OK();
    return Error::User("the gRPC server cannot have " + host + ":" + std::to_string(port))
        .Hint("is another server there? Choose another --grpc-port, or 0 for any free one");
  }

  int port() const override { return port_; }

 private:
  static void OnCall(void* self, const char* method, const char* request, size_t size,
                     MillraceGrpcReply* reply, MillraceGrpcAnswer answer) {
    const std::string_view path = method;
    const GrpcAnswer made = static_cast<LibraryServer*>(self)->handler_(
        path.substr(path.rfind('/') + 1), {request, size});
    answer(reply, made.code, made.bytes.data(), made.bytes.size());
  }

  const Library library_;
  const Handler handler_;
  MillraceGrpcServer* server_ = nullptr;
  int port_ = 0;
};

}  // namespace

Result<std::unique_ptr<GrpcServer>> GrpcServer::Start(const std::string& host, int port,
                                                      size_t max_request_bytes, Handler handler) {
  ARROW_ASSIGN_OR_RAISE(const Library library, OpenLibrary());
  auto server = std::make_unique<LibraryServer>(library, std::move(handler));
  ARROW_RETURN_NOT_OK(server->Listen(host, port, max_request_bytes));
  return server;
}

}  // namespace millrace
