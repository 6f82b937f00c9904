/* log.c - lines for the server's error log; without a server, for stderr. */
#include <stdio.h>

#include "shim.h"

static struct mysql_simple_error_log *server_log;

/*
 * The service is not among the component's needs, since mysql_migrate_keyring
 * has none and servers before 8.0.37 have none.
 */
void log_acquire(struct registry *registry) {
  if (server_log == NULL &&
      registry->acquire("mysql_simple_error_log", (void **)&server_log) != 0)
    server_log = NULL;
}

void log_release(struct registry *registry) {
  if (server_log != NULL) registry->release(server_log);
  server_log = NULL;
}

/* log_line is also the dbk_log_fn of the core; its severities are the server's. */
void log_line(void *unused, int severity, const char *line) {
  (void)unused;
  char text[4096];
  snprintf(text, sizeof text, COMPONENT_NAME ": %s", line);
  if (server_log != NULL) {
    server_log->emit("Keyring", "component", 0, severity, ER_LOG_PRINTF_MSG, text);
    return;
  }
  static const char *const names[] = {"System", "Error", "Warning", "Note"};
  if (severity != LOG_NOTE) fprintf(stderr, "[%s] %s\n", names[severity & 3], text);
}

void log_text(int severity, const char *format, ...) {
  char line[2048];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  log_line(NULL, severity, line);
}
