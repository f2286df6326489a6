// Doubly linked lists through members of slab elements: no allocation, removal from anywhere in
// O(1).
//
// The member that holds the links is an argument, so one element can stand in several lists. An
// element that is in no list through a member may use that member for something else.
#pragma once

#include <cstdint>

#include "engine/slab.h"

namespace mailweir::engine {

struct Links {
  std::uint32_t prev = no_index;
  std::uint32_t next = no_index;
};

struct ListEnds {
  std::uint32_t first = no_index;
  std::uint32_t last = no_index;
  bool empty() const { return first == no_index; }
};

namespace list {

template <class T>
void push_back(Slab<T>& table, Links T::* member, ListEnds& ends, std::uint32_t index) {
  table[index].*member = Links{ends.last, no_index};
  (ends.last == no_index ? ends.first : (table[ends.last].*member).next) = index;
  ends.last = index;
}

template <class T>
void push_front(Slab<T>& table, Links T::* member, ListEnds& ends, std::uint32_t index) {
  table[index].*member = Links{no_index, ends.first};
  (ends.first == no_index ? ends.last : (table[ends.first].*member).prev) = index;
  ends.first = index;
}

template <class T>
void erase(Slab<T>& table, Links T::* member, ListEnds& ends, std::uint32_t index) {
  const Links links = table[index].*member;
  (links.prev == no_index ? ends.first : (table[links.prev].*member).next) = links.next;
  (links.next == no_index ? ends.last : (table[links.next].*member).prev) = links.prev;
  table[index].*member = Links{};
}

// The first goes to the back: its turn has been.
template <class T>
void rotate(Slab<T>& table, Links T::* member, ListEnds& ends) {
  if (ends.first == ends.last) return;
  const std::uint32_t index = ends.first;
  erase(table, member, ends, index);
  push_back(table, member, ends, index);
}

}  // namespace list
}  // namespace mailweir::engine
