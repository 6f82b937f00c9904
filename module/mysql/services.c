/*
 * services.c - the keyring services that work on single keys.
 *
 * A key is named by its id and its owner; NULL and "" are the same owner, the
 * server itself. An outage is a failure, never "no such key": on the latter
 * InnoDB makes a new master key.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "shim.h"

static int fail(void) { return 1; }

/* A reader is a copy of the key, made by one call of the core. */
struct reader {
  size_t data_size, type_size, capacity;
  char type[256];
  unsigned char data[];
};

static int reader_deinit(void *handle) {
  struct reader *r = handle;
  if (r == NULL) return fail();
  explicit_bzero(r, sizeof *r + r->capacity);
  free(r);
  return 0;
}

static struct reader *reader_new(size_t capacity) {
  struct reader *r = calloc(1, sizeof *r + capacity);
  if (r != NULL) r->capacity = capacity;
  return r;
}

static int reader_init(const char *id, const char *owner, void **handle) {
  if (id == NULL || handle == NULL) return fail();
  *handle = NULL;
  sigset_t saved;
  const struct core *core = core_enter(&saved);
  if (core == NULL) return fail();
  /* Room for every key that the server makes itself; others take a second try. */
  struct reader *r = reader_new(512);
  int code = DBK_INVALID;
  for (int tries = 0; r != NULL && tries < 4; tries++) {
    code = core->fetch(core->instance, id, owner, r->data, r->capacity, &r->data_size, r->type,
                       sizeof r->type, &r->type_size);
    if (code != DBK_TOO_SMALL || r->type_size > sizeof r->type) break;
    size_t needed = r->data_size;
    reader_deinit(r);
    r = reader_new(needed);
  }
  core_leave(&saved);
  if (r == NULL) return fail();
  if (code == DBK_OK) {
    *handle = r;
    return 0;
  }
  reader_deinit(r);
  return code == DBK_NOT_FOUND ? 0 : fail();
}

static int reader_fetch_length(void *handle, size_t *data_size, size_t *type_size) {
  const struct reader *r = handle;
  if (r == NULL || data_size == NULL || type_size == NULL) return fail();
  *data_size = r->data_size;
  *type_size = r->type_size;
  return 0;
}

/* The server's own helper leaves no room for a NUL byte after the type. */
static int reader_fetch(void *handle, unsigned char *data, size_t data_capacity, size_t *data_size,
                        char *type, size_t type_capacity, size_t *type_size) {
  const struct reader *r = handle;
  if (r == NULL || data == NULL || data_size == NULL || type == NULL || type_size == NULL ||
      data_capacity < r->data_size || type_capacity < r->type_size)
    return fail();
  memset(data, 0, data_capacity);
  memset(type, 0, type_capacity);
  memcpy(data, r->data, r->data_size);
  memcpy(type, r->type, r->type_size);
  *data_size = r->data_size;
  *type_size = r->type_size;
  return 0;
}

const struct keyring_reader_with_status reader_service = {reader_init, reader_deinit,
                                                          reader_fetch_length, reader_fetch};

/* CALL runs one function of the core and gives its code. */
#define CALL(code, function, ...)                                                \
  do {                                                                           \
    sigset_t saved_;                                                             \
    const struct core *core_ = core_enter(&saved_);                              \
    if (core_ == NULL) {                                                         \
      code = DBK_NOT_LOADED;                                                     \
    } else {                                                                     \
      code = core_->function(core_->instance, __VA_ARGS__);                      \
      core_leave(&saved_);                                                       \
    }                                                                            \
  } while (0)

static int store(const char *id, const char *owner, const unsigned char *data, size_t size,
                 const char *type) {
  if (id == NULL || data == NULL || type == NULL) return fail();
  int code;
  CALL(code, store, id, owner, type, data, size);
  return code != DBK_OK;
}

static int remove_key(const char *id, const char *owner) {
  if (id == NULL) return fail();
  int code;
  CALL(code, remove, id, owner);
  return code != DBK_OK;
}

const struct keyring_writer writer_service = {store, remove_key};

static int generate(const char *id, const char *owner, const char *type, size_t size) {
  if (id == NULL || type == NULL) return fail();
  int code;
  CALL(code, generate, id, owner, type, size);
  return code != DBK_OK;
}

const struct keyring_generator generator_service = {generate};

static int aes_get_size(size_t in_size, const char *mode, size_t key_bits, size_t *out_size) {
  if (mode == NULL || out_size == NULL) return fail();
  sigset_t saved;
  const struct core *core = core_enter(&saved);
  if (core == NULL) return fail();
  int code = core->aes_size(mode, key_bits, in_size, out_size);
  core_leave(&saved);
  return code != DBK_OK;
}

/* Of padding only the low byte counts: the server passes a C++ bool. */
static int aes(int decrypt, const char *id, const char *owner, const char *mode, size_t key_bits,
               const unsigned char *iv, int padding, const unsigned char *in, size_t in_size,
               unsigned char *out, size_t capacity, size_t *out_size) {
  if (id == NULL || mode == NULL || iv == NULL || in == NULL || out == NULL || out_size == NULL)
    return fail();
  if (decrypt && capacity < in_size) return fail();
  int code;
  CALL(code, aes, decrypt, id, owner, mode, key_bits, iv, (padding & 0xff) != 0, in, in_size, out,
       capacity, out_size);
  return code != DBK_OK;
}

static int aes_encrypt(const char *id, const char *owner, const char *mode, size_t key_bits,
                       const unsigned char *iv, int padding, const unsigned char *in,
                       size_t in_size, unsigned char *out, size_t capacity, size_t *out_size) {
  return aes(0, id, owner, mode, key_bits, iv, padding, in, in_size, out, capacity, out_size);
}

static int aes_decrypt(const char *id, const char *owner, const char *mode, size_t key_bits,
                       const unsigned char *iv, int padding, const unsigned char *in,
                       size_t in_size, unsigned char *out, size_t capacity, size_t *out_size) {
  return aes(1, id, owner, mode, key_bits, iv, padding, in, in_size, out, capacity, out_size);
}

const struct keyring_aes aes_service = {aes_get_size, aes_encrypt, aes_decrypt};

/*
 * Cut to the room there is: performance_schema passes 64 bytes of a longer buffer.
 * Where there is no answer it shows what the buffer holds, which is the row before:
 * so the buffer is emptied first.
 */
static int native_key_id(const char *id, const char *owner, char *native, size_t capacity) {
  if (native == NULL || capacity == 0) return fail();
  native[0] = '\0';
  if (id == NULL) return fail();
  char name[256];
  size_t size = 0;
  int code;
  CALL(code, native_id, id, owner, name, sizeof name, &size);
  if (code != DBK_OK) return fail();
  if (size >= capacity) size = capacity - 1;
  memcpy(native, name, size);
  native[size] = '\0';
  return 0;
}

const struct mysql_keyring_native_key_id native_key_id_service = {native_key_id};

static int load(const char *component_path, const char *instance_path) {
  return core_load(component_path, instance_path, 0) != DBK_OK;
}

const struct keyring_load load_service = {load};

static int is_initialized(void) {
  sigset_t saved;
  const struct core *core = core_enter(&saved);
  if (core == NULL) return 0;
  int ready = core->ready(core->instance);
  core_leave(&saved);
  return ready;
}

const struct keyring_component_status status_service = {is_initialized};
