/*
 * plugin_host.c - plays mysqld for a keyring plugin.
 *
 * As the server's own proxy does, it lets a plugin answer as if it were a
 * component, so that the commands of host.c serve both.
 */
#define _GNU_SOURCE
#include "plugin_host.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *library, *self = &library;
static struct st_plugin *plugin;
static const struct st_keyring *keyring;

/* What the server hands out as memory has a head: free() of the C library would fail. */
struct head {
  size_t mark, size;
};
enum { MARK = 0x600df00d };
static int blocks; /* not given back yet */

static void *allocate(unsigned psi_key, size_t size, int flags) {
  (void)psi_key, (void)flags;
  struct head *h = malloc(sizeof *h + size);
  if (h == NULL) return NULL;
  *h = (struct head){MARK, size};
  memset(h + 1, 0xee, size);
  __atomic_add_fetch(&blocks, 1, __ATOMIC_RELAXED);
  return h + 1;
}

static void release(void *memory) {
  struct head *h = (struct head *)memory - 1;
  if (h->mark != MARK) die("memory that is not the server's");
  h->mark = 0;
  free(h);
  __atomic_sub_fetch(&blocks, 1, __ATOMIC_RELAXED);
}

static struct mysql_malloc_service memory_service = {allocate, NULL, NULL, release};

/* Memory of a statement. */
static void *of_statement[64];
static int statements;

static char *copy_text(void *thd, const char *text, size_t length) {
  if (thd != of_statement) die("another thd");
  return of_statement[statements++] = strndup(text, length);
}

static void end_statement(void) {
  while (statements > 0) free(of_statement[--statements]);
}

static struct thd_alloc_service statement_service = {NULL, NULL, NULL, copy_text};

static int message(void **plugin_self, int level, const char *format, ...) {
  char text[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (*plugin_self != self) die("a log line of another plugin");
  printf("plugin log %d Plugin %s reported: '%s'\n", level, plugin->name, text);
  return 0;
}
static struct my_plugin_log_service log_service = {message};

static struct registry *acquire_registry(void) { return &registry; }
static int release_registry(struct registry *r) { return r != &registry; }
static struct plugin_registry_service registry_service = {acquire_registry, release_registry};

/* As the server: it looks for the services that it has, and compares versions. */
static void link_services(void) {
  static const struct {
    const char *name;
    void *service;
    size_t version;
  } known[] = {
      {"mysql_malloc_service", &memory_service, 0x0100}, {"thd_alloc_service", &statement_service, 0x0100},
      {"my_plugin_log_service", &log_service, 0x0100},   {"plugin_registry_service", &registry_service, 0x0100},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    void **wanted = dlsym(library, known[i].name);
    if (wanted == NULL || (size_t)*wanted != known[i].version) die(known[i].name);
    *wanted = known[i].service;
  }
  /* MySQL 5.7 has this one, of version 1, and must refuse. */
  void **newer = dlsym(library, "my_snprintf_service");
  if (newer == NULL || (size_t)*newer <= 0x01ff) die("MySQL 5.7 takes this plugin");
}

void plugin_open(const char *path, const char *option) {
  library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) die(dlerror());
  const int *version = dlsym(library, "_mysql_plugin_interface_version_");
  const int *size = dlsym(library, "_mysql_sizeof_struct_st_plugin_");
  plugin = dlsym(library, "_mysql_plugin_declarations_");
  if (version == NULL || *version >> 8 != 1 || size == NULL || *size != 112 || plugin == NULL) die("symbols");
  link_services();
  if (plugin[0].type != 10 || plugin[0].flags != 4 || plugin[1].info != NULL) die("declaration");
  keyring = plugin->info;
  if (keyring->interface_version != 0x0101) die("interface version");
  struct system_variable *v = plugin->system_variables[0];
  if (strcmp(v->name, "conf_dir") != 0 || plugin->system_variables[1] != NULL) die("variables");
  *v->variable = strdup(option != NULL ? option : v->initial);
  printf("init %s %d\n", plugin->name, plugin->init(self));
}

int plugin_is_open(void) { return plugin != NULL; }

int plugin_deinit(void) {
  char **value = plugin->system_variables[0]->variable;
  int rc = plugin->deinit(self);
  free(*value);
  dlclose(library);
  plugin = NULL;
  if (blocks != 0) die("memory was not given back");
  return rc;
}

/* value_text may answer in the caller's buffer or in memory of its own. */
static const char *new_value;
static const char *value_text(struct value *v, char *buffer, int *length) {
  (void)v;
  if (new_value == NULL) return NULL;
  snprintf(buffer, (size_t)*length, "%s", new_value);
  *length = (int)strlen(buffer);
  return buffer;
}

void plugin_set(const char *value, int commit) {
  struct system_variable *v = plugin->system_variables[0];
  struct value sql = {.text = value_text};
  new_value = value;
  const char *save = NULL;
  int refused = v->check(of_statement, v, &save, &sql);
  if (!refused && commit) {
    char *old = *v->variable;
    const char *copy = strdup(save);
    v->update(of_statement, v, v->variable, &copy);
    free(old);
  }
  end_statement();
  printf("set %s, it is '%s'\n", refused ? "refused" : "done", *v->variable);
}

struct fetched {
  void *data;
  char *type;
  size_t size;
};

static int reader_init(const char *id, const char *owner, void **handle) {
  struct fetched *f = malloc(sizeof *f);
  memset(f, 0xee, sizeof *f);
  *handle = NULL;
  bool failed = keyring->fetch(id, &f->type, owner, &f->data, &f->size);
  if (!failed && f->data != NULL) {
    *handle = f;
    return 0;
  }
  if (f->data != NULL || f->type != NULL || f->size != 0) die("fetch left something");
  free(f);
  return failed;
}
static int reader_deinit(void *handle) {
  struct fetched *f = handle;
  if (f == NULL) return 1;
  release(f->data);
  release(f->type);
  free(f);
  return 0;
}
static int reader_length(void *handle, size_t *data_size, size_t *type_size) {
  struct fetched *f = handle;
  *data_size = f->size;
  *type_size = strlen(f->type);
  return 0;
}
static int reader_fetch(void *handle, unsigned char *data, size_t data_capacity, size_t *data_size, char *type,
                        size_t type_capacity, size_t *type_size) {
  struct fetched *f = handle;
  reader_length(f, data_size, type_size);
  if (data_capacity < *data_size || type_capacity < *type_size) return 1;
  memcpy(data, f->data, *data_size);
  memcpy(type, f->type, *type_size);
  return 0;
}

static int writer_store(const char *id, const char *owner, const unsigned char *data, size_t size, const char *type) {
  return keyring->store(id, type, owner, data, size);
}
static int writer_remove(const char *id, const char *owner) { return keyring->remove(id, owner); }
static int generator_generate(const char *id, const char *owner, const char *type, size_t size) {
  return keyring->generate(id, type, owner, size);
}

/* The probe of performance_schema and of InnoDB. */
static int status_is_initialized(void) {
  void *data;
  char *type;
  size_t size;
  return !keyring->fetch("dummy_daemon_proxy_keyring_id", &type, NULL, &data, &size);
}

struct walk {
  void *it;
  char id[256], owner[256];
  int valid;
};
static int keys_next(void *handle) {
  struct walk *w = handle;
  if (!w->valid) return 1;
  w->valid = !keyring->iterator_get(w->it, w->id, w->owner);
  return 0;
}
static int keys_init(void **handle) {
  struct walk *w = calloc(1, sizeof *w);
  keyring->iterator_init(&w->it);
  if (w->it == NULL) {
    free(w);
    return 1;
  }
  w->valid = 1;
  *handle = w;
  return keys_next(w);
}
static int keys_deinit(void *handle) {
  struct walk *w = handle;
  if (w == NULL) return 1;
  keyring->iterator_deinit(w->it);
  free(w);
  return 0;
}
static int keys_is_valid(void *handle) { return ((struct walk *)handle)->valid; }
static int keys_length(void *handle, size_t *id, size_t *owner) {
  struct walk *w = handle;
  *id = strlen(w->id);
  *owner = strlen(w->owner);
  return 0;
}
static int keys_get(void *handle, char *id, size_t id_size, char *owner, size_t owner_size) {
  struct walk *w = handle;
  snprintf(id, id_size, "%s", w->id);
  snprintf(owner, owner_size, "%s", w->owner);
  return 0;
}

const struct keyring_reader_with_status plugin_reader = {reader_init, reader_deinit, reader_length, reader_fetch};
const struct keyring_writer plugin_writer = {writer_store, writer_remove};
const struct keyring_generator plugin_generator = {generator_generate};
const struct keyring_component_status plugin_status = {status_is_initialized};
const struct keyring_keys_metadata_iterator plugin_keys = {keys_init,     keys_deinit, keys_is_valid,
                                                           keys_next, keys_length, keys_get};
