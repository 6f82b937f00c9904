/*
 * wt_abi.h - what WiredTiger expects of an encryptor, 3.2 to 11.3.
 *
 * These are facts about a binary interface, written down in our own words: the order of
 * the members is what counts. WiredTiger calls through tables of pointers, and ours are
 * called likewise, so nothing is linked. The tables have moved between releases; an
 * entry point for each knows its slots.
 */
#ifndef WT_ABI_H
#define WT_ABI_H

#include <stddef.h>
#include <stdint.h>

struct encryptor {
  /* dst has src_size + the size that sizing() gives, and src_size for decrypt. 0, or an errno. */
  int (*encrypt)(struct encryptor *self, void *session, uint8_t *src, size_t src_size, uint8_t *dst,
                 size_t dst_size, size_t *result);
  int (*decrypt)(struct encryptor *self, void *session, uint8_t *src, size_t src_size, uint8_t *dst,
                 size_t dst_size, size_t *result);
  int (*sizing)(struct encryptor *self, void *session, size_t *expansion);
  /* Once for each keyid of a connection; *custom is terminated by WiredTiger. */
  int (*customize)(struct encryptor *self, void *session, void *config, struct encryptor **custom);
  int (*terminate)(struct encryptor *self, void *session);
};

struct config_item {
  const char *text; /* not terminated */
  size_t length;
  int64_t number;
  int type;
};

/* The part of the extension interface that we use, by its slots. */
enum { API_CONNECTION = 0, API_ERR_PRINTF = 1, API_CONFIG_GET = 9 };
typedef int err_printf_fn(void *api, void *session, const char *format, ...);
typedef int config_get_fn(void *api, void *session, void *config, const char *key, struct config_item *item);

/* The part of a connection. */
typedef void *get_extension_api_fn(void *connection);
typedef int add_encryptor_fn(void *connection, const char *name, struct encryptor *encryptor, const char *config);

#endif
