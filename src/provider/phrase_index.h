// A PhraseIndex finds all its phrases in a text in one pass (Aho and Corasick, 1975).
//
// A phrase is written in lower case and stands for whole words: "rate" is not in "operate". A `*`
// at an end lets that word go on ("throttl*", "*listed"); `#` stands for one digit. "<ip>" stands
// for an IPv4 or IPv6 address, "<address>" for a mail address. Built once, then read by any thread;
// finding does not allocate.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mailweir::provider {

// What of a text is looked at; longer ones are cut.
inline constexpr std::size_t folded_bytes_max = 2048;

// A text as phrases see it: lower-case (Latin and Cyrillic too), full-width letters as ASCII, white
// space as single spaces, a space at both ends, the enhanced status that begins each further line
// dropped, "e-mail" as "email", and each mail address as "<address>": its words are somebody's
// choice and say nothing.
class FoldedText {
 public:
  explicit FoldedText(std::string_view text);
  std::string_view view() const { return {buffer_.data(), size_}; }

 private:
  void put(char c) {
    if (size_ < buffer_.size()) buffer_[size_++] = c;
  }

  // At the '@' of an address: puts "<address>" for its front, already there, and all of it. Returns
  // how many bytes of `rest`, which begins with the '@', belong to it; 0: it is none.
  std::size_t put_address(std::string_view rest);

  std::array<char, folded_bytes_max> buffer_;  // only the first size_ are ever set
  std::size_t size_ = 0;
};

// Why a phrase cannot be used, for a person; empty when it can.
std::string_view phrase_flaw(std::string_view phrase);

class PhraseIndex {
 public:
  using Id = std::uint16_t;
  static constexpr std::size_t phrases_max = 4096;
  static constexpr std::size_t states_max = 65'535;  // one for each byte of the phrases, or fewer
  using Hits = std::bitset<phrases_max>;

  // Before build(). The same phrase gets the same id. At most phrases_max, of together fewer than
  // states_max bytes; `phrase` has no flaw.
  Id add(std::string_view phrase);
  void build();
  std::size_t size() const { return phrases_.size(); }

  // Calls found(Id) for each phrase in the text; some more than once.
  template <class Found>
  void find(std::string_view folded, Found&& found) const {
    std::uint32_t state = 0;
    for (std::size_t at = 0; at < folded.size(); ++at) {
      state = next_[state * classes_ + class_of_[static_cast<unsigned char>(folded[at])]];
      for (std::uint32_t with = has_output_[state]; with != 0; with = further_[with]) {
        for (const Id id : outputs_[with]) {
          if (stands_at(phrases_[id], folded, at + 1)) found(id);
        }
      }
    }
    if (ip_phrase_ && contains_ip_address(folded)) found(*ip_phrase_);
  }

  static bool contains_ip_address(std::string_view folded);

 private:
  struct Phrase {
    std::string text;             // without the stars
    std::size_t anchor_end = 0;   // where in `text` the part that the automaton finds ends
    std::size_t anchor_size = 0;  // 0: not for the automaton
    bool is_open_in_front = false;
    bool is_open_behind = false;
  };

  static Phrase parse(std::string_view phrase);
  static bool stands_at(const Phrase& phrase, std::string_view text, std::size_t anchor_end);
  void build_trie();
  void build_links();

  std::vector<Phrase> phrases_;
  std::unordered_map<std::string, Id> ids_;
  std::optional<Id> ip_phrase_;

  // The automaton: a table of states × classes of bytes.
  std::array<std::uint8_t, 256> class_of_{};
  std::size_t classes_ = 1;
  std::vector<std::uint16_t> next_ = {0};  // small, for the caches
  std::vector<std::vector<Id>> outputs_ = {{}};
  std::vector<std::uint32_t> has_output_ = {0};  // this state, or the first further one; 0: none
  std::vector<std::uint32_t> further_ = {0};     // the next shorter state with output
};

}  // namespace mailweir::provider
