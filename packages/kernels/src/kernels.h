// What every kernel shares. A kernel is
//
//   uint32_t kernel(const arguments *a, uint32_t begin, uint32_t end, char *scratch)
//
// and does items begin..end of its work, whatever those are: rows, panels, slices. Items are independent, so any split
// over threads gives the same bits. It returns the lowest position at which its data are at fault, or NO_FAULT.
// `scratch` is the calling thread's own; each kernel says how much it needs.
#pragma once

#include "simd.h"

#if defined(__wasm__)
#define EXPORT(name) __attribute__((export_name(#name)))
// For a kernel that another one calls: before its declaration in a header.
#define SHARED
#else
// One unit holds all kernels of an instruction set, and a table of them.
#define EXPORT(name) static
#define SHARED static
#endif

#define NO_FAULT 0xffffffffu

// Rows that are packed at once: few enough to stay in the L1 cache beside a panel, and a multiple of ROWS.
#define ROW_BLOCK (16 * ROWS)
// Bytes of panels that a row tile meets before the next tile takes its turn: half of a small L1 cache.
#define PANEL_BYTES 16384

INLINE uint32_t min_u32(uint32_t a, uint32_t b) { return a < b ? a : b; }
INLINE uint32_t ceil_div(uint32_t a, uint32_t b) { return a / b + (a % b != 0); }
INLINE int is_finite(float value) { return value - value == 0; }
