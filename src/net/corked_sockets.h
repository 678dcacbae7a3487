#pragma once

#include <vector>

namespace millrace {

/// Sockets whose writes the kernel joins until `Flush`. libcurl writes the headers of an HTTP/2
/// request and its body apart; a gRPC server that refuses the call by its headers answers in
/// between, resets the stream, and libcurl 7.88 loses an answer that comes with a reset. On one
/// thread only.
class CorkedSockets {
 public:
  void Add(int socket);
  void Remove(int socket);
  /// Sends what was written since the last call.
  void Flush() const;

 private:
  std::vector<int> sockets_;
};

}  // namespace millrace
