/*
 * extension.c - the entry points of a WiredTiger extension, and its encryptor.
 *
 *   extensions=[/usr/lib/dbkeyring/dbkeyring_wiredtiger.so={entry=dbkeyring_wt_11_3,
 *     early_load=true,config={path="/etc/mongod.conf"}}],encryption=(name=dbkeyring,keyid="system")
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "library.h"
#include "wt_abi.h"

#define EXPORT __attribute__((visibility("default")))
#define NAME "dbkeyring"

enum { WHY = 2000 };

/* An encryptor of ours: the base one of a database, or one of a keyid. */
struct ours {
  struct encryptor face; /* the first member: WiredTiger has pointers to it */
  const struct library *library;
  void **api;
  dbk_handle database, cipher; /* 0 is none */
  size_t expansion;
};

static void complain(void **api, void *session, const char *what) {
  err_printf_fn *print = (err_printf_fn *)api[API_ERR_PRINTF];
  (void)print(api, session, NAME ": %s", what);
}

/* Notes have no place in WiredTiger but on standard output, which is the program's. */
static void log_line(void *api, int severity, const char *line) {
  if (severity != DBK_NOTE) complain(api, NULL, line);
}

static int encrypt(struct encryptor *self, void *session, uint8_t *src, size_t src_size, uint8_t *dst,
                   size_t dst_size, size_t *result) {
  struct ours *o = (struct ours *)self;
  (void)session;
  sigset_t saved;
  int entered = library_enter(&saved);
  int code = o->library->encrypt(o->cipher, src, src_size, dst, dst_size, result);
  library_leave(entered, &saved);
  return code == DBK_OK ? 0 : EIO;
}

static int decrypt(struct encryptor *self, void *session, uint8_t *src, size_t src_size, uint8_t *dst,
                   size_t dst_size, size_t *result) {
  struct ours *o = (struct ours *)self;
  (void)session;
  sigset_t saved;
  int entered = library_enter(&saved);
  int code = o->library->decrypt(o->cipher, src, src_size, dst, dst_size, result);
  library_leave(entered, &saved);
  return code == DBK_OK ? 0 : EIO;
}

static int sizing(struct encryptor *self, void *session, size_t *expansion) {
  (void)session;
  *expansion = ((struct ours *)self)->expansion;
  return 0;
}

/* EPERM leaves the database as it is; anything later would end in "try to salvage". */
static int customize(struct encryptor *self, void *session, void *config, struct encryptor **custom) {
  struct ours *base = (struct ours *)self;
  config_get_fn *get = (config_get_fn *)base->api[API_CONFIG_GET];
  struct config_item keyid;
  char why[WHY] = "";
  if (get(base->api, session, config, "keyid", &keyid) != 0 || keyid.length == 0) {
    complain(base->api, session, "encryption has no keyid: write encryption=(name=" NAME ",keyid=...)");
    return EINVAL;
  }
  struct ours *o = malloc(sizeof *o);
  if (o == NULL) return ENOMEM;
  *o = *base;
  o->database = 0; /* the base one closes it */
  sigset_t saved;
  int entered = library_enter(&saved);
  int code = base->library->customize(base->database, keyid.text, keyid.length, &o->cipher, &o->expansion, why, sizeof why);
  library_leave(entered, &saved);
  if (code != DBK_OK) {
    complain(base->api, session, why);
    free(o);
    return EPERM;
  }
  *custom = &o->face;
  return 0;
}

static int terminate(struct encryptor *self, void *session) {
  struct ours *o = (struct ours *)self;
  (void)session;
  sigset_t saved;
  int entered = library_enter(&saved);
  if (o->cipher != 0) o->library->release(o->cipher);
  if (o->database != 0) o->library->close(o->database);
  library_leave(entered, &saved);
  free(o);
  return 0;
}

/* start opens the database's key store and hands the encryptor over. */
static int start(void *connection, void *config, int get_api_slot, int add_slot) {
  void **slots = connection;
  get_extension_api_fn *get_api = (get_extension_api_fn *)slots[get_api_slot];
  void **api = get_api(connection);
  if (api == NULL || api[API_CONNECTION] != connection) return EINVAL; /* another release */
  char why[WHY] = "", *path = NULL;
  const struct library *library = library_load(why, sizeof why);
  if (library == NULL) {
    complain(api, NULL, why);
    return EPERM;
  }
  struct config_item item;
  config_get_fn *get = (config_get_fn *)api[API_CONFIG_GET];
  if (config != NULL && get(api, NULL, config, "path", &item) == 0 && item.length > 0)
    path = strndup(item.text, item.length);
  struct ours *o = calloc(1, sizeof *o);
  if (o == NULL) return ENOMEM;
  *o = (struct ours){{encrypt, decrypt, sizing, customize, terminate}, library, api, 0, 0, 0};
  sigset_t saved;
  pthread_sigmask(SIG_SETMASK, NULL, &saved);
  unsigned flags = sigismember(&saved, SIGTERM) == 1 ? DBK_WT_BLOCKS_SIGTERM : 0;
  int entered = library_enter(&saved);
  int code = library->open(path != NULL ? path : "", flags, log_line, api, &o->database, why, sizeof why);
  library_leave(entered, &saved);
  free(path);
  if (code != DBK_OK) {
    complain(api, NULL, why);
    free(o);
    return EPERM;
  }
  add_encryptor_fn *add = (add_encryptor_fn *)slots[add_slot];
  int failed = add(connection, NAME, &o->face, NULL);
  if (failed != 0) terminate(&o->face, NULL);
  return failed;
}

/* WiredTiger 3.2 and 3.3: Debian's, MongoDB 4.2. */
EXPORT int dbkeyring_wt_3_2(void *connection, void *config) { return start(connection, config, 19, 16); }
/* 10.0 to 11.2: MongoDB 4.4 to 7.0. */
EXPORT int dbkeyring_wt_10_0(void *connection, void *config) { return start(connection, config, 19, 14); }
/* 11.3: MongoDB 8.0. */
EXPORT int dbkeyring_wt_11_3(void *connection, void *config) { return start(connection, config, 20, 15); }
/* Without entry=. */
EXPORT int wiredtiger_extension_init(void *connection, void *config) { return dbkeyring_wt_3_2(connection, config); }
