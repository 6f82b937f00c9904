/*
 * library.c - loads libdbkeyring.so, with all signals blocked: the threads of its Go
 * runtime must not be the ones that get the host's SIGTERM.
 */
#define _GNU_SOURCE
#include "library.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIBRARY "libdbkeyring.so"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* for what follows */
static struct library table;
static const struct library *loaded; /* &table, for good: Go cannot be unloaded */
static pid_t loaded_by;

static sigset_t masked; /* what is blocked during a call */

/* Those stay open that Go handles: the processor raises them, or a socket. */
static void fill_masked(void) {
  static const int open_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGURG, SIGPROF, SIGPIPE};
  sigfillset(&masked);
  for (size_t i = 0; i < sizeof open_signals / sizeof *open_signals; i++) sigdelset(&masked, open_signals[i]);
}

/* library_path finds the library beside this file, or beside what a link to this file names. */
static int library_path(char *path) {
  Dl_info self;
  char real[PATH_MAX];
  if (dladdr(&table, &self) == 0 || self.dli_fname == NULL) return -1;
  const char *names[] = {self.dli_fname, realpath(self.dli_fname, real)};
  for (int i = 0; i < 2; i++) {
    const char *slash = names[i] != NULL ? strrchr(names[i], '/') : NULL;
    if (slash == NULL || (size_t)(slash - names[i]) + sizeof "/" LIBRARY > PATH_MAX) continue;
    size_t folder = (size_t)(slash - names[i]) + 1;
    memcpy(path, names[i], folder);
    memcpy(path + folder, LIBRARY, sizeof LIBRARY);
    if (access(path, F_OK) == 0) return 0;
  }
  return -1;
}

static int find_functions(void *library) {
#define FIND(member)                                            \
  *(void **)&table.member = dlsym(library, "dbk_wt_" #member);  \
  if (table.member == NULL) return -1;
  FIND(open) FIND(customize) FIND(encrypt) FIND(decrypt) FIND(release) FIND(close)
#undef FIND
  __typeof__(dbk_abi) *abi;
  *(void **)&abi = dlsym(library, "dbk_abi");
  return abi != NULL && abi() == DBK_ABI ? 0 : -1;
}

static const struct library *load(char *why, size_t capacity) {
  char path[PATH_MAX];
  if (library_path(path) != 0) {
    snprintf(why, capacity, LIBRARY " is not in the folder of dbkeyring_wiredtiger.so. Copy it there");
    return NULL;
  }
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    snprintf(why, capacity, "%s cannot be loaded: %s", path, dlerror());
    return NULL;
  }
  if (find_functions(library) != 0) {
    snprintf(why, capacity, "%s is not of the same release as dbkeyring_wiredtiger.so. Install both together", path);
    return NULL;
  }
  fill_masked();
  loaded_by = getpid();
  return loaded = &table;
}

const struct library *library_load(char *why, size_t capacity) {
  pthread_mutex_lock(&lock);
  const struct library *l = loaded;
  if (l == NULL) {
    sigset_t all, saved;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &saved);
    l = load(why, capacity);
    pthread_sigmask(SIG_SETMASK, &saved, NULL);
  } else if (loaded_by != getpid()) {
    snprintf(why, capacity, "this process was forked after the library was loaded, and cannot use it");
    l = NULL;
  }
  pthread_mutex_unlock(&lock);
  return l;
}

/* A thread that blocks the usual signals anyway, as all of mongod's do, needs no system call.
   The byte lies in the host's static block, as the Go library's own does: read without a call. */
static __thread __attribute__((tls_model("initial-exec"))) char blocks; /* 0: not known, 1: yes, 2: no */

int library_enter(sigset_t *saved) {
  if (blocks == 1) return 0;
  pthread_sigmask(SIG_BLOCK, &masked, saved);
  if (blocks == 0)
    blocks = sigismember(saved, SIGTERM) == 1 && sigismember(saved, SIGINT) == 1 && sigismember(saved, SIGHUP) == 1 &&
                     sigismember(saved, SIGUSR1) == 1 && sigismember(saved, SIGUSR2) == 1 && sigismember(saved, SIGALRM) == 1
                 ? 1
                 : 2;
  return 1;
}

void library_leave(int entered, const sigset_t *saved) {
  if (entered) pthread_sigmask(SIG_SETMASK, saved, NULL);
}
