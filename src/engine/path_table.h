// The PathTable holds the EgressPaths in use: source × provider, with the pacer that says how fast.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/forgotten.h"
#include "engine/intrusive_list.h"
#include "engine/next_hop_table.h"
#include "engine/path_hand.h"
#include "engine/path_notes.h"
#include "engine/session_table.h"
#include "engine/settings.h"
#include "pacing/pacer.h"

namespace mailweir::engine {

struct Path {
  std::uint16_t source = 0;           // source id
  std::uint32_t provider = no_index;  // no_index: the slot is free
  std::optional<pacing::Pacer> pacer;
  std::uint32_t recipients_in_flight = 0;
  std::uint32_t opening = 0;
  std::array<std::uint32_t, trust_kinds> opening_by_trust{};  // of them, by the trust of their hop
  std::uint32_t closing = 0;                                  // close ordered
  std::uint64_t opened = 0;                                   // ever
  std::uint32_t turns = 0;                                    // transactions, ever
  ListEnds idle;                       // open sessions without a transaction, longest idle first
  std::vector<std::uint32_t> starved;  // sessions that wait for a message permit
  static constexpr std::size_t starved_wanted = 2;  // so many are at hand for the coming permits
  Instant wake = never;                             // armed timer
  Instant held_at{};                                // grants from before are void; zero: never held
  Instant accepted_at{};                            // mail, last; zero: never
  bool is_carried = false;           // siblings stand in for it: counted in Provider::held_by_pool
  bool was_known = false;            // it was taken up from an image
  Instant kept_at{};                 // its image was last given to the spool
  bool changed = false;              // marked on the Agenda
  std::unique_ptr<PathNotes> notes;  // from its first refusal on

  // Whether a hop of that trust may be tried now: at most half of the connections go to hops that
  // are not proven, a quarter to failing ones.
  bool has_share_for(Trust trust) const;
};

// Of a path that learns, for the spool: what was learned, and on which refusal.
std::string image_of(const Path& path, Instant now);

class PathTable {
 public:
  PathTable(NextHopTable& next_hops, const Settings& settings)
      : next_hops_(next_hops), settings_(settings) {}

  Slab<Path, 6> paths;
  Path& operator[](std::uint32_t index) { return paths[index]; }
  const Path& operator[](std::uint32_t index) const { return paths[index]; }

  std::uint32_t find(std::uint16_t source, std::uint32_t provider) const;  // no_index: never used
  std::uint32_t find(std::string_view source, std::string_view provider) const;
  std::uint32_t intern(std::uint16_t source, std::uint32_t provider, Instant now);
  // What a pacer of that path is told: caps, the operator's hands, what learning starts from.
  pacing::PacerSettings pacer_settings(std::uint16_t source, std::uint32_t provider) const;
  // Settings or hands have changed; also counts anew whom siblings stand in for, by the pools of
  // now.
  void refresh_caps(std::uint32_t provider, Instant now);
  // The paths of a provider that goes; none has a connection. What they have learned waits for
  // their return, as after a restart.
  void forget_provider(std::uint32_t provider, Instant now);

  // Takes up what was learned of a path that learns, in an image taken at `as_of`; what is held
  // stays held. False: not an image of a known version, and nothing has changed.
  bool take_up(std::uint32_t path, std::string_view image, Instant as_of, Instant now);

  // An image_of(), learned in an earlier run of the process, or before the path was forgotten,
  // `age` before now; taken up when the path is first used. Dropped some time after 90 days.
  void keep_image(std::string source, std::string provider, std::string image, Duration age,
                  Instant now);
  // The paths that came back held since it was last asked: somebody must look after them.
  std::vector<std::uint32_t> take_restored_held() { return std::exchange(restored_held_, {}); }
  // Takes out one image of a cell at that provider; nothing: there is none left.
  struct CellImage {
    std::string name;  // with its mark
    std::string image;
    Instant as_of{};
  };
  std::optional<CellImage> images_of_cells(const std::string& provider);
  bool has_images_of_cells() const { return !cell_images_.empty(); }
  // Whom images wait for: of paths, and the providers of cells.
  std::vector<PathName> names_of_images() const;
  // The path's, its hosts' and its network's.
  void forget_images(const PathName& path, Forgotten& forgotten, Instant now);
  // Those of the provider's wider cells.
  void forget_images_of_cells(const std::string& provider, Forgotten& forgotten, Instant now);
  // An image of what is not in use waits as from keep_image(); what waits there held stays held.
  // Gives it as it is now; empty: it could not be read.
  std::string recall_image(const PathName& of, std::string_view image, Instant as_of, Instant now);

  const std::vector<PathHand>& hands() const { return hands_; }
  void set_hand(PathHand hand);  // one of the same id is replaced
  bool remove_hand(std::uint64_t id);
  // Mail of the domain goes to that provider; gives the ids of the hands for which that is new.
  std::vector<std::uint64_t> bind_hands(std::string_view domain, const std::string& provider);
  // When the last pause over the path ends by itself, `never`: one has no end. Nothing: it is not
  // paused.
  std::optional<Instant> pauses_end(std::uint16_t source, std::uint32_t provider) const;
  // Takes back those whose time is over.
  std::vector<PathHand> expire_hands(Instant now);
  Instant next_hand_end() const;

  // Whether this path stands in for one of its siblings.
  bool carries_others(const Path& path) const;
  void set_carried(std::uint32_t path, bool is_carried);

 private:
  struct Image {
    std::string bytes;
    Instant as_of{};
  };
  pacing::LearningSettings learning(std::uint16_t source, std::uint32_t provider,
                                    const pacing::PathCaps& caps) const;

  NextHopTable& next_hops_;
  const Settings& settings_;
  void drop_old_images(Instant now);
  std::optional<Image> take_image(const PathName& of);
  template <class Condition>
  void forget_cells_if(const std::string& provider, Condition condition, Forgotten& forgotten,
                       Instant now);

  std::map<PathName, Image> images_;
  static constexpr std::size_t images_looked_at = 1024;
  std::size_t drop_images_at_ = images_looked_at;
  std::multimap<std::string, CellImage> cell_images_;  // by provider
  std::vector<std::uint32_t> restored_held_;
  std::vector<PathHand> hands_;
};

}  // namespace mailweir::engine
