#include "memory.h"

#if defined(_WIN32)
#include <windows.h>

char *memory_reserve(size_t bytes) { return VirtualAlloc(NULL, bytes, MEM_RESERVE, PAGE_READWRITE); }

int memory_commit(char *base, size_t bytes) { return VirtualAlloc(base, bytes, MEM_COMMIT, PAGE_READWRITE) != NULL; }

void memory_release(char *base, size_t bytes) {
  (void)bytes;
  VirtualFree(base, 0, MEM_RELEASE);
}

#else
#include <sys/mman.h>

#if !defined(MAP_NORESERVE)
#define MAP_NORESERVE 0
#endif

char *memory_reserve(size_t bytes) {
  void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return NULL;
#if defined(MADV_HUGEPAGE)
  // Fewer faults when large results are first written; it fails where the kernel has no huge pages, and then it is no loss.
  madvise(base, bytes, MADV_HUGEPAGE);
#endif
  return base;
}

int memory_commit(char *base, size_t bytes) {
  (void)base;
  (void)bytes;
  return 1;
}

void memory_release(char *base, size_t bytes) { munmap(base, bytes); }

#endif
