#include "base/thread.h"

#include <pthread.h>
#include <sched.h>

namespace mailweir {
namespace {

constexpr std::size_t name_max = 15;  // pthread_setname_np(3)

}  // namespace

void introduce_thread(const std::string& name) {
  ::pthread_setname_np(::pthread_self(), name.substr(0, name_max).c_str());
  const sched_param parameters{};
  ::pthread_setschedparam(::pthread_self(), SCHED_BATCH, &parameters);
}

}  // namespace mailweir
