#include "world/personality.h"

namespace mailweir::world {

std::vector<ReceiverSpec> all_personalities() {
  return {{"plain", "accepts everything", {}},
          {"token-bucket",
           "5 messages a second and address, a burst of 30",
           {{"bucket", BucketParameters{}}}}};
}

}  // namespace mailweir::world
