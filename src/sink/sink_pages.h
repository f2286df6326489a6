// What a running `mailweir sink` shows and lets one do over HTTP (docs/sink.md):
//
//   GET  /                  a page with the counts and verdicts of every source IP; ?lang=en|ja
//   GET  /api/v1/sink       the same as JSON
//   POST /api/v1/control {"action":"trip|release|block|unblock","source":"127.0.0.2","how":"reset"}
//
// POST takes application/json alone, which no page of another origin can send unasked.
#pragma once

#include <string>
#include <vector>

#include "console/router.h"
#include "runtime/clock.h"
#include "sink/shared_receiver.h"
#include "sink/sink_text.h"
#include "sink/twin.h"
#include "world/personality.h"

namespace mailweir::sink {

// What the pages are about; everything outlives the router.
struct SinkSubject {
  const world::ReceiverSpec& spec;
  std::uint64_t seed;
  SharedReceiver& receiver;
  const Twin& twin;
  const runtime::Clock& clock;
  Instant started;
  Language language;  // of the page, unless it is asked for another
};

void add_pages(console::Router& router, const SinkSubject& subject);

}  // namespace mailweir::sink
