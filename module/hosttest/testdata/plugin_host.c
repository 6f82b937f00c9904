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

static struct system_variable *find(const char *name) {
  struct system_variable **v = plugin->system_variables;
  while (name != NULL && *v != NULL && strcmp((*v)->name, name) != 0) v++;
  if (*v == NULL) die(name);
  return *v;
}

static void give(const char *name, const char *value) {
  char **variable = find(name)->variable;
  free(*variable);
  *variable = strdup(value);
}

/* set_options does what the server's command line does. */
static void set_options(const char *options) {
  if (options == NULL) return;
  if (strchr(options, '=') == NULL) {
    give(NULL, options);
    return;
  }
  char *copy = strdup(options);
  for (char *name = strtok(copy, ","); name != NULL; name = strtok(NULL, ",")) {
    char *value = strchr(name, '=');
    *value = '\0';
    give(name, value + 1);
  }
  free(copy);
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
  struct system_variable **all = plugin->system_variables;
  if (strcmp(plugin->name, "keyring_okv") == 0 && (strcmp((*all)->name, "conf_dir") != 0 || all[1] != NULL)) die("variables");
  for (; *all != NULL; all++) *(*all)->variable = strdup((*all)->initial);
  set_options(option);
  printf("init %s %d\n", plugin->name, plugin->init(self));
}

int plugin_is_open(void) { return plugin != NULL; }

int plugin_deinit(void) {
  int rc = plugin->deinit(self);
  for (struct system_variable **v = plugin->system_variables; *v != NULL; v++) free(*(*v)->variable);
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
  if (strlen(new_value) >= (size_t)*length) {
    *length = (int)strlen(new_value);
    return new_value;
  }
  snprintf(buffer, (size_t)*length, "%s", new_value);
  *length = (int)strlen(buffer);
  return buffer;
}

/* checked does the first half of a SET statement: NULL if it is refused. */
static const char *checked(struct system_variable *v, const char *value) {
  struct value sql = {.text = value_text};
  const char *save = NULL;
  new_value = value;
  if (v->check == NULL) die("a variable that cannot be set");
  return v->check(of_statement, v, &save, &sql) == 0 ? save : NULL;
}

/* updated does the second. */
static void updated(struct system_variable *v, const char *save) {
  char *old = *v->variable;
  const char *copy = strdup(save);
  v->update(of_statement, v, v->variable, &copy);
  free(old);
}

void plugin_set(const char *name, const char *value, int commit) {
  struct system_variable *v = find(name);
  const char *save = checked(v, value);
  if (save != NULL && commit) updated(v, save);
  end_statement();
  printf("set %s, it is '%s'\n", save == NULL ? "refused" : "done", *v->variable);
}

void plugin_set_two(const char *name, const char *value, const char *name2, const char *value2) {
  struct system_variable *v = find(name), *v2 = find(name2);
  const char *save = checked(v, value), *save2 = save != NULL ? checked(v2, value2) : NULL;
  if (save2 != NULL) {
    updated(v, save);
    updated(v2, save2);
  }
  end_statement();
  printf("set %s, they are '%s' and '%s'\n", save2 == NULL ? "refused" : "done", *v->variable, *v2->variable);
}

/* Whether the user of a statement has SUPER, for the command "set". */
#pragma GCC visibility push(default)
unsigned char user_has_super = 1;
#pragma GCC visibility pop

static int current_thread(void **thd) { return *thd = of_statement, 0; }
static int context_of(void *thd, void **context) { return *context = &user_has_super, thd != of_statement; }
static int context_option(void *context, const char *name, void *value) {
  if (context != &user_has_super || strcmp(name, "privilege_super") != 0) return 1;
  return *(char *)value = (char)user_has_super, 0;
}
static struct mysql_current_thread_reader threads = {current_thread};
static struct mysql_thd_security_context contexts = {context_of, NULL};
static struct mysql_security_context_options context_options = {context_option, NULL};

int plugin_acquire(const char *name, void **service) {
  if (strcmp(name, "mysql_current_thread_reader") == 0) return *service = &threads, 0;
  if (strcmp(name, "mysql_thd_security_context") == 0) return *service = &contexts, 0;
  if (strcmp(name, "mysql_security_context_options") == 0) return *service = &context_options, 0;
  return 1;
}

static void *function_of(const char *name, const char *part) {
  char symbol[256];
  snprintf(symbol, sizeof symbol, "%s%s", name, part);
  void *f = dlsym(library, symbol);
  if (f == NULL) die(symbol);
  return f;
}

void plugin_call(const char *name, unsigned count) {
  bool (*init)(struct udf_init *, struct udf_arguments *, char *) = function_of(name, "_init");
  void (*deinit)(struct udf_init *) = function_of(name, "_deinit");
  long long (*call)(struct udf_init *, struct udf_arguments *, unsigned char *, unsigned char *) = function_of(name, "");
  struct udf_init function = {.const_item = count == 0};
  struct udf_arguments arguments = {.count = count};
  char why[UDF_MESSAGE] = "";
  if (init(&function, &arguments, why)) {
    printf("call %s: refused: %s\n", name, why);
    return;
  }
  if (!function.maybe_null || function.const_item) die("a function whose result may be taken for another");
  unsigned char is_null = 0, error = 0;
  long long result = call(&function, &arguments, &is_null, &error);
  if (is_null != error) die("NULL without an error");
  deinit(&function);
  if (is_null) printf("call %s: NULL\n", name);
  else printf("call %s: %lld\n", name, result);
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
