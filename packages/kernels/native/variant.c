// All kernels built for one instruction set, as one unit, so that each set's code keeps to itself. The build says which:
// VARIANT is its name, and LANES, VECTORS and ROWS its register tile.
#include "table.h"

#include "sources.inc"

#define STRING(text) #text
#define NAME(variant) STRING(variant)
#define JOIN(a, b) a##b
#define SYMBOL(variant) JOIN(variant_, variant)

static const kernel_entry entries[] = {
#define KERNEL(name, function, signature) {#name, (kernel_function)(void *)function, signature},
#include "kernels.inc"
    {0},
};

static void settle_any(const void *record, uint32_t position) { settle(record, position); }

const kernel_variant SYMBOL(VARIANT) = {
    .name = NAME(VARIANT),
    .kernels = entries,
    .settle = settle_any,
    .rows = ROWS,
    .row_block = ROW_BLOCK,
    .panel = PANEL,
    .dot = DOT,
};
