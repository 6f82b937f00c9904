/*
 * nocache.c - a host whose memory is searched: it fetches a key through
 * libdbkeyring, wipes its own buffer, and fetches an absent one.
 *
 * nocache LIBRARY COMPONENT CONFIGURATION KEY
 *
 * After "held" and after each "wiped" it waits for a line, so that whoever started
 * it can look. It is never told what the key is.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../core/dbkeyring.h"

static unsigned char key[64];

static void line(void *context, int severity, const char *text) {
  (void)context;
  fprintf(stderr, "%d %s\n", severity, text);
}

static void pause_as(const char *what, int code) {
  char answer[16];
  printf("%s %d\n", what, code);
  fflush(stdout);
  if (fgets(answer, sizeof answer, stdin) == NULL) exit(3);
}

static void *symbol(void *lib, const char *name) {
  void *s = dlsym(lib, name);
  if (s == NULL) exit(4);
  return s;
}

int main(int argc, char *argv[]) {
  if (argc != 5) return 2;
  void *lib = dlopen(argv[1], RTLD_NOW);
  if (lib == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    return 2;
  }
  __typeof__(&dbk_open) open = symbol(lib, "dbk_open");
  __typeof__(&dbk_load) load = symbol(lib, "dbk_load");
  __typeof__(&dbk_fetch) fetch = symbol(lib, "dbk_fetch");
  __typeof__(&dbk_close) close = symbol(lib, "dbk_close");

  dbk_handle instance;
  if (open(argv[2], "RELOAD", line, NULL, &instance) != DBK_OK) return 5;
  int rc = load(instance, argv[3], NULL, argv[3], 0);
  if (rc != DBK_OK) return 6;

  char type[16];
  size_t size, type_size;
  for (int round = 0; round < 3; round++) {
    rc = fetch(instance, argv[4], NULL, key, sizeof key, &size, type, sizeof type, &type_size);
    pause_as("held", rc);
    memset(key, 0, sizeof key);
    __asm__ volatile("" : : "r"(key) : "memory");
    unsigned char none[64];
    rc = fetch(instance, "absent", NULL, none, sizeof none, &size, type, sizeof type, &type_size);
    pause_as("wiped", rc);
  }
  return close(instance);
}
