#include "cli/interrupts.h"

#include <csignal>
#include <cstdlib>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

#include "cli/exit_code.h"
#include "cli/terminal.h"

namespace millrace::cli {
namespace {

struct State {
  std::mutex mutex;
  std::function<void()> handler;
  int received = 0;
};

State& TheState() {
  static auto* state = new State;  // the waiting thread never ends
  return *state;
}

sigset_t Signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

void OnSignal(int signal) {
  State& state = TheState();
  std::lock_guard lock(state.mutex);
  if (!state.handler || state.received++ > 0) {
    RestoreTerminal();
    std::_Exit(signal == SIGINT ? static_cast<int>(kInterrupted) : 128 + signal);
  }
  state.handler();
}

}  // namespace

void Interrupts::Start() {
  const sigset_t signals = Signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread([signals] {
    int signal = 0;
    while (sigwait(&signals, &signal) == 0) OnSignal(signal);
  }).detach();
}

void Interrupts::Wait() {
  std::promise<void> interrupted;
  const Scope scope([&] { interrupted.set_value(); });
  interrupted.get_future().wait();
}

Interrupts::Scope::Scope(std::function<void()> handler) {
  State& state = TheState();
  std::lock_guard lock(state.mutex);
  outer_ = std::exchange(state.handler, std::move(handler));
  state.received = 0;
}

Interrupts::Scope::~Scope() {
  State& state = TheState();
  std::lock_guard lock(state.mutex);
  state.handler = std::move(outer_);
  state.received = 0;
}

bool Interrupts::Scope::interrupted() const {
  State& state = TheState();
  std::lock_guard lock(state.mutex);
  return state.received > 0;
}

}  // namespace millrace::cli
