#include "models/python/worker_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include <spawn.h>

#include "models/python/worker_script.h"

namespace millrace {
namespace {

static_assert(std::endian::native == std::endian::little);

struct SocketPair {
  int own = -1, its = -1;

  ~SocketPair() {
    for (const int end : {own, its}) {
      if (end >= 0) close(end);
    }
  }
};

}  // namespace

Result<std::unique_ptr<PythonProcess>> PythonProcess::Start(Env& env, const Command& command) {
  SocketPair sockets;
  if (int ends[2]; socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0) {
    sockets.own = ends[0];
    sockets.its = ends[1];
  } else {
    return Error::Transient(std::string("no socket to a Python process: ") + std::strerror(errno));
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, sockets.its, 3);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, 2, 1);
  const char* arguments[] = {
      command.interpreter.c_str(), "-c",   kPythonWorker, command.path.c_str(),
      command.function.c_str(),    nullptr};
  std::unique_ptr<PythonProcess> process(new PythonProcess(env));
  const int failure =
      posix_spawnp(&process->pid_, arguments[0], &actions, nullptr,
                   const_cast<char* const*>(arguments), environ);  // NOLINT: it does not write
  posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) {
    process->pid_ = -1;
    return Error::User("'" + command.interpreter + "' cannot be started: " + std::strerror(failure))
        .Hint("name a Python that has pyarrow in the option 'python'");
  }
  std::swap(process->socket_, sockets.own);
  process->timeout_us_ = command.timeout_us;
  process->alive_ = true;
  if (const auto ready = process->Ask(command.output_schema); !ready.ok()) {
    return Error::User("Python cannot load '" + command.path + "': " + ready.status().message())
        .In(command.path)
        .Hint(
            "try it: " + command.interpreter + " " + command.path +
            (ready.status().message().find("pyarrow") != std::string::npos
                 ? "; this Python needs pyarrow: " + command.interpreter + " -m pip install pyarrow"
                 : ""));
  }
  return process;
}

PythonProcess::~PythonProcess() {
  if (socket_ >= 0) close(socket_);
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

Result<std::string> PythonProcess::Ask(std::string_view request) {
  const int64_t deadline_us = env_.MonotonicMicros() + timeout_us_;
  uint64_t size = request.size();
  char head[sizeof(size)];
  std::memcpy(head, &size, sizeof(size));
  ARROW_RETURN_NOT_OK(Send({head, sizeof(head)}, deadline_us));
  ARROW_RETURN_NOT_OK(Send(request, deadline_us));
  ARROW_RETURN_NOT_OK(Receive(head, sizeof(head), deadline_us));
  std::memcpy(&size, head, sizeof(size));
  char kind = 0;
  ARROW_RETURN_NOT_OK(Receive(&kind, 1, deadline_us));
  std::string answer(size - 1, '\0');
  ARROW_RETURN_NOT_OK(Receive(answer.data(), answer.size(), deadline_us));
  if (kind == '+') return answer;
  return Error::Data(std::move(answer));
}

Status PythonProcess::Wait(short events, int64_t deadline_us) {
  while (true) {
    pollfd wanted{socket_, events, 0};
    const int64_t left_ms =
        std::max<int64_t>(0, (deadline_us - env_.MonotonicMicros() + 999) / 1000);
    const int ready = poll(&wanted, 1, static_cast<int>(std::min<int64_t>(left_ms, 1 << 30)));
    if (ready > 0) return Status::OK();
    if (ready < 0 && errno == EINTR) continue;
    alive_ = false;
    return Error::Transient("the Python function took longer than " +
                            std::to_string(timeout_us_ / 1000) + " ms")
        .Hint("raise 'timeout', or see what it waits for");
  }
}

Status PythonProcess::Send(std::string_view bytes, int64_t deadline_us) {
  while (!bytes.empty()) {
    const ssize_t sent = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (errno == EAGAIN) {
      ARROW_RETURN_NOT_OK(Wait(POLLOUT, deadline_us));
    } else if (errno != EINTR) {
      return Ended();
    }
  }
  return Status::OK();
}

Status PythonProcess::Receive(char* bytes, size_t size, int64_t deadline_us) {
  while (size > 0) {
    const ssize_t got = recv(socket_, bytes, size, MSG_DONTWAIT);
    if (got > 0) {
      bytes += got;
      size -= static_cast<size_t>(got);
    } else if (got < 0 && errno == EAGAIN) {
      ARROW_RETURN_NOT_OK(Wait(POLLIN, deadline_us));
    } else if (got == 0 || errno != EINTR) {
      return Ended();
    }
  }
  return Status::OK();
}

Status PythonProcess::Ended() {
  alive_ = false;
  int state = 0;
  waitpid(pid_, &state, 0);
  pid_ = -1;
  const std::string how = WIFSIGNALED(state)
                              ? std::string("was ended by ") + strsignal(WTERMSIG(state))
                              : "ended with code " + std::to_string(WEXITSTATUS(state));
  return Error::Data("the Python process " + how);
}

}  // namespace millrace
