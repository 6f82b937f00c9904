/*
 * wt_host.c - plays WiredTiger for dbkeyring_wiredtiger.so.
 *
 * wt_host MODULE MONGOD_CONF ENTRY GET_API_SLOT ADD_ENCRYPTOR_SLOT
 *
 * Its connection is a table of pointers with the two that matter in the slots of one
 * release; all others end the program. Prints what happens, one line each.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../wiredtiger/wt_abi.h"

static const char *conf, *keyid;
static struct encryptor *added;
static void *connection[32], *api[32];

static void wrong_slot(void) {
  printf("a wrong slot was called\n");
  fflush(stdout);
  _Exit(9);
}

static int err_printf(void *self, void *session, const char *format, ...) {
  (void)session;
  if (self != api) wrong_slot();
  va_list arguments;
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  printf("\n");
  return 0;
}

static int config_get(void *self, void *session, void *config, const char *name, struct config_item *item) {
  (void)session, (void)config;
  if (self != api) wrong_slot();
  const char *text = strcmp(name, "path") == 0 ? conf : strcmp(name, "keyid") == 0 ? keyid : NULL;
  if (text == NULL) return -31803; /* WT_NOTFOUND */
  /* Not terminated: what follows is not its. */
  static char room[2][1000];
  char *copy = room[text == conf];
  snprintf(copy, sizeof room[0], "%s)garbage", text);
  *item = (struct config_item){copy, strlen(text), 0, 0};
  return 0;
}

static void *get_api(void *c) {
  if (c != connection) wrong_slot();
  return api;
}

static int add_encryptor(void *c, const char *name, struct encryptor *e, const char *config) {
  if (c != connection || config != NULL) wrong_slot();
  printf("added %s\n", name);
  added = e;
  return 0;
}

static void *work(void *argument) {
  struct encryptor *e = argument;
  size_t expansion, n, m;
  if (e->sizing(e, NULL, &expansion) != 0) wrong_slot();
  for (int i = 0; i < 2000; i++) {
    size_t size = (size_t)(i % 700);
    uint8_t *text = malloc(size + 1), *block = malloc(size + expansion), *back;
    memset(text, i, size);
    if (e->encrypt(e, NULL, text, size, block, size + expansion, &n) != 0 || n > size + expansion) wrong_slot();
    back = malloc(n);
    if (e->decrypt(e, NULL, block, n, back, n, &m) != 0 || m != size || memcmp(text, back, size) != 0) wrong_slot();
    if (i == 3) {
      block[n / 2] ^= 1;
      if (e->decrypt(e, NULL, block, n, back, n, &m) == 0) printf("a damaged block passes\n");
    }
    free(text);
    free(block);
    free(back);
  }
  return NULL;
}

int main(int argc, char *argv[]) {
  if (argc != 6) return 2;
  conf = argv[2];
  void *library = dlopen(argv[1], RTLD_LAZY);
  if (library == NULL) {
    printf("%s\n", dlerror());
    return 3;
  }
  for (int i = 0; i < 32; i++) connection[i] = api[i] = (void *)wrong_slot;
  api[0] = connection;
  api[1] = (void *)err_printf;
  api[9] = (void *)config_get;
  connection[atoi(argv[4])] = (void *)get_api;
  connection[atoi(argv[5])] = (void *)add_encryptor;
  int (*entry)(void *, void *);
  *(void **)&entry = dlsym(library, argv[3]);
  int failed = entry(connection, &conf);
  printf("init %d\n", failed);
  if (failed) return 0;
  struct encryptor *system = NULL, *table = NULL, *none = NULL;
  keyid = "";
  printf("no keyid %d\n", added->customize(added, NULL, &conf, &none) != 0);
  keyid = "system";
  printf("system %d\n", added->customize(added, NULL, &conf, &system));
  keyid = "a table's";
  printf("table %d\n", added->customize(added, NULL, &conf, &table));
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, work, i % 2 ? system : table);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  printf("terminate %d %d %d\n", system->terminate(system, NULL), table->terminate(table, NULL), added->terminate(added, NULL));
  dlclose(library);
  return 0;
}
