/*
 * component.c - the entry point of a MySQL keyring component.
 *
 * The component is thin: it holds MySQL's structures and passes every call on to
 * libdbkeyring.so, which core.c loads. All keyring components of ours are built
 * from these files, each with its own name.
 */
#include "shim.h"

static struct registry *registry;

/* Short: the server cuts the text of an error. */
#define CURE                                                                   \
  "use the manifest file instead: write {\"components\": \"file://" COMPONENT_NAME \
  "\"} into mysqld.my beside mysqld and restart the server"

/* refuse tells the user's session and the error log why there is no installing. */
static void refuse(int error_id, ...) {
  struct mysql_runtime_error *errors = NULL;
  if (registry->acquire("mysql_runtime_error", (void **)&errors) != 0 || errors == NULL) return;
  va_list arguments;
  va_start(arguments, error_id);
  errors->emit(error_id, 0, arguments);
  va_end(arguments);
  registry->release(errors);
}

/* The server calls this for a manifest and for INSTALL COMPONENT alike. */
static int component_init(void) {
  log_acquire(registry);
  if (!server_is_up()) return 0;
  log_line(NULL, LOG_ERROR, "INSTALL COMPONENT is too late for a keyring: " CURE ".");
  refuse(ER_CANT_INITIALIZE_UDF, COMPONENT_NAME, CURE);
  log_release(registry);
  return 1;
}

/* It runs in the launcher of mysqld --daemonize too, where nothing was opened. */
static int component_deinit(void) {
  core_close();
  log_release(registry);
  return 0;
}

#define SERVICE(name, implementation) {#name "." COMPONENT_NAME, &implementation}

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

static const struct component component = {COMPONENT_NAME, provides,       needs, about,
                                           component_init, component_deinit};

__attribute__((visibility("default"))) const struct component *list_components(void) {
  return &component;
}
