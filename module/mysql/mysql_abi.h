/*
 * mysql_abi.h - what MySQL expects of a keyring component, 8.0.24 to 9.7.
 *
 * These are facts about a binary interface, written down in our own words: the
 * order of the members is what counts. The MySQL source has them in
 * include/mysql/components/. All "int" methods return 0 for success unless a
 * comment says otherwise.
 */
#ifndef MYSQL_ABI_H
#define MYSQL_ABI_H

#include <stdarg.h>
#include <stddef.h>

/* The component and what it offers and needs; each list ends with zeros. */
struct service_ref {
  const char *name; /* "service.component" */
  const void *implementation;
};
struct service_need {
  const char *name;
  void **implementation; /* the loader fills it before init() */
};
struct metadata {
  const char *key, *value;
};
struct component {
  const char *name;
  const struct service_ref *provides;
  const struct service_need *needs;
  const struct metadata *metadata;
  int (*init)(void);
  int (*deinit)(void);
};

/* Services of the server. A handle from acquire is a pointer to the service. */
struct registry {
  int (*acquire)(const char *name, void **service);
  int (*acquire_related)(const char *name, void *service, void **related);
  int (*release)(void *service);
};
struct mysql_simple_error_log {
  int (*emit)(const char *subsystem, const char *file, unsigned long line, int severity,
              int error_id, ...);
};
struct mysql_runtime_error {
  void (*emit)(int error_id, int flags, va_list arguments);
};
struct mysql_current_thread_reader {
  int (*get)(void **thd);
};
struct mysql_thd_security_context {
  int (*get)(void *thd, void **context);
  int (*set)(void *thd, void *context);
};
struct mysql_security_context_options {
  int (*get)(void *context, const char *name, void *value); /* of "privilege_super": a char */
  int (*set)(void *context, const char *name, void *value);
};

/* Services of a keyring. */
struct keyring_load {
  int (*load)(const char *component_path, const char *instance_path);
};
struct keyring_component_status {
  int (*is_initialized)(void); /* 1: usable */
};
struct keyring_component_metadata_query {
  int (*init)(void **it);
  int (*deinit)(void *it);
  int (*is_valid)(void *it); /* 1: on a row */
  int (*next)(void *it);
  int (*get_length)(void *it, size_t *key_length, size_t *value_length); /* with NUL */
  int (*get)(void *it, char *key, size_t key_size, char *value, size_t value_size);
};
struct keyring_reader_with_status {
  int (*init)(const char *id, const char *owner, void **reader); /* no such key: 0 and NULL */
  int (*deinit)(void *reader);
  int (*fetch_length)(void *reader, size_t *data_size, size_t *type_size); /* without NUL */
  int (*fetch)(void *reader, unsigned char *data, size_t data_capacity, size_t *data_size,
               char *type, size_t type_capacity, size_t *type_size);
};
struct keyring_writer {
  int (*store)(const char *id, const char *owner, const unsigned char *data, size_t size,
               const char *type);
  int (*remove)(const char *id, const char *owner);
};
struct keyring_generator {
  int (*generate)(const char *id, const char *owner, const char *type, size_t size);
};
struct keyring_keys_metadata_iterator {
  int (*init)(void **it);
  int (*deinit)(void *it);
  int (*is_valid)(void *it); /* 1: on a key */
  int (*next)(void *it);
  int (*get_length)(void *it, size_t *id_length, size_t *owner_length); /* without NUL */
  int (*get)(void *it, char *id, size_t id_size, char *owner, size_t owner_size);
};
struct keyring_aes {
  int (*get_size)(size_t in_size, const char *mode, size_t key_bits, size_t *out_size);
  int (*encrypt)(const char *id, const char *owner, const char *mode, size_t key_bits,
                 const unsigned char *iv, int padding, const unsigned char *in, size_t in_size,
                 unsigned char *out, size_t capacity, size_t *out_size);
  int (*decrypt)(const char *id, const char *owner, const char *mode, size_t key_bits,
                 const unsigned char *iv, int padding, const unsigned char *in, size_t in_size,
                 unsigned char *out, size_t capacity, size_t *out_size);
};
struct mysql_keyring_native_key_id {
  int (*get_backend_key_id)(const char *id, const char *owner, char *native, size_t capacity);
};

/* Error numbers and severities of the server that we use. */
enum {
  ER_CANT_INITIALIZE_UDF = 1123, /* "Can't initialize function '%s'; %s" */
  ER_SPECIFIC_ACCESS_DENIED_ERROR = 1227, /* "Access denied; you need (...) the %s privilege(s) ..." */
  ER_FAILED_DUE_TO = 3198,       /* "Function %s failed due to: %s." */
  ER_LOG_PRINTF_MSG = 11071,     /* "%s" */
  LOG_ERROR = 1,
  LOG_WARNING = 2,
  LOG_NOTE = 3
};

#endif
