#include "thread.h"

#include <stdlib.h>

// How long a word is looked at before sleeping: about what waking costs. A pause takes 3 to 70 ns, by processor.
#define SPIN_NS 30000
#define PAUSES 16

typedef struct {
  void (*body)(void *);
  void *argument;
} start;

#if defined(_WIN32)

static int64_t nanoseconds(void) {
  LARGE_INTEGER ticks, per_second;
  QueryPerformanceCounter(&ticks);
  QueryPerformanceFrequency(&per_second);
  return (int64_t)((double)ticks.QuadPart * 1e9 / (double)per_second.QuadPart);
}

static DWORD WINAPI run(void *p) {
  start s = *(start *)p;
  free(p);
  s.body(s.argument);
  return 0;
}

static int create(thread *t, start *s) { return (*t = CreateThread(NULL, 0, run, s, 0, NULL)) != NULL; }

void thread_join(thread t) {
  WaitForSingleObject(t, INFINITE);
  CloseHandle(t);
}

void gate_open(gate *g) {
  InitializeSRWLock(&g->lock);
  InitializeConditionVariable(&g->changed);
  g->sleepers = 0;
}
void gate_close(gate *g) { (void)g; }
static void lock(gate *g) { AcquireSRWLockExclusive(&g->lock); }
static void unlock(gate *g) { ReleaseSRWLockExclusive(&g->lock); }
static void sleep_until_changed(gate *g) { SleepConditionVariableSRW(&g->changed, &g->lock, INFINITE, 0); }
static void wake_all(gate *g) { WakeAllConditionVariable(&g->changed); }

#else

#include <signal.h>
#include <time.h>

static int64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void *run(void *p) {
  start s = *(start *)p;
  free(p);
  s.body(s.argument);
  return NULL;
}

static int create(thread *t, start *s) {
  // Signals are for the program's own threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int failed = pthread_create(t, NULL, run, s);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return !failed;
}

void thread_join(thread t) { pthread_join(t, NULL); }

void gate_open(gate *g) {
  pthread_mutex_init(&g->lock, NULL);
  pthread_cond_init(&g->changed, NULL);
  g->sleepers = 0;
}
void gate_close(gate *g) {
  pthread_mutex_destroy(&g->lock);
  pthread_cond_destroy(&g->changed);
}
static void lock(gate *g) { pthread_mutex_lock(&g->lock); }
static void unlock(gate *g) { pthread_mutex_unlock(&g->lock); }
static void sleep_until_changed(gate *g) { pthread_cond_wait(&g->changed, &g->lock); }
static void wake_all(gate *g) { pthread_cond_broadcast(&g->changed); }

#endif

int thread_start(thread *t, void (*body)(void *), void *argument) {
  start *s = malloc(sizeof *s);
  if (s == NULL) return 0;
  *s = (start){body, argument};
  if (create(t, s)) return 1;
  free(s);
  return 0;
}

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

void gate_wait(gate *g, _Atomic uint32_t *word, uint32_t value, _Atomic uint32_t *stop) {
  for (int64_t until = nanoseconds() + SPIN_NS; nanoseconds() < until;) {
    for (int pause = 0; pause < PAUSES; pause++) {
      if (*word != value || *stop) return;
      relax();
    }
  }
  // A sleeper counts itself before it looks again, and a waker changes the word before it counts: one sees the other.
  lock(g);
  g->sleepers++;
  while (*word == value && !*stop) sleep_until_changed(g);
  g->sleepers--;
  unlock(g);
}

void gate_wake(gate *g) {
  if (g->sleepers == 0) return;
  lock(g);
  wake_all(g);
  unlock(g);
}
