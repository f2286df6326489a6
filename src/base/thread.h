// What a thread of ours says of itself to the kernel.
#pragma once

#include <string>

namespace mailweir {

// Names the calling thread (15 octets are kept) and has it scheduled as SCHED_BATCH: on a loaded
// machine it then does not push others aside each time something arrives for it, finds more waiting
// when its turn comes, and does that at once. Without load nothing changes. docs/performance.md has
// the figures. Not being allowed to is no error.
void introduce_thread(const std::string& name);

}  // namespace mailweir
