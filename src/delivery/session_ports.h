// What the sessions of one IoThread share.
#pragma once

#include <memory>

#include "delivery/delivery.h"
#include "delivery/order_queue.h"
#include "delivery/tls_client.h"

namespace mailweir::delivery {

struct SessionPorts {
  runtime::Executor executor;
  runtime::Resolver& resolver;
  const runtime::Clock& clock;
  OutcomeReceiver& outcomes;
  TlsClient& tls;
  std::shared_ptr<OrderQueue> queue;  // brings answers from other threads home
};

}  // namespace mailweir::delivery
