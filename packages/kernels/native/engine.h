// Runs commands in order on threads of its own. A command is one kernel over a number of items; command.ts says how its
// words are laid out.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "table.h"

#define COMMAND_WORDS 48

typedef struct engine engine;

// The instruction sets that this machine has, best first, ended by NULL.
const kernel_variant *const *engine_variants(void);

/**
 * Starts the threads.
 *
 * order: the table's kernel for each number that commands use; count of them
 * notify: called on an engine's thread when a command that asks for it has run
 * Returns NULL if memory or threads are refused.
 */
engine *engine_open(const kernel_variant *variant, const kernel_entry *const *order, uint32_t count, uint32_t threads,
                    void (*notify)(void *), void *context);

// Takes a command over; never waits. A small one is run at once if there is nothing before it. 0 if memory is refused.
int engine_enqueue(engine *e, const double words[COMMAND_WORDS]);

// How many commands have run, modulo 2³².
uint32_t engine_completed(const engine *e);

// Ends the threads, at the latest after the block that each is at, and frees the engine.
void engine_close(engine *e);
