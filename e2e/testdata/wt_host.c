/*
 * wt_host.c - a program that keeps its data in WiredTiger.
 *
 * wt_host HOME CONFIG fill TABLE CREATE FROM N   makes rows FROM..FROM+N-1
 * wt_host HOME CONFIG read TABLE N               wants rows 0..N-1
 * wt_host HOME CONFIG serve TABLE                writes rows until SIGTERM, for which it waits as mongod does
 *
 * All its threads block signals, as mongod's do; not so with the mode fill-open.
 *
 * CONFIG is wiredtiger_open's, CREATE that of the table.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wiredtiger.h>

static void check(int error, const char *what) {
  if (error == 0) return;
  printf("%s: %s\n", what, wiredtiger_strerror(error));
  exit(1);
}

static void row(int i, char *key, char *value, size_t size) {
  snprintf(key, size, "markerkey%07d", i);
  snprintf(value, size, "markervalue%07d of a row that is as long as rows usually are in a collection of documents", i);
}

static WT_CONNECTION *connection;

static WT_CURSOR *cursor_of(WT_SESSION *session, const char *table) {
  char uri[200];
  WT_CURSOR *cursor;
  snprintf(uri, sizeof uri, "table:%s", table);
  check(session->open_cursor(session, uri, NULL, "overwrite", &cursor), uri);
  return cursor;
}

static void insert(WT_CURSOR *cursor, int i) {
  char key[200], value[200];
  row(i, key, value, sizeof key);
  cursor->set_key(cursor, key);
  cursor->set_value(cursor, value);
  check(cursor->insert(cursor), "insert");
}

static void fill(WT_SESSION *session, const char *table, const char *create, int from, int n) {
  char uri[200], config[400];
  snprintf(uri, sizeof uri, "table:%s", table);
  snprintf(config, sizeof config, "key_format=S,value_format=S%s%s", *create != '\0' ? "," : "", create);
  check(session->create(session, uri, config), "create");
  WT_CURSOR *cursor = cursor_of(session, table);
  for (int i = from; i < from + n; i++) insert(cursor, i);
  check(cursor->close(cursor), "close");
  check(session->checkpoint(session, NULL), "checkpoint");
}

static void read_all(WT_SESSION *session, const char *table, int n) {
  WT_CURSOR *cursor = cursor_of(session, table);
  for (int i = 0; i < n; i++) {
    char key[200], value[200];
    const char *got;
    row(i, key, value, sizeof key);
    cursor->set_key(cursor, key);
    check(cursor->search(cursor), key);
    check(cursor->get_value(cursor, &got), "get_value");
    if (strcmp(got, value) != 0) {
      printf("%s is another value\n", key);
      exit(1);
    }
  }
  check(cursor->close(cursor), "close");
}

static void serve(WT_SESSION *session, const char *table) {
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  WT_CURSOR *cursor = cursor_of(session, table);
  printf("ready\n");
  fflush(stdout);
  for (int i = 1000000;; i++) {
    insert(cursor, i);
    if (i % 10 == 0) check(session->checkpoint(session, NULL), "checkpoint");
    if (sigtimedwait(&term, NULL, &(struct timespec){0, 100000000}) == SIGTERM) break;
  }
  check(cursor->close(cursor), "close");
}

int main(int argc, char *argv[]) {
  if (argc < 5) return 2;
  const char *mode = argv[3], *table = argv[4];
  if (strcmp(mode, "fill-open") != 0) { /* before there are threads, which inherit it */
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
  }
  WT_SESSION *session;
  check(wiredtiger_open(argv[1], NULL, argv[2], &connection), "wiredtiger_open");
  check(connection->open_session(connection, NULL, NULL, &session), "open_session");
  struct timespec a, b;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
  if (strncmp(mode, "fill", 4) == 0) fill(session, table, argv[5], atoi(argv[6]), atoi(argv[7]));
  else if (strcmp(mode, "read") == 0) read_all(session, table, atoi(argv[5]));
  else serve(session, table);
  check(connection->close(connection, NULL), "close");
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
  printf("clean\ncpu %.3f\n", (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9);
  return 0;
}
