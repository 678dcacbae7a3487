#include "net/corked_sockets.h"

#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

namespace millrace {
namespace {

void SetCork(int socket, int on) { setsockopt(socket, IPPROTO_TCP, TCP_CORK, &on, sizeof on); }

}  // namespace

void CorkedSockets::Add(int socket) {
  SetCork(socket, 1);
  sockets_.push_back(socket);
}

void CorkedSockets::Remove(int socket) { std::erase(sockets_, socket); }

void CorkedSockets::Flush() const {
  for (const int socket : sockets_) {
    SetCork(socket, 0);
    SetCork(socket, 1);
  }
}

}  // namespace millrace
