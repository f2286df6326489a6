// Counts the bytes on the heap: replaces the global allocation functions of the one program that
// includes it, which has one thread.
#pragma once

#include <malloc.h>

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {
std::size_t heap_bytes = 0;
}

// NOLINTBEGIN: counting replacements of the global allocation functions
void* operator new(std::size_t size) {
  void* block = std::malloc(size);
  if (block == nullptr) throw std::bad_alloc();
  heap_bytes += malloc_usable_size(block);
  return block;
}
void operator delete(void* block) noexcept {
  if (block != nullptr) heap_bytes -= malloc_usable_size(block);
  std::free(block);
}
void operator delete(void* block, std::size_t) noexcept {
  operator delete(block);
}
// NOLINTEND
