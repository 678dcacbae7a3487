#pragma once

#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace millrace {

/// A socket that listens at a free port of the loopback device, which `port` is set to.
inline int ListenOnLoopback(int* port) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  bind(listener, reinterpret_cast<sockaddr*>(&address), size);
  listen(listener, 64);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  *port = ntohs(address.sin_port);
  return listener;
}

}  // namespace millrace
