/*
 * plugin_abi.h - what MySQL expects of a keyring plugin, 8.0 to 9.7.
 *
 * These are facts about a binary interface, written down in our own words: the
 * order of the members is what counts. The MySQL source has them in
 * include/mysql/plugin.h, plugin_keyring.h and service_*.h. A bool method returns
 * false for success.
 */
#ifndef PLUGIN_ABI_H
#define PLUGIN_ABI_H

#include <stdbool.h>
#include <stddef.h>

struct registry;

enum {
  PLUGIN_INTERFACE = 0x010B,
  PLUGIN_TYPE_KEYRING = 10,
  KEYRING_INTERFACE = 0x0101,
  PLUGIN_LICENSE_BSD = 2,   /* the one of the server's list that permits as much as ours */
  PLUGIN_MAY_LOAD_EARLY = 4 /* flag: --early-plugin-load */
};

struct st_plugin {
  int type;
  const void *info; /* struct st_keyring */
  const char *name, *author, *description;
  int license;
  int (*init)(void *self);
  int (*check_uninstall)(void *self);
  int (*deinit)(void *self);
  unsigned version;
  const void *status_variables;
  struct system_variable **system_variables; /* ends with NULL; the server writes into them */
  void *reserved;
  unsigned long flags;
};

struct st_keyring {
  int interface_version;
  bool (*store)(const char *id, const char *type, const char *owner, const void *data, size_t size);
  /* No such key: false, and *data is NULL. What is set is freed by the server. */
  bool (*fetch)(const char *id, char **type, const char *owner, void **data, size_t *size);
  bool (*remove)(const char *id, const char *owner);
  bool (*generate)(const char *id, const char *type, const char *owner, size_t size);
  void (*iterator_init)(void **it); /* failure: *it is NULL */
  void (*iterator_deinit)(void *it);
  bool (*iterator_get)(void *it, char *id, char *owner); /* true: no more */
};

/* A system variable that is a string. */
struct value {
  int (*type)(struct value *self);
  const char *(*text)(struct value *self, char *buffer, int *length); /* SQL NULL: NULL */
  int (*real)(struct value *self, double *out);
  int (*integer)(struct value *self, long long *out);
  int (*is_unsigned)(struct value *self);
};
struct system_variable {
  int flags;
  const char *name, *comment;
  /* check may refuse a statement's value; save gets a pointer that lives as long as the statement. */
  int (*check)(void *thd, struct system_variable *self, void *save, struct value *value);
  /* update cannot fail; the server frees the old value behind it. */
  void (*update)(void *thd, struct system_variable *self, void *variable, const void *save);
  char **variable;
  const char *initial;
};
enum {
  VARIABLE_STRING = 5,
  VARIABLE_READ_ONLY = 0x200,
  VARIABLE_NO_DEFAULT = 0x4000,       /* SET x = DEFAULT, which no check() sees, is refused */
  VARIABLE_SERVER_ALLOCATES = 0x8000,
  VARIABLE_PERSISTS_EARLY = 0x20000   /* SET PERSIST is in force for early plugins */
};

/* A function that SQL can call. */
struct udf_init {
  bool maybe_null;
  unsigned decimals;
  unsigned long max_length;
  char *memory;
  bool const_item; /* it may be computed beforehand */
  void *extension;
};
struct udf_arguments {
  unsigned count;
  int *types;
  char **values;
  unsigned long *lengths;
  char *maybe_null, **attributes;
  unsigned long *attribute_lengths;
  void *extension;
};
enum { UDF_MESSAGE = 512 }; /* room for what init() refuses with */

/* Services; the server puts each in the place of its version number. */
struct mysql_malloc_service {
  void *(*allocate)(unsigned psi_key, size_t size, int flags);
  void *(*reallocate)(unsigned psi_key, void *memory, size_t size, int flags);
  void (*claim)(const void *memory, bool claim);
  void (*release)(void *memory);
};
struct my_plugin_log_service {
  int (*message)(void **self, int level, const char *format, ...); /* 0 error, 1 warning, 2 note */
};
struct thd_alloc_service {
  void *(*allocate)(void *thd, size_t size);
  void *(*callocate)(void *thd, size_t size);
  char *(*copy_string)(void *thd, const char *text);
  char *(*copy_text)(void *thd, const char *text, size_t length);
};
struct plugin_registry_service {
  struct registry *(*acquire)(void);
  int (*release)(struct registry *registry);
};

#endif
