#include "models/background.h"

#include <sys/resource.h>
#include <unistd.h>

#include <thread>
#include <utility>

namespace millrace {
namespace {

constexpr int kNice = 10;

}  // namespace

void AtLowPriority(const std::function<void()>& work) {
  std::thread([&work] {
    // On Linux a thread has a priority of its own. Where that is not allowed it keeps the usual
    // one.
    (void)setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice);
    work();
  }).join();
}

ModelLease FreedElsewhere(ModelLease model, Env& env) {
  LoadedModel* const pointer = model.get();
  return {pointer, [&env, model = std::move(model)](LoadedModel*) mutable {
            env.Execute([model = std::move(model)] {});
          }};
}

}  // namespace millrace
