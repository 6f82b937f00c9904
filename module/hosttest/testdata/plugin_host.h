/* plugin_host.h - plugin_host.c for host.c. */
#ifndef PLUGIN_HOST_H
#define PLUGIN_HOST_H

#include "../../mysql/mysql_abi.h"
#include "../../mysql/plugin_abi.h"

/* host.c */
void die(const char *what);
extern struct registry registry;

/* plugin_host.c: INSTALL PLUGIN, UNINSTALL PLUGIN, SET GLOBAL. */
void plugin_open(const char *path, const char *option);
int plugin_is_open(void);
int plugin_deinit(void);
void plugin_set(const char *value, int commit); /* not commit: as SET PERSIST_ONLY */

extern const struct keyring_reader_with_status plugin_reader;
extern const struct keyring_writer plugin_writer;
extern const struct keyring_generator plugin_generator;
extern const struct keyring_component_status plugin_status;
extern const struct keyring_keys_metadata_iterator plugin_keys;

#endif
