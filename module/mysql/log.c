/* log.c - lines for the server's error log, without a server for stderr; and errors. */
#include <stdio.h>

#include "shim.h"

static log_sink *server_log;

void log_to(log_sink *sink) { server_log = sink; }

/* log_line is also the dbk_log_fn of the core; its severities are the server's. */
void log_line(void *unused, int severity, const char *line) {
  (void)unused;
  if (server_log != NULL) {
    server_log(severity, line);
    return;
  }
  static const char *const names[] = {"System", "Error", "Warning", "Note"};
  if (severity != LOG_NOTE) fprintf(stderr, "[%s] " KEYRING_NAME ": %s\n", names[severity & 3], line);
}

void log_text(int severity, const char *format, ...) {
  char line[2048];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  log_line(NULL, severity, line);
}

/* raise_error ends the user's statement with an error of the server's list. */
void raise_error(struct registry *registry, int error_id, ...) {
  struct mysql_runtime_error *errors = NULL;
  if (registry->acquire("mysql_runtime_error", (void **)&errors) != 0 || errors == NULL) return;
  va_list arguments;
  va_start(arguments, error_id);
  errors->emit(error_id, 0, arguments);
  va_end(arguments);
  registry->release(errors);
}
