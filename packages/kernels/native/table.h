// A kernel as the engine sees it, whatever instruction set it was built for.
#pragma once

#include <stdint.h>

typedef uint32_t (*kernel_function)(const void *arguments, uint32_t begin, uint32_t end, char *scratch);

typedef struct {
  const char *name;
  kernel_function run;
  const char *signature; // a letter for each argument: p for a pointer, w for a word of 4 bytes
} kernel_entry;

// The kernels built for one instruction set.
typedef struct {
  const char *name;
  const kernel_entry *kernels; // ended by one without a name
  void (*settle)(const void *record, uint32_t position);
  uint32_t rows, row_block, panel; // of the register tile, see simd.h
  uint32_t dot;                    // small whole numbers to a lane, see dot.h
} kernel_variant;
