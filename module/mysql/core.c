/*
 * core.c - loads libdbkeyring.so at the right moment and guards the calls to it.
 *
 * The library carries a Go runtime. Its threads must be born with all signals
 * blocked, or the kernel hands them the SIGTERM that mysqld waits for; and they
 * do not survive a fork, so that under mysqld --daemonize, which forks twice
 * after it loaded us, the library is opened in the second child. In a process
 * that inherited an open library every call fails.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim.h"

#define LIBRARY "libdbkeyring.so"

/* What load() was told last, kept for an opening that has to wait. */
static struct {
  char *component_path, *instance_path; /* instance_path: NULL if there is none */
  char *first_dir;                      /* the current folder at the first load */
  unsigned flags;                       /* besides those that the server's state makes */
} request;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* for all below */
static struct core table;
static const struct core *opened; /* &table once it is complete; read without the lock */
static pid_t opened_by;
static pid_t waiting_in;     /* the process that load() found about to fork; 0: none */
static int forks;            /* since then */
static sigset_t masked;      /* what is blocked during a call */

/*
 * Signals that the processor, Go or a socket that the peer closed raises in this
 * thread stay open during a call: Go handles them.
 */
static void fill_masked(void) {
  static const int open_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGURG, SIGPROF, SIGPIPE};
  sigfillset(&masked);
  for (size_t i = 0; i < sizeof open_signals / sizeof *open_signals; i++)
    sigdelset(&masked, open_signals[i]);
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

/* find_functions fills the table and returns the name of a function that is missing. */
static const char *find_functions(void *library) {
#define FIND(member)                                                        \
  *(void **)&table.member = dlsym(library, "dbk_" #member);                 \
  if (table.member == NULL) return "dbk_" #member;
  FIND(abi) FIND(open) FIND(load) FIND(stage) FIND(commit) FIND(ready) FIND(close)
  FIND(fetch) FIND(store) FIND(generate) FIND(remove) FIND(rotate) FIND(native_id) FIND(snapshot_keys) FIND(snapshot_status)
  FIND(snapshot_take) FIND(aes) FIND(aes_size)
#undef FIND
  return NULL;
}

/* open_unguarded makes `opened`. The caller holds the lock and blocks all signals. */
static int open_unguarded(void) {
  char path[PATH_MAX];
  if (library_path(path) != 0) {
    log_text(LOG_ERROR, "%s is not in the folder of %s.so. Copy it there: make install PLUGINDIR=...",
             LIBRARY, KEYRING_NAME);
    return -1;
  }
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL); /* for good: Go cannot be unloaded */
  if (library == NULL) {
    log_text(LOG_ERROR, "%s cannot be loaded: %s", path, dlerror());
    return -1;
  }
  const char *missing = find_functions(library);
  if (missing != NULL || table.abi() != DBK_ABI) {
    log_text(LOG_ERROR, "%s (%s) is not of the same release as %s.so. Install both together.", path,
             missing != NULL ? missing : "dbk_abi", KEYRING_NAME);
    return -1;
  }
  if (table.open(KEYRING_NAME, kind.reload, log_line, NULL, &table.instance) != DBK_OK) {
    log_text(LOG_ERROR, "%s does not serve %s. Install both from one release.", path, KEYRING_NAME);
    return -1;
  }
  opened_by = getpid();
  __atomic_store_n(&opened, &table, __ATOMIC_RELEASE);
  return 0;
}

/* open_library makes `opened` if it is not yet made. The caller holds the lock. */
static int open_library(void) {
  if (opened != NULL) return opened_by == getpid() ? 0 : -1;
  sigset_t all, saved;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &saved);
  int failed = open_unguarded();
  pthread_sigmask(SIG_SETMASK, &saved, NULL);
  return failed;
}

/* open_and_load answers load(). The caller holds the lock. */
static int open_and_load(void) {
  if (open_library() != 0) return DBK_NOT_LOADED;
  unsigned flags = request.flags;
  if (server_checks_options()) flags |= DBK_OFFLINE;
  if (server_initializes()) flags |= DBK_QUICK;
  if (server_migrates() || !server_is_mysqld()) flags |= DBK_SEVERAL;
  sigset_t saved;
  pthread_sigmask(SIG_BLOCK, &masked, &saved);
  int code = table.load(table.instance, request.component_path, request.instance_path,
                        request.first_dir, flags);
  pthread_sigmask(SIG_SETMASK, &saved, NULL);
  return code;
}

/* In each child of a fork, while the opening waits: the second is the server. */
static void after_fork(void) {
  if (waiting_in == 0 || ++forks < 2) return;
  pthread_mutex_lock(&lock);
  waiting_in = 0;
  (void)open_and_load(); /* what is wrong is in the log, as after load() */
  pthread_mutex_unlock(&lock);
}

static int remember(const char *component_path, const char *instance_path, unsigned flags) {
  char *component = strdup(component_path != NULL ? component_path : "");
  char *instance = instance_path != NULL ? strdup(instance_path) : NULL;
  if (component == NULL || (instance_path != NULL && instance == NULL)) {
    free(component);
    free(instance);
    return DBK_NOT_LOADED;
  }
  free(request.component_path);
  free(request.instance_path);
  request.component_path = component;
  request.instance_path = instance;
  request.flags = flags;
  return DBK_OK;
}

/* prepare is for the first use of this file. The caller holds the lock. */
static void prepare(void) {
  static int prepared;
  if (request.first_dir == NULL) request.first_dir = getcwd(NULL, 0); /* NULL is allowed */
  if (prepared) return;
  prepared = 1;
  fill_masked();
  if (kind.loads_before_fork && server_will_fork() && !server_checks_options() &&
      pthread_atfork(NULL, NULL, after_fork) == 0)
    waiting_in = getpid();
}

int core_load(const char *component_path, const char *instance_path, unsigned flags) {
  if (server_shows_help()) return DBK_OK;
  pthread_mutex_lock(&lock);
  prepare();
  int code = remember(component_path, instance_path, flags);
  if (waiting_in != getpid()) {
    waiting_in = 0;
    if (code == DBK_OK) code = open_and_load();
  }
  pthread_mutex_unlock(&lock);
  return code;
}

/* The lock is held for the opening only: the rest may wait for the network. */
int core_stage(const char *component_path, char *reason, size_t capacity) {
  snprintf(reason, capacity, "the error log says why");
  pthread_mutex_lock(&lock);
  prepare();
  int failed = open_library();
  pthread_mutex_unlock(&lock);
  sigset_t saved;
  const struct core *core = failed ? NULL : core_enter(&saved);
  if (core == NULL) return DBK_NOT_LOADED;
  int code = core->stage(core->instance, component_path, request.first_dir, reason, capacity);
  core_leave(&saved);
  return code;
}

int core_commit(const char *component_path) {
  sigset_t saved;
  const struct core *core = core_enter(&saved);
  if (core == NULL) return DBK_NOT_LOADED;
  int code = core->commit(core->instance, component_path);
  core_leave(&saved);
  /* It waited too long, or a statement with two variables has opened each by itself. */
  return code == DBK_NOT_LOADED ? core_load(component_path, NULL, DBK_QUICK) : code;
}

int core_rotate(int what, char *reason, size_t capacity) {
  snprintf(reason, capacity, KEYRING_NAME " is not in use; the error log says why");
  sigset_t saved;
  const struct core *core = core_enter(&saved);
  if (core == NULL) return DBK_NOT_LOADED;
  int code = core->rotate(core->instance, what, reason, capacity);
  core_leave(&saved);
  return code;
}

/* open_late is for a server that forked otherwise than expected: its first use opens. */
static void open_late(void) {
  pthread_mutex_lock(&lock);
  if (waiting_in != 0 && waiting_in != getpid()) {
    waiting_in = 0;
    (void)open_and_load();
  }
  pthread_mutex_unlock(&lock);
}

const struct core *core_enter(sigset_t *saved) {
  const struct core *core = __atomic_load_n(&opened, __ATOMIC_ACQUIRE);
  if (core == NULL) {
    if (__atomic_load_n(&waiting_in, __ATOMIC_RELAXED) == 0) return NULL;
    open_late();
    core = __atomic_load_n(&opened, __ATOMIC_ACQUIRE);
    if (core == NULL) return NULL;
  }
  if (opened_by != getpid()) {
    static int said;
    if (!__atomic_exchange_n(&said, 1, __ATOMIC_RELAXED))
      log_text(LOG_ERROR, "This process was forked after the keyring was opened: it has no keyring.");
    return NULL;
  }
  pthread_sigmask(SIG_BLOCK, &masked, saved);
  return core;
}

void core_leave(const sigset_t *saved) { pthread_sigmask(SIG_SETMASK, saved, NULL); }

void core_close(void) {
  pthread_mutex_lock(&lock);
  const struct core *core = opened;
  __atomic_store_n(&opened, NULL, __ATOMIC_RELEASE);
  waiting_in = 0;
  if (core != NULL && opened_by == getpid()) {
    sigset_t saved;
    pthread_sigmask(SIG_BLOCK, &masked, &saved);
    core->close(core->instance);
    pthread_sigmask(SIG_SETMASK, &saved, NULL);
  }
  free(request.component_path);
  free(request.instance_path);
  free(request.first_dir);
  memset(&request, 0, sizeof request);
  pthread_mutex_unlock(&lock);
}
