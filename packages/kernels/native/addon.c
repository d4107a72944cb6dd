// The engine as a Node-API addon. Its one caller is native.ts of backend-cpu, which knows what addresses it passes.
#include <stdlib.h>
#include <string.h>

#define NAPI_VERSION 8
#include <node_api.h>

#include "engine.h"
#include "memory.h"

#define CHECK(call) \
  do { \
    if ((call) != napi_ok) return fail(env); \
  } while (0)

static napi_value fail(napi_env env) {
  const napi_extended_error_info *info;
  bool pending = false;
  napi_get_last_error_info(env, &info);
  const char *message = info->error_message;
  napi_is_exception_pending(env, &pending);
  if (!pending) napi_throw_error(env, NULL, message ? message : "the native engine was called wrongly");
  return NULL;
}

static napi_value refuse(napi_env env, const char *message) {
  napi_throw_error(env, NULL, message);
  return NULL;
}

// What JavaScript holds as one opaque value.
typedef struct {
  napi_env env;
  engine *engine; // NULL once closed
  char *memory;
  size_t reserved;
  double *words;
  napi_ref words_owner;
  napi_threadsafe_function progress;
  bool keeps_alive;
} device;

// On an engine's thread.
static void report(void *context) {
  device *d = context;
  napi_call_threadsafe_function(d->progress, NULL, napi_tsfn_nonblocking);
}

// Also runs when the environment ends, before what the threads report to is taken down.
static void close_device(void *data) {
  device *d = data;
  if (d->engine == NULL) return;
  napi_remove_env_cleanup_hook(d->env, close_device, d);
  engine_close(d->engine);
  d->engine = NULL;
  memory_release(d->memory, d->reserved);
  napi_delete_reference(d->env, d->words_owner);
  napi_release_threadsafe_function(d->progress, napi_tsfn_abort);
}

static void finalize(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  close_device(data);
  free(data);
}

// The first argument of most functions. NULL, and an error thrown, if it is not an open device.
static device *opened(napi_env env, napi_callback_info info, size_t count, napi_value *arguments) {
  size_t given = count;
  void *data = NULL;
  if (napi_get_cb_info(env, info, &given, arguments, NULL, NULL) != napi_ok || given != count ||
      napi_get_value_external(env, arguments[0], &data) != napi_ok) {
    napi_throw_error(env, NULL, "a device is needed");
    return NULL;
  }
  device *d = data;
  if (d->engine != NULL) return d;
  napi_throw_error(env, NULL, "the device was closed");
  return NULL;
}

// variants(): [{ name, rows, rowBlock, panel, dot }], best first.
static napi_value variants(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value list;
  CHECK(napi_create_array(env, &list));
  const kernel_variant *const *all = engine_variants();
  for (uint32_t i = 0; all[i] != NULL; i++) {
    napi_value entry, name;
    CHECK(napi_create_object(env, &entry));
    CHECK(napi_create_string_utf8(env, all[i]->name, NAPI_AUTO_LENGTH, &name));
    CHECK(napi_set_named_property(env, entry, "name", name));
    const struct {
      const char *name;
      uint32_t value;
    } numbers[] = {
        {"rows", all[i]->rows},
        {"rowBlock", all[i]->row_block},
        {"panel", all[i]->panel},
        {"dot", all[i]->dot},
    };
    for (size_t n = 0; n < sizeof(numbers) / sizeof(*numbers); n++) {
      napi_value number;
      CHECK(napi_create_uint32(env, numbers[n].value, &number));
      CHECK(napi_set_named_property(env, entry, numbers[n].name, number));
    }
    CHECK(napi_set_element(env, list, i, entry));
  }
  return list;
}

static const kernel_variant *find_variant(const char *name) {
  for (const kernel_variant *const *v = engine_variants(); *v != NULL; v++)
    if (strcmp((*v)->name, name) == 0) return *v;
  return NULL;
}

static const kernel_entry *find_kernel(const kernel_variant *variant, const char *name) {
  for (const kernel_entry *k = variant->kernels; k->name != NULL; k++)
    if (strcmp(k->name, name) == 0) return k;
  return NULL;
}

#define MAX_KERNELS 256

// open(variant, kernels, threads, bytes, words, onProgress): { device, base }
static napi_value open_device(napi_env env, napi_callback_info info) {
  napi_value arguments[6], result, external, base, resource;
  size_t given = 6, length;
  char name[64];
  uint32_t count, threads;
  double bytes;
  CHECK(napi_get_cb_info(env, info, &given, arguments, NULL, NULL));
  if (given != 6) return refuse(env, "open takes 6 arguments");
  CHECK(napi_get_value_string_utf8(env, arguments[0], name, sizeof name, &length));
  const kernel_variant *variant = find_variant(name);
  if (variant == NULL) return refuse(env, "this machine or this build has no such variant");

  const kernel_entry *order[MAX_KERNELS];
  CHECK(napi_get_array_length(env, arguments[1], &count));
  if (count > MAX_KERNELS) return refuse(env, "too many kernels");
  for (uint32_t i = 0; i < count; i++) {
    napi_value element;
    CHECK(napi_get_element(env, arguments[1], i, &element));
    CHECK(napi_get_value_string_utf8(env, element, name, sizeof name, &length));
    order[i] = find_kernel(variant, name);
    if (order[i] == NULL) return refuse(env, "the addon is of another version: it lacks a kernel");
  }
  CHECK(napi_get_value_uint32(env, arguments[2], &threads));
  CHECK(napi_get_value_double(env, arguments[3], &bytes));
  napi_typedarray_type type;
  void *words;
  CHECK(napi_get_typedarray_info(env, arguments[4], &type, &length, &words, NULL, NULL));
  if (type != napi_float64_array || length != COMMAND_WORDS) return refuse(env, "words must hold a command");

  device *d = calloc(1, sizeof *d);
  if (d == NULL) return refuse(env, "out of memory");
  d->env = env;
  d->words = words;
  d->reserved = (size_t)bytes;
  d->memory = memory_reserve(d->reserved);
  if (d->memory == NULL) {
    free(d);
    return refuse(env, "the system refuses the address space");
  }
  napi_status status = napi_create_string_utf8(env, "tessera", NAPI_AUTO_LENGTH, &resource);
  if (status == napi_ok)
    status = napi_create_threadsafe_function(env, arguments[5], NULL, resource, 0, 1, NULL, NULL, NULL, NULL, &d->progress);
  if (status == napi_ok) status = napi_unref_threadsafe_function(env, d->progress);
  if (status == napi_ok) status = napi_create_reference(env, arguments[4], 1, &d->words_owner);
  if (status == napi_ok) d->engine = engine_open(variant, order, count, threads, report, d);
  if (d->engine != NULL) status = napi_add_env_cleanup_hook(env, close_device, d);
  if (d->engine == NULL) {
    memory_release(d->memory, d->reserved);
    if (d->words_owner != NULL) napi_delete_reference(env, d->words_owner);
    if (d->progress != NULL) napi_release_threadsafe_function(d->progress, napi_tsfn_abort);
    free(d);
    return status == napi_ok ? refuse(env, "the system refuses the threads") : fail(env);
  }
  if (napi_create_external(env, d, finalize, NULL, &external) != napi_ok) {
    finalize(env, d, NULL);
    return fail(env);
  }
  CHECK(napi_create_object(env, &result));
  CHECK(napi_create_double(env, (double)(uintptr_t)d->memory, &base));
  CHECK(napi_set_named_property(env, result, "device", external));
  CHECK(napi_set_named_property(env, result, "base", base));
  return result;
}

// commit(device, bytes): makes the first bytes of its memory usable; false if the system refuses.
static napi_value commit(napi_env env, napi_callback_info info) {
  napi_value arguments[2], result;
  double bytes;
  device *d = opened(env, info, 2, arguments);
  if (d == NULL) return NULL;
  CHECK(napi_get_value_double(env, arguments[1], &bytes));
  bool done = bytes <= (double)d->reserved && memory_commit(d->memory, (size_t)bytes);
  CHECK(napi_get_boolean(env, done, &result));
  return result;
}

// enqueue(device): takes over the command in `words`; false if memory is refused.
static napi_value enqueue(napi_env env, napi_callback_info info) {
  napi_value arguments[1], result;
  device *d = opened(env, info, 1, arguments);
  if (d == NULL) return NULL;
  CHECK(napi_get_boolean(env, engine_enqueue(d->engine, d->words), &result));
  return result;
}

// completed(device): commands run, modulo 2³².
static napi_value completed(napi_env env, napi_callback_info info) {
  napi_value arguments[1], result;
  device *d = opened(env, info, 1, arguments);
  if (d == NULL) return NULL;
  CHECK(napi_create_uint32(env, engine_completed(d->engine), &result));
  return result;
}

// The bytes of a typed array of any kind.
static int bytes_of(napi_env env, napi_value array, char **data, size_t *bytes) {
  static const size_t sizes[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8};
  napi_typedarray_type type;
  void *start;
  size_t length;
  if (napi_get_typedarray_info(env, array, &type, &length, &start, NULL, NULL) != napi_ok ||
      (size_t)type >= sizeof sizes / sizeof *sizes) {
    return 0;
  }
  *data = start;
  *bytes = length * sizes[type];
  return 1;
}

// Common to write and read: an address in the device's memory, and a typed array.
static char *transfer(napi_env env, napi_callback_info info, char **data, size_t *bytes) {
  napi_value arguments[3];
  double address;
  device *d = opened(env, info, 3, arguments);
  if (d == NULL) return NULL;
  if (napi_get_value_double(env, arguments[1], &address) != napi_ok || !bytes_of(env, arguments[2], data, bytes)) {
    napi_throw_error(env, NULL, "an address and a typed array are needed");
    return NULL;
  }
  return (char *)(uintptr_t)address;
}

// write(device, address, array): copies to the device's memory.
static napi_value write_memory(napi_env env, napi_callback_info info) {
  char *data;
  size_t bytes;
  char *to = transfer(env, info, &data, &bytes);
  if (to != NULL && bytes > 0) memcpy(to, data, bytes);
  return NULL;
}

// read(device, address, array): copies from the device's memory.
static napi_value read_memory(napi_env env, napi_callback_info info) {
  char *data;
  size_t bytes;
  const char *from = transfer(env, info, &data, &bytes);
  if (from != NULL && bytes > 0) memcpy(data, from, bytes);
  return NULL;
}

// addressOf(array): where its elements lie, for as long as it is neither collected nor transferred.
static napi_value address_of(napi_env env, napi_callback_info info) {
  napi_value argument, result;
  size_t given = 1, bytes;
  char *data;
  CHECK(napi_get_cb_info(env, info, &given, &argument, NULL, NULL));
  if (!bytes_of(env, argument, &data, &bytes)) return refuse(env, "a typed array is needed");
  CHECK(napi_create_double(env, (double)(uintptr_t)data, &result));
  return result;
}

// keepAlive(device, yes): whether the process waits for it.
static napi_value keep_alive(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  bool yes;
  device *d = opened(env, info, 2, arguments);
  if (d == NULL) return NULL;
  CHECK(napi_get_value_bool(env, arguments[1], &yes));
  if (yes != d->keeps_alive) {
    CHECK(yes ? napi_ref_threadsafe_function(env, d->progress) : napi_unref_threadsafe_function(env, d->progress));
    d->keeps_alive = yes;
  }
  return NULL;
}

// close(device): ends its threads and frees its memory.
static napi_value close_now(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  device *d = opened(env, info, 1, arguments);
  if (d != NULL) close_device(d);
  return NULL;
}

NAPI_MODULE_INIT() {
  const napi_property_descriptor functions[] = {
      {"variants", NULL, variants, NULL, NULL, NULL, napi_enumerable, NULL},
      {"open", NULL, open_device, NULL, NULL, NULL, napi_enumerable, NULL},
      {"commit", NULL, commit, NULL, NULL, NULL, napi_enumerable, NULL},
      {"enqueue", NULL, enqueue, NULL, NULL, NULL, napi_enumerable, NULL},
      {"completed", NULL, completed, NULL, NULL, NULL, napi_enumerable, NULL},
      {"write", NULL, write_memory, NULL, NULL, NULL, napi_enumerable, NULL},
      {"read", NULL, read_memory, NULL, NULL, NULL, napi_enumerable, NULL},
      {"addressOf", NULL, address_of, NULL, NULL, NULL, napi_enumerable, NULL},
      {"keepAlive", NULL, keep_alive, NULL, NULL, NULL, napi_enumerable, NULL},
      {"close", NULL, close_now, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  CHECK(napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions));
  return exports;
}
