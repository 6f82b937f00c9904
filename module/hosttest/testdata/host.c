/*
 * host.c - plays mysqld for a keyring component or plugin, as its arguments say.
 *
 * Each argument is a command of a few words; each prints one line or more. The
 * tests in hosttest_test.go compare the whole output. "-" as a word is NULL, "''" is empty.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "plugin_host.h"

/* What mysqld exports; the program is linked with -rdynamic. */
#pragma GCC visibility push(default)
unsigned char mysqld_server_started, opt_help, opt_validate_config, opt_initialize;
unsigned char daemonize;
const char *opt_keyring_migration_source;
struct {
  const char *name;
  int id;
  const char *comment;
  unsigned char *value;
} my_long_early_options[] = {{"daemonize", 'D', "", &daemonize}, {NULL, 0, NULL, NULL}};
#pragma GCC visibility pop

static int offer_log = 1;

static int emit(const char *subsystem, const char *file, unsigned long line, int severity,
                int error_id, ...) {
  va_list arguments;
  va_start(arguments, error_id);
  printf("log %d %s %d %s\n", severity, subsystem, error_id, va_arg(arguments, const char *));
  va_end(arguments);
  (void)file, (void)line;
  return 0;
}
static struct mysql_simple_error_log error_log = {emit};

static void runtime_error(int error_id, int flags, va_list arguments) {
  printf("error %d flags %d: ", error_id, flags);
  vprintf(error_id == ER_CANT_INITIALIZE_UDF            ? "Can't initialize function '%s'; %s\n"
          : error_id == ER_SPECIFIC_ACCESS_DENIED_ERROR ? "Access denied; you need the %s privilege\n"
                                                        : "Function %s failed due to: %s.\n", arguments);
}
static struct mysql_runtime_error runtime_errors = {runtime_error};

static int acquire(const char *name, void **service) {
  if (strcmp(name, "mysql_simple_error_log") == 0 && offer_log) return *service = &error_log, 0;
  if (strcmp(name, "mysql_runtime_error") == 0) return *service = &runtime_errors, 0;
  return plugin_acquire(name, service);
}
static int release(void *service) { return service == NULL; }
struct registry registry = {acquire, NULL, release};

/* The component that the commands speak to. */
static char folder[1024];
static const struct component *component;
static const struct keyring_load *load;
static const struct keyring_component_status *status;
static const struct keyring_component_metadata_query *metadata;
static const struct keyring_reader_with_status *reader;
static const struct keyring_writer *writer;
static const struct keyring_generator *generator;
static const struct keyring_keys_metadata_iterator *keys;
static const struct keyring_aes *aes;
static const struct mysql_keyring_native_key_id *native_id;

void die(const char *what) {
  printf("host: %s: %s\n", what, strerror(errno));
  fflush(stdout);
  _exit(9);
}

static const void *service(const char *name) {
  char full[256];
  snprintf(full, sizeof full, "%s.%s", name, component->name);
  for (const struct service_ref *s = component->provides; s->name != NULL; s++)
    if (strcmp(s->name, full) == 0) return s->implementation;
  die(full);
  return NULL;
}

static void open_component(const char *name) {
  char path[2048];
  snprintf(path, sizeof path, "%s/%s.so", folder, name);
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) die(dlerror());
  const struct component *(*list)(void) = (const struct component *(*)(void))dlsym(library, "list_components");
  if (list == NULL) die("list_components");
  component = list();
  for (const struct service_need *n = component->needs; n->name != NULL; n++) {
    if (strcmp(n->name, "registry") != 0) die(n->name);
    *n->implementation = &registry;
  }
  printf("init %s %d\n", component->name, component->init());
  load = service("keyring_load");
  status = service("keyring_component_status");
  metadata = service("keyring_component_metadata_query");
  reader = service("keyring_reader_with_status");
  writer = service("keyring_writer");
  generator = service("keyring_generator");
  keys = service("keyring_keys_metadata_iterator");
  aes = service("keyring_aes");
  native_id = service("mysql_keyring_native_key_id");
}

static void open_plugin(const char *name, const char *option) {
  char path[2048];
  snprintf(path, sizeof path, "%s/%s.so", folder, name);
  status = &plugin_status;
  reader = &plugin_reader;
  writer = &plugin_writer;
  generator = &plugin_generator;
  keys = &plugin_keys;
  plugin_open(path, option);
}

static int deinit(void) { return plugin_is_open() ? plugin_deinit() : component->deinit(); }

/* As the server's own helper does: buffers of exactly the lengths. */
static int fetch(const char *id, const char *owner, unsigned char *data, size_t *n, char *type) {
  void *handle = NULL;
  size_t size, type_size, got, type_got;
  if (reader->init(id, owner, &handle) != 0) return -1;
  if (handle == NULL) return 0;
  if (reader->fetch_length(handle, &size, &type_size) != 0) die("fetch_length");
  if (reader->fetch(handle, data, size, &got, type, type_size, &type_got) != 0) die("fetch");
  if (got != size || type_got != type_size) die("fetch: sizes");
  if (size > 0 && reader->fetch(handle, data, size - 1, &got, type, type_size, &type_got) == 0)
    die("fetch took a short buffer");
  if (reader->fetch(handle, data, size, &got, type, type_size - 1, &type_got) == 0)
    die("fetch took a short type buffer");
  if (reader->deinit(handle) != 0 || reader->deinit(NULL) != 1) die("reader deinit");
  type[type_size] = '\0';
  *n = size;
  return 1;
}

static void print_fetch(const char *id, const char *owner) {
  unsigned char data[16384];
  char type[300];
  size_t n = 0;
  int rc = fetch(id, owner, data, &n, type);
  if (rc != 1) {
    printf("fetch %s: %s\n", id, rc == 0 ? "absent" : "error");
    return;
  }
  int text = 1;
  for (size_t i = 0; i < n; i++) text &= data[i] >= ' ' && data[i] < 127;
  printf("fetch %s: %s %zu bytes %.*s\n", id, type, n, text ? (int)n : 0, (char *)data);
}

static void print_keys(size_t room) {
  void *it = NULL;
  if (keys->init(&it) != 0) {
    printf("keys: error\n");
    return;
  }
  int n = 0;
  while (keys->is_valid(it)) {
    char id[512], owner[512];
    size_t a, b;
    if (keys->get_length(it, &a, &b) != 0) die("keys get_length");
    if (keys->get(it, id, room, owner, room) != 0) die("keys get");
    printf("key '%s' (%zu) of '%s' (%zu)\n", id, a, owner, b);
    if (keys->next(it) != 0) die("keys next");
    n++;
  }
  if (keys->next(it) != 1) die("next beyond the end");
  if (keys->deinit(it) != 0 || keys->deinit(NULL) != 1) die("keys deinit");
  printf("keys %d\n", n);
}

static void print_status(void) {
  void *it = NULL;
  if (metadata->init(&it) != 0) die("metadata init");
  for (; metadata->is_valid(it); metadata->next(it)) {
    size_t a, b;
    if (metadata->get_length(it, &a, &b) != 0) die("metadata get_length");
    char name[a], value[b];
    if (metadata->get(it, name, a, value, b) != 0) die("metadata get");
    if (strlen(name) + 1 != a || strlen(value) + 1 != b) die("metadata lengths");
    printf("status %s=%s\n", name, value);
  }
  if (metadata->deinit(it) != 0) die("metadata deinit");
}

static void print_aes(const char *id, const char *mode) {
  static const unsigned char iv[16] = "0123456789abcdef";
  static const unsigned char text[] = "the quick brown fox";
  unsigned char cipher[64], plain[64];
  size_t room, n, m;
  if (aes->get_size(sizeof text, mode, 256, &room) != 0) {
    printf("aes %s: no size\n", mode);
    return;
  }
  if (aes->encrypt(id, NULL, mode, 256, iv, 1, text, sizeof text, cipher, room, &n) != 0) {
    printf("aes %s: error\n", mode);
    return;
  }
  if (aes->encrypt(id, NULL, mode, 256, iv, 1, text, sizeof text, cipher, n - 1, &m) == 0) die("aes: short buffer");
  if (aes->decrypt(id, NULL, mode, 256, iv, 1, cipher, n, plain, n, &m) != 0) die("aes decrypt");
  if (m != sizeof text || memcmp(plain, text, m) != 0) die("aes: another text came back");
  printf("aes %s: %zu ", mode, n);
  for (size_t i = 0; i < n; i++) printf("%02x", cipher[i]);
  printf("\n");
}

static int threads(void) {
  DIR *tasks = opendir("/proc/self/task");
  int n = 0;
  for (struct dirent *e; (e = readdir(tasks)) != NULL;) n += e->d_name[0] != '.';
  closedir(tasks);
  return n;
}

/* Every thread but this one must block SIGTERM, SIGHUP, SIGUSR1 and SIGALRM. */
static void print_masks(void) {
  DIR *tasks = opendir("/proc/self/task");
  int open_ones = 0, all = 0;
  for (struct dirent *e; (e = readdir(tasks)) != NULL;) {
    if (e->d_name[0] == '.' || atoi(e->d_name) == getpid()) continue;
    char path[300], line[256];
    snprintf(path, sizeof path, "/proc/self/task/%s/status", e->d_name);
    FILE *f = fopen(path, "r");
    if (f == NULL) continue;
    unsigned long long blocked = 0;
    while (fgets(line, sizeof line, f) != NULL) sscanf(line, "SigBlk: %llx", &blocked);
    fclose(f);
    static const int must[] = {SIGTERM, SIGHUP, SIGUSR1, SIGALRM, SIGINT, SIGQUIT, SIGTSTP};
    for (size_t i = 0; i < sizeof must / sizeof *must; i++)
      open_ones += !(blocked >> (must[i] - 1) & 1);
    all++;
  }
  closedir(tasks);
  sigset_t mine;
  pthread_sigmask(SIG_SETMASK, NULL, &mine);
  int changed = 0;
  for (int s = 1; s < 32; s++) changed += sigismember(&mine, s);
  printf("other threads %s, open signals %d, blocked here %d\n", all > 0 ? "some" : "none", open_ones, changed);
}

/* As mysqld: default action, blocked here, waited for. */
static void print_term(void) {
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  signal(SIGTERM, SIG_DFL);
  pthread_sigmask(SIG_BLOCK, &term, NULL);
  int got = 0;
  for (int i = 0; i < 20; i++) {
    kill(getpid(), SIGTERM);
    got += sigtimedwait(&term, NULL, &(struct timespec){5, 0}) == SIGTERM;
  }
  pthread_sigmask(SIG_UNBLOCK, &term, NULL);
  printf("got SIGTERM %d\n", got);
}

static int alarms;
static void on_alarm(int s) { (void)s, __atomic_add_fetch(&alarms, 1, __ATOMIC_RELAXED); }

struct worker {
  pthread_t thread;
  int number, rounds, faults, done;
};

static void *work(void *argument) {
  struct worker *w = argument;
  unsigned char data[16384];
  char id[64], type[300];
  size_t n;
  for (int i = 0; i < w->rounds; i++) {
    snprintf(id, sizeof id, "storm-%d-%d", w->number, i);
    w->faults += generator->generate(id, NULL, "AES", 32) != 0;
    w->faults += fetch(id, NULL, data, &n, type) != 1 || n != 32;
    void *it = NULL;
    if (i % 16 == 0) w->faults += keys->init(&it) != 0 || keys->deinit(it) != 0;
    w->faults += writer->remove(id, NULL) != 0;
    w->faults += fetch(id, NULL, data, &n, type) != 0;
  }
  __atomic_store_n(&w->done, 1, __ATOMIC_RELEASE);
  return NULL;
}

/* Threads with small stacks, hit by SIGALRM whose handler has no stack of its own. */
static void storm(int count, int rounds) {
  struct sigaction action = {.sa_handler = on_alarm};
  sigaction(SIGALRM, &action, NULL);
  struct worker workers[count];
  memset(workers, 0, sizeof workers);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 256 << 10);
  for (int i = 0; i < count; i++) {
    workers[i].number = i;
    workers[i].rounds = rounds;
    if (pthread_create(&workers[i].thread, &attributes, work, &workers[i]) != 0) die("pthread_create");
  }
  int faults = 0;
  for (int i = 0; i < count; i++) {
    while (!__atomic_load_n(&workers[i].done, __ATOMIC_ACQUIRE)) {
      for (int j = i; j < count; j++) pthread_kill(workers[j].thread, SIGALRM);
      nanosleep(&(struct timespec){0, 200000}, NULL);
    }
    pthread_join(workers[i].thread, NULL);
    faults += workers[i].faults;
  }
  printf("storm faults %d, alarms %s\n", faults, alarms > 0 ? "some" : "none");
}

static void print_mapped(const char *name) {
  FILE *maps = fopen("/proc/self/maps", "r");
  char line[4096];
  int mapped = 0;
  while (fgets(line, sizeof line, maps) != NULL) mapped |= strstr(line, name) != NULL;
  fclose(maps);
  printf("mapped %d\n", mapped);
}

static void libraries(void) {
  FILE *maps = fopen("/proc/self/maps", "r");
  char line[4096], last[4096] = "";
  int n = 0;
  while (fgets(line, sizeof line, maps) != NULL) {
    char *path = strstr(line, "/libdbkeyring.so");
    if (path == NULL) continue;
    path = strchr(line, '/');
    n += strcmp(path, last) != 0;
    strcpy(last, path);
  }
  fclose(maps);
  printf("libraries %d\n", n);
}

/* The child goes on with the commands; the parent answers for it. */
static void fork_here(int launcher) {
  fflush(stdout);
  pid_t child = fork();
  if (child < 0) die("fork");
  if (child == 0) return;
  if (launcher) deinit();
  int how;
  waitpid(child, &how, 0);
  fflush(stdout);
  _exit(WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how));
}

static void await_ready(int tries) {
  while (!status->is_initialized() && tries-- > 0) nanosleep(&(struct timespec){0, 20000000}, NULL);
  printf("ready %d\n", status->is_initialized());
}

static void set(const char *name, int value) {
  unsigned char *v = dlsym(RTLD_DEFAULT, name);
  if (v == NULL) die(name);
  *v = (unsigned char)value;
}

static void run(int n, char *w[]) {
  for (int i = 1; i < n; i++)
    if (strcmp(w[i], "-") == 0) w[i] = NULL;
    else if (strcmp(w[i], "''") == 0) w[i] = "";
#define IS(name, count) (strcmp(w[0], name) == 0 && n == (count) + 1)
  if (IS("open", 1)) open_component(w[1]);
  else if (IS("plugin", 2)) open_plugin(w[1], w[2]);
  else if (IS("set-global", 1)) plugin_set(NULL, w[1], 1);
  else if (IS("set-persist-only", 1)) plugin_set(NULL, w[1], 0);
  else if (IS("set-variable", 2)) plugin_set(w[1], w[2], 1);
  else if (IS("set-two", 4)) plugin_set_two(w[1], w[2], w[3], w[4]);
  else if (IS("call", 2)) plugin_call(w[1], (unsigned)atoi(w[2]));
  else if (IS("load", 2)) printf("load %d\n", load->load(w[1], w[2]));
  else if (IS("timed-load", 3)) {
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    int rc = load->load(w[1], w[2]);
    clock_gettime(CLOCK_MONOTONIC, &b);
    long ms = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
    printf("load %d, %s %s ms\n", rc, ms < atol(w[3]) ? "within" : "NOT within", w[3]);
  }
  else if (IS("ready", 0)) printf("ready %d\n", status->is_initialized());
  else if (IS("await", 1)) await_ready(atoi(w[1]));
  else if (IS("store", 4)) printf("store %s: %d\n", w[1], writer->store(w[1], w[2], (void *)w[4], strlen(w[4]), w[3]));
  else if (IS("generate", 4)) printf("generate %s: %d\n", w[1], generator->generate(w[1], w[2], w[3], atol(w[4])));
  else if (IS("remove", 2)) printf("remove %s: %d\n", w[1], writer->remove(w[1], w[2]));
  else if (IS("fetch", 2)) print_fetch(w[1], w[2]);
  else if (IS("keys", 1)) print_keys(atol(w[1]));
  else if (IS("status", 0)) print_status();
  else if (IS("aes", 2)) print_aes(w[1], w[2]);
  else if (IS("native", 3)) {
    char name[300] = "the row before";
    int rc = native_id->get_backend_key_id(w[1], w[2], name, atol(w[3]));
    printf("native %s: %d %s\n", w[1], rc, name);
  }
  else if (IS("deinit", 0)) printf("deinit %d\n", deinit());
  else if (IS("fork", 0)) fork_here(0);
  else if (IS("daemon-fork", 0)) fork_here(1);
  else if (IS("threads", 0)) printf("threads %s\n", threads() == 1 ? "one" : "several");
  else if (IS("masks", 0)) print_masks();
  else if (IS("term", 0)) print_term();
  else if (IS("storm", 2)) storm(atoi(w[1]), atoi(w[2]));
  else if (IS("libraries", 0)) libraries();
  else if (IS("mapped", 1)) print_mapped(w[1]);
  else if (IS("set", 2)) set(w[1], atoi(w[2]));
  else if (IS("migration", 0)) opt_keyring_migration_source = "keyring_okv.so";
  else if (IS("mkdir", 1)) { if (mkdir(w[1], 0700) != 0) die(w[1]); }
  else if (IS("nolog", 0)) offer_log = 0;
  else if (IS("chdir", 1)) { if (chdir(w[1]) != 0) die(w[1]); }
  else if (IS("config", 2)) {
    FILE *f = fopen(w[1], "w");
    if (f == NULL || fputs(w[2], f) < 0 || fclose(f) != 0) die(w[1]);
  }
  else die(w[0]);
  fflush(stdout);
}

int main(int argc, char *argv[]) {
  snprintf(folder, sizeof folder, "%s", argv[1]);
  for (int i = 2; i < argc; i++) {
    char *words[8] = {NULL};
    int n = 0;
    for (char *w = strtok(argv[i], " "); w != NULL && n < 8; w = strtok(NULL, " ")) words[n++] = w;
    if (n > 0) run(n, words);
  }
  printf("end\n");
  return 0;
}
