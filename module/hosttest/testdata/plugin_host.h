/* plugin_host.h - plugin_host.c for host.c. */
#ifndef PLUGIN_HOST_H
#define PLUGIN_HOST_H

#include "../../mysql/mysql_abi.h"
#include "../../mysql/plugin_abi.h"

/* host.c */
void die(const char *what);
extern struct registry registry;

/* plugin_host.c: INSTALL PLUGIN, UNINSTALL PLUGIN, SET GLOBAL. */
/* option: the first variable's value, or NAME=VALUE,NAME=VALUE; NULL for the initial ones. */
void plugin_open(const char *path, const char *option);
int plugin_is_open(void);
int plugin_deinit(void);
/* name: NULL for the first variable; not commit: as SET PERSIST_ONLY. */
void plugin_set(const char *name, const char *value, int commit);
void plugin_set_two(const char *name, const char *value, const char *name2, const char *value2);
void plugin_call(const char *function, unsigned arguments);
int plugin_acquire(const char *name, void **service); /* of the services for a function */

extern const struct keyring_reader_with_status plugin_reader;
extern const struct keyring_writer plugin_writer;
extern const struct keyring_generator plugin_generator;
extern const struct keyring_component_status plugin_status;
extern const struct keyring_keys_metadata_iterator plugin_keys;

#endif
