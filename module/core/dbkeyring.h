/*
 * dbkeyring.h - the C interface of libdbkeyring.so.
 *
 * The library keeps a database's keys on a key server. A thin shim per database
 * translates that database's interface into this one; see module/mysql.
 *
 * Rules
 *  - Load the library once, with all signals blocked, and never before a fork:
 *    it carries a Go runtime, whose threads do not survive in a child process.
 *    It cannot be unloaded.
 *  - Every function may be called from any thread, several at once.
 *  - Every function returns a code of enum dbk_code. DBK_OK is 0.
 *  - Strings end with a NUL byte; an owner of NULL or "" is the database itself.
 *  - Buffers belong to the caller. A function whose buffer is too small writes
 *    nothing into it, sets the sizes that are needed and returns DBK_TOO_SMALL.
 *  - Handles are numbers, never pointers; 0 is never one.
 *  - Log lines reach the host through the function given to dbk_open, on the
 *    thread of a call that is about to return. That function must not call the
 *    library.
 */
#ifndef DBKEYRING_H
#define DBKEYRING_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this interface; compare it with what dbk_abi() returns. */
#define DBK_ABI 3

enum dbk_code {
  DBK_OK = 0,
  DBK_NOT_FOUND = 1,   /* the key server said that there is no such key */
  DBK_EXISTS = 2,      /* such a key is there and was left as it is */
  DBK_READ_ONLY = 3,   /* nothing can be changed */
  DBK_UNREACHABLE = 4, /* nobody answered: this says nothing about the key */
  DBK_INACTIVE = 5,    /* the key's state forbids its use */
  DBK_CORRUPT = 6,     /* what was read cannot be a key */
  DBK_DENIED = 7,      /* the key server refuses this client */
  DBK_INVALID = 8,     /* an argument that cannot be */
  DBK_NOT_LOADED = 9,  /* no dbk_load has succeeded yet */
  DBK_BROKEN = 10,     /* a fault in the library; another dbk_load may cure it */
  DBK_TOO_SMALL = 11,  /* the caller's buffer; the sizes say what is needed */
  DBK_UNSUPPORTED = 12 /* this kind of keyring cannot do that */
};

/* How grave a log line is. */
enum dbk_severity { DBK_ERROR = 1, DBK_WARNING = 2, DBK_NOTE = 3 };

/* Flags of dbk_load. */
enum {
  DBK_OFFLINE = 1, /* read and check the configuration, use no network */
  DBK_QUICK = 2,   /* answer within 2 seconds even if the key server is dead */
  DBK_SEVERAL = 4, /* other keyrings beside this one are meant: no warning */
  DBK_FINAL = 8    /* after DBK_INVALID the host gives up this instance */
};

/* What dbk_rotate renews. */
enum dbk_rotation {
  DBK_ROTATE_MASTER_KEY = 1, /* the key server's own key, under which the keys are encrypted */
  DBK_ROTATE_KEYS = 2        /* the encryption of every key, under the present master key */
};

typedef uint64_t dbk_handle;
typedef void (*dbk_log_fn)(void *context, int severity, const char *line);

/* dbk_abi returns DBK_ABI of the library. */
int dbk_abi(void);

/*
 * dbk_open makes an instance of a component, such as "component_keyring_kmip".
 * It reads nothing yet. reload: the statement with which a user of the host loads
 * the keyring again, for advice in log lines. DBK_INVALID: the library does not
 * know the component.
 */
int dbk_open(const char *component, const char *reload, dbk_log_fn log, void *context,
             dbk_handle *instance);

/*
 * dbk_load reads the configuration <component>.cnf and opens the keyring. Called
 * again it reloads: the old keys stay in use unless it returns DBK_OK.
 * component_path: the folder of the component; of the plugin keyring_aws it is the
 * text of its settings, lines NAME=VALUE. instance_path: the data folder, NULL if
 * there is none. first_dir: the current folder when the host loaded the component.
 * flags: the DBK_ ones above.
 * When the first load answers DBK_UNREACHABLE, DBK_DENIED or DBK_INACTIVE, the
 * library goes on trying in the background.
 */
int dbk_load(dbk_handle instance, const char *component_path, const char *instance_path,
             const char *first_dir, unsigned flags);

/*
 * dbk_stage and dbk_commit are a reload in two steps, for a host that may refuse
 * in the first only. dbk_stage opens the keyring of another component_path aside;
 * when it fails, reason, cut to capacity, says why and ends with a NUL byte.
 * dbk_commit puts it in use, at once and without the network; DBK_NOT_LOADED: none
 * waits for it, and what is in use stays in use. What is not committed within a
 * minute is closed.
 */
int dbk_stage(dbk_handle instance, const char *component_path, const char *first_dir, char *reason,
              size_t capacity);
int dbk_commit(dbk_handle instance, const char *component_path);

/* dbk_ready returns 1 when the keyring is loaded and takes calls, else 0. */
int dbk_ready(dbk_handle instance);

/* dbk_close ends an instance, wipes its keys and closes its connections. */
int dbk_close(dbk_handle instance);

/*
 * dbk_fetch copies a key's bytes and its type, without a NUL byte. It sets both
 * sizes on DBK_OK and on DBK_TOO_SMALL.
 */
int dbk_fetch(dbk_handle instance, const char *id, const char *owner, unsigned char *data,
              size_t data_capacity, size_t *data_size, char *type, size_t type_capacity,
              size_t *type_size);

/* dbk_store keeps a key; it is durable when DBK_OK is returned. */
int dbk_store(dbk_handle instance, const char *id, const char *owner, const char *type,
              const unsigned char *data, size_t size);

/* dbk_generate makes a random key of size bytes and keeps it. */
int dbk_generate(dbk_handle instance, const char *id, const char *owner, const char *type,
                 size_t size);

/* dbk_remove deletes a key for good. */
int dbk_remove(dbk_handle instance, const char *id, const char *owner);

/*
 * dbk_native_id copies the key server's own name of a key, without a NUL byte.
 * It sets size on DBK_OK and on DBK_TOO_SMALL.
 */
int dbk_native_id(dbk_handle instance, const char *id, const char *owner, char *name,
                  size_t capacity, size_t *size);

/*
 * dbk_rotate renews what protects the keys, which stay what they are: an enum
 * dbk_rotation says what. It may take minutes. When it fails, reason, cut to
 * capacity, says why and ends with a NUL byte. DBK_UNSUPPORTED: this keyring has
 * nothing of the kind.
 */
int dbk_rotate(dbk_handle instance, int what, char *reason, size_t capacity);

/*
 * A snapshot is a list of pairs of strings at one moment: "id" and "owner" of
 * every key, or "name" and "value" of every row of the status table. Each string
 * ends with a NUL byte. dbk_snapshot_keys and dbk_snapshot_status make one and
 * tell its size in bytes; dbk_snapshot_take copies it out and forgets it, even
 * when it answers DBK_TOO_SMALL.
 */
int dbk_snapshot_keys(dbk_handle instance, dbk_handle *snapshot, size_t *size);
int dbk_snapshot_status(dbk_handle instance, dbk_handle *snapshot, size_t *size);
int dbk_snapshot_take(dbk_handle snapshot, char *text, size_t capacity);

/*
 * dbk_aes encrypts (decrypt = 0) or decrypts (1) with AES-256 under the SHA-256
 * of an AES key's bytes. mode: "cbc", "cfb1", "cfb8", "cfb128", "ofb"; key_bits:
 * 256; iv: 16 bytes; padding: PKCS #7, for cbc. It sets size on DBK_OK and on
 * DBK_TOO_SMALL. dbk_aes_size tells how much space a cipher text needs at most.
 */
int dbk_aes(dbk_handle instance, int decrypt, const char *id, const char *owner, const char *mode,
            size_t key_bits, const unsigned char *iv, int padding, const unsigned char *in,
            size_t in_size, unsigned char *out, size_t capacity, size_t *size);
int dbk_aes_size(const char *mode, size_t key_bits, size_t in_size, size_t *size);

/*
 * The encryptor of WiredTiger.
 *
 * dbk_wt_open opens the key store of the database that a mongod.conf names, and makes
 * it for a new one; it may wait for a key server. The master key's state is polled
 * until dbk_wt_close. flags: DBK_WT_BLOCKS_SIGTERM, if the thread that opens the
 * database blocks this signal, as one does whose program waits for it. dbk_wt_customize makes the cipher of a keyid, whose blocks are at
 * most expansion bytes longer than their text. Where either fails, reason, cut to
 * capacity, says why.
 *
 * dbk_wt_encrypt and dbk_wt_decrypt work on one block, from in to out, which do not
 * overlap; capacity is in_size + expansion, and in_size, at the least. They are called
 * for every block, and may be called from many threads at once.
 */
enum { DBK_WT_BLOCKS_SIGTERM = 1 };
int dbk_wt_open(const char *config, unsigned flags, dbk_log_fn log, void *context, dbk_handle *database,
                char *reason, size_t capacity);
int dbk_wt_customize(dbk_handle database, const char *keyid, size_t size, dbk_handle *cipher,
                     size_t *expansion, char *reason, size_t capacity);
int dbk_wt_encrypt(dbk_handle cipher, const unsigned char *in, size_t in_size, unsigned char *out,
                   size_t capacity, size_t *size);
int dbk_wt_decrypt(dbk_handle cipher, const unsigned char *in, size_t in_size, unsigned char *out,
                   size_t capacity, size_t *size);
int dbk_wt_release(dbk_handle cipher);
int dbk_wt_close(dbk_handle database);

#ifdef __cplusplus
}
#endif
#endif
