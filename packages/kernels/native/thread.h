// Threads, and sleeping until a word of memory changes.
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#if defined(_WIN32)
#include <windows.h>
typedef HANDLE thread;
typedef SRWLOCK mutex;
typedef CONDITION_VARIABLE condition;
#else
#include <pthread.h>
typedef pthread_t thread;
typedef pthread_mutex_t mutex;
typedef pthread_cond_t condition;
#endif

int thread_start(thread *t, void (*body)(void *), void *argument); // 0 if it did not start
void thread_join(thread t);

// Those who wait for a word to change meet here.
typedef struct {
  mutex lock;
  condition changed;
  _Atomic uint32_t sleepers;
} gate;

void gate_open(gate *g);
void gate_close(gate *g);
// Returns once the word is no longer `value`, or `stop` is set.
void gate_wait(gate *g, _Atomic uint32_t *word, uint32_t value, _Atomic uint32_t *stop);
// To be called after the word has changed.
void gate_wake(gate *g);
