/*
 * component.c - the entry point of a MySQL keyring component.
 *
 * The component is thin: it holds MySQL's structures and passes every call on to
 * libdbkeyring.so, which core.c loads. All keyring components of ours are built
 * from these files, each with its own name.
 */
#include <stdio.h>

#include "shim.h"

const struct kind kind = {.reload = "ALTER INSTANCE RELOAD KEYRING", .loads_before_fork = 1};

static struct registry *registry;
static struct mysql_simple_error_log *server_log;

static void log_simple(int severity, const char *line) {
  char text[8000]; /* the server's own limit is 8192 */
  snprintf(text, sizeof text, KEYRING_NAME ": %s", line);
  server_log->emit("Keyring", "component", 0, severity, ER_LOG_PRINTF_MSG, text);
}

/*
 * The service is not among the component's needs, since mysql_migrate_keyring
 * has none and servers before 8.0.37 have none.
 */
static void log_acquire(void) {
  if (server_log == NULL &&
      registry->acquire("mysql_simple_error_log", (void **)&server_log) != 0)
    server_log = NULL;
  log_to(server_log != NULL ? log_simple : NULL);
}

static void log_release(void) {
  log_to(NULL);
  if (server_log != NULL) registry->release(server_log);
  server_log = NULL;
}

/* Short: the server cuts the text of an error. */
#define CURE                                                                   \
  "use the manifest file instead: write {\"components\": \"file://" KEYRING_NAME \
  "\"} into mysqld.my beside mysqld and restart the server"

/* The server calls this for a manifest and for INSTALL COMPONENT alike. */
static int component_init(void) {
  log_acquire();
  if (!server_is_up()) return 0;
  log_line(NULL, LOG_ERROR, "INSTALL COMPONENT is too late for a keyring: " CURE ".");
  raise_error(registry, ER_CANT_INITIALIZE_UDF, KEYRING_NAME, CURE);
  log_release();
  return 1;
}

/* It runs in the launcher of mysqld --daemonize too, where nothing was opened. */
static int component_deinit(void) {
  core_close();
  log_release();
  return 0;
}

#define SERVICE(name, implementation) {#name "." KEYRING_NAME, &implementation}

static const struct service_ref provides[] = {
    SERVICE(keyring_load, load_service),
    SERVICE(keyring_component_status, status_service),
    SERVICE(keyring_component_metadata_query, metadata_service),
    SERVICE(keyring_reader_with_status, reader_service),
    SERVICE(keyring_writer, writer_service),
    SERVICE(keyring_generator, generator_service),
    SERVICE(keyring_keys_metadata_iterator, keys_service),
    SERVICE(keyring_aes, aes_service),
    SERVICE(mysql_keyring_native_key_id, native_key_id_service),
    {NULL, NULL},
};

/* Only what mysql_migrate_keyring offers as well. */
static const struct service_need needs[] = {{"registry", (void **)&registry}, {NULL, NULL}};

static const struct metadata about[] = {
    {"mysql.author", "dbkeyring"}, {"mysql.license", "Apache-2.0"}, {NULL, NULL}};

static const struct component component = {KEYRING_NAME, provides,       needs, about,
                                           component_init, component_deinit};

__attribute__((visibility("default"))) const struct component *list_components(void) {
  return &component;
}
