#include "engine.h"

#include <stdlib.h>
#include <string.h>

#include "thread.h"

// Words of a command, as in command.ts.
enum {
  KERNEL = 0,
  ITEMS = 1,
  GRAIN = 2,
  SCRATCH = 3,
  SCRATCH_STRIDE = 4,
  NOTIFY = 5,
  FAULT_KIND = 8,
  FAULT_COLUMNS = 9,
  FAULT_LIMIT = 10,
  FAULT_VALUES = 11,
  OUTPUTS = 12,
  INPUTS = 13,
  CELLS = 14,
  ARGUMENTS = 24,
};
#define FENCE 0xffffffffu
#define NO_FAULT 0xffffffffu
#define MAX_CELLS 10
#define MAX_ARGUMENTS (COMMAND_WORDS - ARGUMENTS)

// Items of a block that make a command small: it runs in microseconds, less than it takes to wake a thread.
#define SMALL(items, grain) ((uint64_t)(items) * 8 <= (grain))

// fault_record of settle.c.
typedef struct {
  uint32_t kind, columns, limit;
  const uint32_t *values;
  uint32_t outputs, inputs;
  void *cells[MAX_CELLS];
} fault_record;

typedef struct command {
  kernel_function run; // NULL: a fence, which runs nothing
  uint32_t items, grain, blocks, notify;
  char *scratch;
  size_t scratch_stride;
  fault_record record;
  uint64_t arguments[MAX_ARGUMENTS];
  struct command *next;
  uint32_t number; // it has run once this many have
} command;

struct engine {
  const kernel_variant *variant;
  const kernel_entry **kernels;
  uint32_t kernel_count, threads, started;
  thread *ids;
  struct worker {
    engine *engine;
    uint32_t index;
  } *workers;
  void (*notify)(void *);
  void *context;

  // Commands enqueued and run. `busy` is held by whoever runs commands: the leader (thread 0) or, for a small one, the
  // caller. Both counts are equal only when nothing waits.
  _Atomic uint32_t published, completed, busy, stop;
  gate commands;
  // A list that the caller adds to at `last` and the leader follows from `done`, the last one that it has run. The caller
  // reuses commands from `first` on, once they have run.
  command *first, *done, *last;

  // The job that is shared out: a command of more than one block.
  command *_Atomic open;
  _Atomic uint32_t jobs, next_block, fault, inside;
  gate job, exits;
};

static uint32_t run_block(const command *c, uint32_t block, uint32_t thread) {
  uint32_t begin = block * c->grain, left = c->items - begin;
  return c->run(c->arguments, begin, begin + (left < c->grain ? left : c->grain), c->scratch + thread * c->scratch_stride);
}

// Does blocks of the open job until none is left.
static void work(engine *e, const command *c, uint32_t thread) {
  for (;;) {
    uint32_t block = e->next_block++;
    if (block >= c->blocks || e->stop) return;
    uint32_t fault = run_block(c, block, thread), lowest = e->fault;
    while (fault < lowest && !atomic_compare_exchange_weak(&e->fault, &lowest, fault)) {
    }
  }
}

// Runs a command with the help of the other threads; they leave before it returns.
static uint32_t share(engine *e, command *c) {
  e->next_block = 0;
  e->fault = NO_FAULT;
  e->open = c;
  e->jobs++;
  gate_wake(&e->job);
  work(e, c, 0);
  e->open = NULL;
  for (uint32_t inside; (inside = e->inside) != 0 && !e->stop;) gate_wait(&e->exits, &e->inside, inside, &e->stop);
  return e->fault;
}

static uint32_t run_alone(const command *c, uint32_t thread) {
  uint32_t fault = NO_FAULT;
  for (uint32_t block = 0; block < c->blocks; block++) {
    uint32_t found = run_block(c, block, thread);
    if (found < fault) fault = found;
  }
  return fault;
}

static int try_to_take(engine *e) {
  uint32_t idle = 0;
  return atomic_compare_exchange_strong(&e->busy, &idle, 1);
}

// Thread 0: runs commands in order, for ever.
static void lead(engine *e) {
  while (!e->stop) {
    gate_wait(&e->commands, &e->published, e->completed, &e->stop);
    if (!try_to_take(e)) continue;
    while (e->published != e->completed && !e->stop) {
      command *c = e->done->next;
      if (c->run != NULL) {
        uint32_t fault = c->blocks > 1 && e->threads > 1 ? share(e, c) : run_alone(c, 0);
        // Cut short, its outputs are not complete; nobody will read them.
        if (e->stop) break;
        e->variant->settle(&c->record, fault);
      }
      e->done = c;
      uint32_t notify = c->notify;
      e->completed++;
      if (notify) e->notify(e->context);
    }
    e->busy = 0;
  }
}

// The other threads: join one job after another, for ever.
static void follow(engine *e, uint32_t thread) {
  uint32_t seen = 0;
  while (!e->stop) {
    gate_wait(&e->job, &e->jobs, seen, &e->stop);
    seen = e->jobs;
    // Being inside keeps the leader from opening the next job, so what is open now stays so.
    e->inside++;
    command *c = e->open;
    if (c != NULL) work(e, c, thread);
    e->inside--;
    gate_wake(&e->exits);
  }
}

static void thread_body(void *argument) {
  struct worker *w = argument;
  if (w->index == 0) lead(w->engine);
  else follow(w->engine, w->index);
}

// Words to a command; every pointer was a number below 2⁵³ in JavaScript.
static void parse(const engine *e, const double *words, command *c) {
  uint32_t kernel = (uint32_t)words[KERNEL];
  c->notify = words[NOTIFY] != 0;
  c->run = NULL;
  if (kernel == FENCE) return;
  const kernel_entry *entry = e->kernels[kernel];
  c->run = entry->run;
  c->items = (uint32_t)words[ITEMS];
  c->grain = (uint32_t)words[GRAIN];
  c->blocks = c->items / c->grain + (c->items % c->grain != 0);
  c->scratch = (char *)(uintptr_t)words[SCRATCH];
  c->scratch_stride = (size_t)words[SCRATCH_STRIDE];
  c->record = (fault_record){
      .kind = (uint32_t)words[FAULT_KIND],
      .columns = (uint32_t)words[FAULT_COLUMNS],
      .limit = (uint32_t)words[FAULT_LIMIT],
      .values = (const uint32_t *)(uintptr_t)words[FAULT_VALUES],
      .outputs = (uint32_t)words[OUTPUTS],
      .inputs = (uint32_t)words[INPUTS],
  };
  for (uint32_t i = 0; i < MAX_CELLS; i++) c->record.cells[i] = (void *)(uintptr_t)words[CELLS + i];
  char *at = (char *)c->arguments;
  for (uint32_t i = 0; entry->signature[i] != 0; i++) {
    if (entry->signature[i] == 'p') {
      // As the compiler lays out the struct: pointers are aligned.
      at = (char *)(((uintptr_t)at + 7) & ~(uintptr_t)7);
      uint64_t pointer = (uint64_t)words[ARGUMENTS + i];
      memcpy(at, &pointer, 8);
      at += 8;
    } else {
      uint32_t word = (uint32_t)words[ARGUMENTS + i];
      memcpy(at, &word, 4);
      at += 4;
    }
  }
}

int engine_enqueue(engine *e, const double words[COMMAND_WORDS]) {
  if (e->published == e->completed && SMALL(words[ITEMS], words[GRAIN]) && try_to_take(e)) {
    int idle = e->published == e->completed;
    if (idle) {
      command c;
      parse(e, words, &c);
      // The leader does nothing meanwhile, so its scratch is free.
      if (c.run != NULL) e->variant->settle(&c.record, run_alone(&c, 0));
      e->completed++;
      e->published++;
      // The list's last command, which the leader still points at, now counts as the newest that has run.
      e->last->number = e->completed;
      e->busy = 0;
      if (c.notify) e->notify(e->context);
      return 1;
    }
    e->busy = 0;
  }
  command *c = e->first;
  // The one that the leader looks at next for its successor must stay.
  if (c != e->last && (int32_t)(e->completed - c->number) > 0) e->first = c->next;
  else if ((c = malloc(sizeof *c)) == NULL) return 0;
  parse(e, words, c);
  c->next = NULL;
  c->number = e->published + 1;
  e->last->next = c;
  e->last = c;
  e->published++;
  gate_wake(&e->commands);
  return 1;
}

uint32_t engine_completed(const engine *e) { return e->completed; }

engine *engine_open(const kernel_variant *variant, const kernel_entry *const *order, uint32_t count, uint32_t threads,
                    void (*notify)(void *), void *context) {
  engine *e = calloc(1, sizeof *e);
  if (e == NULL) return NULL;
  e->variant = variant;
  e->kernel_count = count;
  e->threads = threads;
  e->notify = notify;
  e->context = context;
  e->kernels = malloc(count * sizeof *e->kernels);
  e->ids = malloc(threads * sizeof *e->ids);
  e->workers = malloc(threads * sizeof *e->workers);
  // A command that has run, so that the list is never empty.
  e->first = e->done = e->last = calloc(1, sizeof *e->last);
  gate_open(&e->commands);
  gate_open(&e->job);
  gate_open(&e->exits);
  int ready = e->kernels != NULL && e->ids != NULL && e->workers != NULL && e->last != NULL;
  if (ready) memcpy(e->kernels, order, count * sizeof *e->kernels);
  for (uint32_t i = 0; ready && i < threads; i++) {
    e->workers[i] = (struct worker){e, i};
    ready = thread_start(&e->ids[i], thread_body, &e->workers[i]);
    e->started += ready;
  }
  if (ready) return e;
  engine_close(e);
  return NULL;
}

void engine_close(engine *e) {
  e->stop = 1;
  gate_wake(&e->commands);
  gate_wake(&e->job);
  gate_wake(&e->exits);
  for (uint32_t i = 0; i < e->started; i++) thread_join(e->ids[i]);
  gate_close(&e->commands);
  gate_close(&e->job);
  gate_close(&e->exits);
  while (e->first != NULL) {
    command *next = e->first->next;
    free(e->first);
    e->first = next;
  }
  free(e->kernels);
  free(e->ids);
  free(e->workers);
  free(e);
}
