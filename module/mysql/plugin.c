/*
 * plugin.c - the entry points of a MySQL keyring plugin.
 *
 * A plugin is the older interface of the same server: its table of functions
 * stands here on the services of a component. What is peculiar to one plugin, its
 * system variables above all, is in plugin_<name>.c.
 */
#include "plugin.h"

#include <stdio.h>
#include <string.h>

/* The services that we need, with their versions. */
EXPORT struct mysql_malloc_service *mysql_malloc_service = (void *)0x0100;
EXPORT struct my_plugin_log_service *my_plugin_log_service = (void *)0x0100;
EXPORT struct thd_alloc_service *thd_alloc_service = (void *)0x0100;
EXPORT struct plugin_registry_service *plugin_registry_service = (void *)0x0100;
/*
 * And one that we do not: MySQL 5.7, whose plugins have another struct, offers
 * its version 1 and refuses a plugin that wants a newer one. Later servers have
 * no such service and do not look.
 */
EXPORT void *my_snprintf_service = (void *)0x0200;

static void *plugin; /* the server's handle of this plugin */

static void log_plugin(int severity, const char *line) {
  my_plugin_log_service->message(&plugin, severity - LOG_ERROR, "%s", line);
}

static bool key_store(const char *id, const char *type, const char *owner, const void *data, size_t size) {
  return writer_service.store(id, owner, data, size, type) != 0;
}

static bool key_remove(const char *id, const char *owner) {
  return writer_service.remove(id, owner) != 0;
}

static bool key_generate(const char *id, const char *type, const char *owner, size_t size) {
  return generator_service.generate(id, owner, type, size) != 0;
}

/*
 * The server asks for a key of this name, which nobody has, to learn whether the
 * keyring works: before much of what it does, so that no key server is asked.
 */
static bool is_probe(const char *id, const char *owner) {
  return (owner == NULL || *owner == '\0') && strcmp(id, "dummy_daemon_proxy_keyring_id") == 0;
}

/* copy_key moves a reader's key into memory that the server can free. */
static bool copy_key(void *reader, char **type, void **data, size_t *size) {
  size_t type_size;
  if (reader_service.fetch_length(reader, size, &type_size) != 0) return true;
  *data = mysql_malloc_service->allocate(0, *size, 0);
  *type = mysql_malloc_service->allocate(0, type_size + 1, 0);
  if (*data != NULL && *type != NULL &&
      reader_service.fetch(reader, *data, *size, size, *type, type_size + 1, &type_size) == 0)
    return false; /* fetch has filled the type's room with zeros */
  if (*data != NULL) mysql_malloc_service->release(*data);
  if (*type != NULL) mysql_malloc_service->release(*type);
  *data = *type = NULL;
  *size = 0;
  return true;
}

static bool key_fetch(const char *id, char **type, const char *owner, void **data, size_t *size) {
  if (id == NULL || type == NULL || data == NULL || size == NULL) return true;
  *type = NULL;
  *data = NULL;
  *size = 0;
  if (is_probe(id, owner)) return !status_service.is_initialized();
  void *reader;
  if (reader_service.init(id, owner, &reader) != 0) return true;
  if (reader == NULL) return false;
  bool failed = copy_key(reader, type, data, size);
  reader_service.deinit(reader);
  return failed;
}

static void iterator_init(void **it) {
  if (it != NULL && keys_service.init(it) != 0) *it = NULL;
}

static void iterator_deinit(void *it) { keys_service.deinit(it); }

/*
 * The server does not say how much room it has: 256 bytes at the least, in
 * performance_schema.keyring_keys. No name that we store is longer, so that what
 * is left out here is not ours.
 */
static bool iterator_get(void *it, char *id, char *owner) {
  enum { ROOM = 256 };
  if (id == NULL || owner == NULL) return true;
  for (; keys_service.is_valid(it); keys_service.next(it)) {
    size_t id_length, owner_length;
    keys_service.get_length(it, &id_length, &owner_length);
    if (id_length >= ROOM || owner_length >= ROOM) continue;
    keys_service.get(it, id, id_length + 1, owner, owner_length + 1);
    keys_service.next(it);
    return false;
  }
  return true;
}

void without_full_stop(char *text) {
  size_t length = strlen(text);
  if (length > 0 && text[length - 1] == '.') text[length - 1] = '\0';
}

int refuse_set(const char *variable, const char *why) {
  char set[80], text[400];
  snprintf(set, sizeof set, "SET %s", variable);
  snprintf(text, sizeof text, "%s", why);
  without_full_stop(text);
  struct registry *registry = plugin_registry_service->acquire();
  if (registry != NULL) {
    raise_error(registry, ER_FAILED_DUE_TO, set, text);
    plugin_registry_service->release(registry);
  }
  return 1; /* without an error of ours the server has one of its own */
}

char *set_text(void *thd, struct value *value, const char *variable, const char *empty) {
  char buffer[TEXT_ROOM];
  int length = sizeof buffer;
  const char *text = value->text(value, buffer, &length);
  if (text == NULL || length <= 0) {
    refuse_set(variable, empty);
    return NULL;
  }
  if (length >= TEXT_ROOM || memchr(text, '\0', (size_t)length) != NULL) {
    refuse_set(variable, "the value is too long, or has a NUL byte");
    return NULL;
  }
  return thd_alloc_service->copy_text(thd, text, (size_t)length);
}

/* The server has not checked the values of its options. */
static int plugin_init(void *self) {
  plugin = self;
  log_to(log_plugin);
  int failed = server_shows_help() ? 0 : plugin_start();
  if (failed) {
    core_close();
    log_to(NULL);
  }
  return failed;
}

/* The file is unmapped after this: what is here is lost, the library stays. */
static int plugin_deinit(void *self) {
  (void)self;
  core_close();
  log_to(NULL);
  return 0;
}

static const struct st_keyring keyring = {
    KEYRING_INTERFACE, key_store,       key_fetch,    key_remove,
    key_generate,      iterator_init,   iterator_deinit, iterator_get};

EXPORT int _mysql_plugin_interface_version_ = PLUGIN_INTERFACE;
EXPORT int _mysql_sizeof_struct_st_plugin_ = sizeof(struct st_plugin);
EXPORT struct st_plugin _mysql_plugin_declarations_[] = {
    {
        .type = PLUGIN_TYPE_KEYRING,
        .info = &keyring,
        .name = KEYRING_NAME,
        .author = "dbkeyring",
        .description = plugin_description,
        .license = PLUGIN_LICENSE_BSD,
        .init = plugin_init,
        .deinit = plugin_deinit,
        .version = 0x0100,
        .system_variables = plugin_variables,
        .flags = PLUGIN_MAY_LOAD_EARLY,
    },
    {0},
};
