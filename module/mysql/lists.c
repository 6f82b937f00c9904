/*
 * lists.c - the two services that walk a list: the keys, and the rows of
 * performance_schema.keyring_component_status.
 *
 * A list is a copy in our memory of what the core had at one moment, so that
 * changes of the keyring do not disturb a walk.
 */
#include <stdlib.h>
#include <string.h>

#include "shim.h"

struct list {
  const char *at, *end; /* pairs of strings, each with its NUL byte */
  char text[];
};

typedef int snapshot_function(dbk_handle instance, dbk_handle *snapshot, size_t *size);

static struct list *list_new(const char *text, size_t size) {
  struct list *l = malloc(sizeof *l + size);
  if (l == NULL) return NULL;
  l->at = l->text;
  l->end = l->text + size;
  if (text != NULL) memcpy(l->text, text, size);
  return l;
}

static struct list *list_from(const struct core *core, snapshot_function *snapshot) {
  dbk_handle handle = 0;
  size_t size = 0;
  if (snapshot(core->instance, &handle, &size) != DBK_OK) return NULL;
  struct list *l = list_new(NULL, size);
  /* Taken even without memory for it: the core must forget the snapshot. */
  if (core->snapshot_take(handle, l != NULL ? l->text : NULL, l != NULL ? size : 0) == DBK_OK)
    return l;
  free(l);
  return NULL;
}

static int list_deinit(void *it) {
  if (it == NULL) return 1;
  free(it);
  return 0;
}

static int list_is_valid(void *it) {
  const struct list *l = it;
  return l != NULL && l->at < l->end;
}

static const char *second(const struct list *l) { return l->at + strlen(l->at) + 1; }

static int list_next(void *it) {
  struct list *l = it;
  if (!list_is_valid(it)) return 1;
  const char *value = second(l);
  l->at = value + strlen(value) + 1;
  return 0;
}

/* Cut rather than refused: one refusal would empty the server's whole table. */
static void copy_cut(char *to, size_t size, const char *from) {
  size_t n = strlen(from);
  if (n >= size) n = size - 1;
  memset(to, 0, size);
  memcpy(to, from, n);
}

static int list_get(void *it, char *name, size_t name_size, char *value, size_t value_size) {
  const struct list *l = it;
  if (!list_is_valid(it) || name == NULL || value == NULL || name_size == 0 || value_size == 0)
    return 1;
  copy_cut(name, name_size, l->at);
  copy_cut(value, value_size, second(l));
  return 0;
}

static int list_get_length(void *it, size_t *name, size_t *value) {
  const struct list *l = it;
  if (!list_is_valid(it) || name == NULL || value == NULL) return 1;
  *name = strlen(l->at);
  *value = strlen(second(l));
  return 0;
}

/*
 * The migration server has room for 96 bytes of an owner, whatever length it was
 * told, and goes on beyond them. Better no migration than that, or than a key left
 * behind.
 */
static int fits_migration(const struct list *keys) {
  for (struct list at = *keys; list_is_valid(&at); list_next(&at)) {
    const char *owner = second(&at);
    if (strlen(owner) < 96) continue;
    log_text(LOG_ERROR, "Nothing is migrated: the server has no room for the name of an owner of more "
             "than 95 bytes, such as '%s' of key '%s'. Use dbkeyring migrate.", owner, at.at);
    return 0;
  }
  return 1;
}

static int keys_init(void **it) {
  if (it == NULL) return 1;
  *it = NULL;
  sigset_t saved;
  const struct core *core = core_enter(&saved);
  if (core == NULL) return 1;
  struct list *keys = list_from(core, core->snapshot_keys);
  core_leave(&saved);
  if (keys == NULL) return 1;
  if (server_migrates() && !fits_migration(keys)) {
    free(keys);
    return 1;
  }
  *it = keys;
  return 0;
}

const struct keyring_keys_metadata_iterator keys_service = {
    keys_init, list_deinit, list_is_valid, list_next, list_get_length, list_get};

/* What the table shows while there is no core to ask. */
static const char without_core[] =
    "Component_name\0" KEYRING_NAME "\0Author\0dbkeyring\0License\0Apache-2.0\0"
    "Implementation_name\0" KEYRING_NAME "\0Version\0001.0\0Component_status\0Disabled";

static int metadata_init(void **it) {
  if (it == NULL) return 1;
  *it = NULL;
  sigset_t saved;
  const struct core *core = core_enter(&saved);
  if (core != NULL) {
    *it = list_from(core, core->snapshot_status);
    core_leave(&saved);
  }
  if (*it == NULL) *it = list_new(without_core, sizeof without_core);
  return *it == NULL;
}

/* Unlike the keys' lengths, these count the NUL byte. */
static int metadata_get_length(void *it, size_t *name, size_t *value) {
  if (list_get_length(it, name, value) != 0) return 1;
  ++*name;
  ++*value;
  return 0;
}

const struct keyring_component_metadata_query metadata_service = {
    metadata_init, list_deinit, list_is_valid, list_next, metadata_get_length, list_get};
