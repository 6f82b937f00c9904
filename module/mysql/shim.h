/* shim.h - the parts of a component or a plugin among themselves. */
#ifndef SHIM_H
#define SHIM_H

#include <signal.h>

#include "../core/dbkeyring.h"
#include "mysql_abi.h"

/* The keyring's name, which is also its file's name: -DKEYRING=name. */
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#define KEYRING_NAME TEXT(KEYRING)

/* component.c or plugin_<name>.c: what differs between the modules. */
struct kind {
  const char *reload;    /* the statement that loads the keyring again */
  int loads_before_fork; /* under mysqld --daemonize */
};
extern const struct kind kind;

/* log.c: lines for the server's error log, and the error of a statement. */
typedef void log_sink(int severity, const char *line);
void log_to(log_sink *sink); /* NULL: stderr */
void log_line(void *unused, int severity, const char *line);
void log_text(int severity, const char *format, ...) __attribute__((format(printf, 2, 3)));
void raise_error(struct registry *registry, int error_id, ...);

/* server.c: what mysqld tells about itself in exported variables. */
int server_is_up(void);          /* past its start: INSTALL COMPONENT */
int server_will_fork(void);      /* --daemonize */
int server_shows_help(void);     /* --help */
int server_checks_options(void); /* --validate-config */
int server_initializes(void);    /* --initialize */
int server_is_mysqld(void);      /* and not a tool, such as mysql_migrate_keyring */
int server_migrates(void);       /* --keyring-migration-source */

/* core.c: libdbkeyring.so. What returns an int returns a code of enum dbk_code. */
struct core {
  __typeof__(dbk_abi) *abi;
  __typeof__(dbk_open) *open;
  __typeof__(dbk_load) *load;
  __typeof__(dbk_stage) *stage;
  __typeof__(dbk_commit) *commit;
  __typeof__(dbk_ready) *ready;
  __typeof__(dbk_close) *close;
  __typeof__(dbk_fetch) *fetch;
  __typeof__(dbk_store) *store;
  __typeof__(dbk_generate) *generate;
  __typeof__(dbk_remove) *remove;
  __typeof__(dbk_rotate) *rotate;
  __typeof__(dbk_native_id) *native_id;
  __typeof__(dbk_snapshot_keys) *snapshot_keys;
  __typeof__(dbk_snapshot_status) *snapshot_status;
  __typeof__(dbk_snapshot_take) *snapshot_take;
  __typeof__(dbk_aes) *aes;
  __typeof__(dbk_aes_size) *aes_size;
  dbk_handle instance;
};

int core_load(const char *component_path, const char *instance_path, unsigned flags);
int core_stage(const char *component_path, char *reason, size_t capacity);
int core_commit(const char *component_path);
int core_rotate(int what, char *reason, size_t capacity);
void core_close(void);

/*
 * core_enter readies this thread for calls of the core, or returns NULL when
 * there is none to call. core_leave undoes it.
 */
const struct core *core_enter(sigset_t *saved);
void core_leave(const sigset_t *saved);

/* services.c: the implementations, in the order of mysql_abi.h. */
extern const struct keyring_load load_service;
extern const struct keyring_component_status status_service;
extern const struct keyring_reader_with_status reader_service;
extern const struct keyring_writer writer_service;
extern const struct keyring_generator generator_service;
extern const struct keyring_aes aes_service;
extern const struct mysql_keyring_native_key_id native_key_id_service;
/* lists.c: the two that walk a list. */
extern const struct keyring_component_metadata_query metadata_service;
extern const struct keyring_keys_metadata_iterator keys_service;

#endif
