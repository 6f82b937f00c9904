/* plugin.h - the parts of a keyring plugin among themselves. */
#ifndef PLUGIN_H
#define PLUGIN_H

#include <limits.h>

#include "plugin_abi.h"
#include "shim.h"

#define EXPORT __attribute__((visibility("default")))

enum { TEXT_ROOM = PATH_MAX }; /* for the value of a variable */

extern struct thd_alloc_service *thd_alloc_service;
extern struct plugin_registry_service *plugin_registry_service;

/* plugin_<name>.c: what differs between the plugins. */
extern const char plugin_description[];
extern struct system_variable *plugin_variables[]; /* ends with NULL */
int plugin_start(void); /* loads the keyring; what it returns is what the plugin's init does */

/* without_full_stop readies a reason for an error of the server's, which ends with one. */
void without_full_stop(char *text);

/* refuse_set ends a SET statement with a reason. It returns 1. */
int refuse_set(const char *variable, const char *why);

/*
 * set_text copies the value of a SET statement to where it lives as long as the
 * statement. NULL: there is none, which is told the user with the text `empty`, or it
 * cannot be.
 */
char *set_text(void *thd, struct value *value, const char *variable, const char *empty);

#endif
