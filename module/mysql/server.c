/*
 * server.c - what mysqld tells about itself.
 *
 * mysqld exports its variables to the libraries that it loads. Neither argv nor
 * the option files are a reliable source of the same: an option may be shortened,
 * negated, or come from a file. Another host, such as mysql_migrate_keyring, has
 * none of the variables: the answer is no.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>

#include "shim.h"

static int is_set(const char *variable) {
  const volatile unsigned char *value = dlsym(RTLD_DEFAULT, variable);
  return value != NULL && *value != 0;
}

int server_is_up(void) { return is_set("mysqld_server_started"); }
int server_shows_help(void) { return is_set("opt_help"); }
int server_checks_options(void) { return is_set("opt_validate_config"); }
int server_initializes(void) { return is_set("opt_initialize"); }

int server_is_mysqld(void) { return dlsym(RTLD_DEFAULT, "mysqld_server_started") != NULL; }

int server_migrates(void) {
  const char *const *source = dlsym(RTLD_DEFAULT, "opt_keyring_migration_source");
  return source != NULL && *source != NULL;
}

/* The head of an entry in the server's table of early options. */
struct option_head {
  const char *name;
  int id;
  const char *comment;
  const unsigned char *value; /* of a bool option */
};

int server_will_fork(void) {
  const struct option_head *first = dlsym(RTLD_DEFAULT, "my_long_early_options");
  return first != NULL && first->name != NULL && strcmp(first->name, "daemonize") == 0 &&
         first->value != NULL && *first->value != 0;
}
