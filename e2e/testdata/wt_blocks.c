/*
 * wt_blocks.c - encrypts and decrypts blocks in three ways and prints how long it took.
 *
 * wt_blocks MODULE MONGOD_CONF
 *
 * naive: OpenSSL's EVP as it is usually written, a new context and a random nonce for
 * each block; tuned: the cipher fetched once, a keyed context for each thread, nonces
 * counted; module: dbkeyring_wiredtiger.so, called as WiredTiger calls it, through a
 * connection of ours that is nothing but the two tables of pointers. Each line is
 *   WAY encrypt|decrypt THREADS BLOCK MB/s
 * the best of several interleaved rounds.
 */
#include <dlfcn.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST = 32768, ROOM = MOST + 256, THREADS = 2, ROUNDS = 7 };

static unsigned char key[32] = {1, 2, 3};

/* The module, behind tables of pointers as WiredTiger 3.2 has them. */
struct encryptor {
  int (*encrypt)(struct encryptor *, void *, uint8_t *, size_t, uint8_t *, size_t, size_t *);
  int (*decrypt)(struct encryptor *, void *, uint8_t *, size_t, uint8_t *, size_t, size_t *);
  int (*sizing)(struct encryptor *, void *, size_t *);
  int (*customize)(struct encryptor *, void *, void *, struct encryptor **);
  int (*terminate)(struct encryptor *, void *);
};
struct config_item {
  const char *text;
  size_t length;
  int64_t number;
  int type;
};
static void *api[32], *connection[32];
static const char *conf;
static struct encryptor *added, *module;

static int err_printf(void *self, void *session, const char *format, ...) {
  (void)self, (void)session;
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  return fputc('\n', stderr) == EOF;
}
static int config_get(void *self, void *session, void *config, const char *name, struct config_item *item) {
  (void)self, (void)session, (void)config;
  item->text = strcmp(name, "path") == 0 ? conf : "system";
  item->length = strlen(item->text);
  return 0;
}
static void *get_api(void *c) { return (void)c, api; }
static int add_encryptor(void *c, const char *name, struct encryptor *e, const char *config) {
  (void)c, (void)name, (void)config;
  added = e;
  return 0;
}

static void die(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static void open_module(const char *path) {
  void *library = dlopen(path, RTLD_NOW);
  if (library == NULL) die(dlerror());
  int (*start)(void *, void *);
  *(void **)&start = dlsym(library, "dbkeyring_wt_3_2");
  api[0] = connection;
  api[1] = (void *)err_printf;
  api[9] = (void *)config_get;
  connection[19] = (void *)get_api;
  connection[16] = (void *)add_encryptor;
  if (start == NULL || start(connection, &conf) != 0 || added->customize(added, NULL, &conf, &module) != 0) die("the module");
}

/* One thread's work. */
struct work {
  const char *way;
  int decrypt;
  size_t size;
  long blocks;
  uint64_t number;
  EVP_CIPHER_CTX *context;
  unsigned char in[ROOM], out[ROOM];
  size_t sealed;
  pthread_t thread;
};

static EVP_CIPHER *fetched;

static size_t seal(EVP_CIPHER_CTX *c, struct work *w, const unsigned char *nonce, unsigned char *out) {
  int n, m;
  memcpy(out, nonce, 12);
  if (EVP_EncryptUpdate(c, out + 12, &n, w->in, (int)w->size) != 1 || EVP_EncryptFinal_ex(c, out + 12 + n, &m) != 1 ||
      EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, 16, out + 12 + w->size) != 1)
    die("EVP");
  return w->size + 28;
}

static void unseal(EVP_CIPHER_CTX *c, struct work *w, unsigned char *out) {
  int n, m;
  if (EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, 16, w->in + w->size + 12) != 1 ||
      EVP_DecryptUpdate(c, out, &n, w->in + 12, (int)w->size) != 1 || EVP_DecryptFinal_ex(c, out + n, &m) != 1)
    die("EVP");
}

static void block_naive(struct work *w) {
  unsigned char nonce[12];
  EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
  if (w->decrypt) {
    EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, w->in);
    unseal(c, w, w->out);
  } else {
    RAND_bytes(nonce, sizeof nonce);
    EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, nonce);
    w->sealed = seal(c, w, nonce, w->out);
  }
  EVP_CIPHER_CTX_free(c);
}

static void block_tuned(struct work *w) {
  unsigned char nonce[12] = {0};
  if (w->context == NULL) {
    w->context = EVP_CIPHER_CTX_new();
    if (w->decrypt) EVP_DecryptInit_ex2(w->context, fetched, key, NULL, NULL);
    else EVP_EncryptInit_ex2(w->context, fetched, key, NULL, NULL);
  }
  if (w->decrypt) {
    EVP_DecryptInit_ex2(w->context, NULL, NULL, w->in, NULL);
    unseal(w->context, w, w->out);
    return;
  }
  w->number++;
  memcpy(nonce, &w->number, sizeof w->number);
  EVP_EncryptInit_ex2(w->context, NULL, NULL, nonce, NULL);
  w->sealed = seal(w->context, w, nonce, w->out);
}

static void block_module(struct work *w) {
  size_t n;
  if (w->decrypt ? module->decrypt(module, NULL, w->in, w->sealed, w->out, w->sealed, &n)
                 : module->encrypt(module, NULL, w->in, w->size, w->out, ROOM, &n))
    die("the module's block");
  if (!w->decrypt) w->sealed = n;
}

static void block(struct work *w) {
  switch (w->way[0]) {
    case 'n': block_naive(w); return;
    case 't': block_tuned(w); return;
    default: block_module(w);
  }
}

static void *run(void *argument) {
  struct work *w = argument;
  for (long i = 0; i < w->blocks; i++) block(w);
  return NULL;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double round_of(const char *way, int decrypt, int threads, size_t size) {
  static struct work all[THREADS];
  for (int i = 0; i < threads; i++) {
    struct work *w = &all[i];
    if (w->context != NULL) EVP_CIPHER_CTX_free(w->context);
    memset(w, 0, sizeof *w);
    *w = (struct work){.way = way, .size = size, .blocks = 64};
    memset(w->in, 'x', size);
    block(w); /* a sealed block, to be opened */
    if (decrypt) {
      size_t sealed = w->sealed;
      if (w->context != NULL) EVP_CIPHER_CTX_free(w->context);
      w->context = NULL;
      memcpy(w->in, w->out, ROOM);
      w->decrypt = 1;
      w->sealed = sealed;
    }
    run(w);
    w->blocks = (long)(48e6 / (double)(size + 512));
  }
  double start = now();
  for (int i = 0; i < threads; i++) pthread_create(&all[i].thread, NULL, run, &all[i]);
  for (int i = 0; i < threads; i++) pthread_join(all[i].thread, NULL);
  return (double)threads * (double)all[0].blocks * (double)size / (now() - start) / 1e6;
}

int main(int argc, char *argv[]) {
  if (argc != 3) return 2;
  conf = argv[2];
  sigset_t signals; /* as all threads of mongod */
  sigfillset(&signals);
  pthread_sigmask(SIG_SETMASK, &signals, NULL);
  open_module(argv[1]);
  fetched = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
  static const char *const ways[] = {"naive", "tuned", "module"};
  static const size_t sizes[] = {512, 4096, 32768};
  for (int decrypt = 0; decrypt < 2; decrypt++)
    for (int threads = 1; threads <= THREADS; threads++)
      for (int s = 0; s < 3; s++) {
        double best[3] = {0};
        for (int r = 0; r < ROUNDS; r++)
          for (int w = 0; w < 3; w++) {
            double speed = round_of(ways[w], decrypt, threads, sizes[s]);
            if (speed > best[w]) best[w] = speed;
          }
        for (int w = 0; w < 3; w++)
          printf("%s %s %d %zu %.0f\n", ways[w], decrypt ? "decrypt" : "encrypt", threads, sizes[s], best[w]);
      }
  return module->terminate(module, NULL) || added->terminate(added, NULL);
}
