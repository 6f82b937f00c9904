/*
 * plugin_okv.c - the system variable of the plugin keyring_okv.
 *
 * keyring_okv_conf_dir may name another configuration while the server runs.
 */
#include "plugin.h"

#define CONF_DIR KEYRING_NAME "_conf_dir"

const struct kind kind = {.reload = "SET GLOBAL " CONF_DIR " = @@GLOBAL." CONF_DIR,
                          .loads_before_fork = 0};

const char plugin_description[] = "Keys from a KMIP key server";

static char *conf_dir;

/* The new keyring is opened here, where the server may wait, and used from update on. */
static int conf_dir_check(void *thd, struct system_variable *self, void *save, struct value *value) {
  (void)self;
  char why[400];
  char *dir = set_text(thd, value, CONF_DIR,
                       "it must name a directory. To end the use of this keyring: UNINSTALL PLUGIN " KEYRING_NAME);
  if (dir == NULL) return 1;
  if (core_stage(dir, why, sizeof why) != 0) return refuse_set(CONF_DIR, why);
  *(const char **)save = dir;
  return 0;
}

static void conf_dir_update(void *thd, struct system_variable *self, void *variable, const void *save) {
  (void)thd, (void)self;
  const char *dir = *(const char *const *)save;
  *(const char **)variable = dir;
  if (dir != NULL) (void)core_commit(dir); /* what is wrong is in the log */
}

static struct system_variable conf_dir_variable = {
    VARIABLE_STRING | VARIABLE_NO_DEFAULT | VARIABLE_SERVER_ALLOCATES | VARIABLE_PERSISTS_EARLY,
    "conf_dir",
    "The directory with okvclient.ora and ssl/, which tell the key server and how to reach it",
    conf_dir_check, conf_dir_update, &conf_dir, ""};
struct system_variable *plugin_variables[] = {&conf_dir_variable, NULL};

/* Whatever is wrong is told in the error log, and the plugin stays, so that SET GLOBAL can mend it. */
int plugin_start(void) {
  if (conf_dir != NULL && *conf_dir != '\0')
    (void)core_load(conf_dir, NULL, 0);
  else
    log_line(NULL, LOG_WARNING,
             "For " KEYRING_NAME " to be initialized, please point the " CONF_DIR " variable to a "
             "directory containing Oracle Key Vault configuration file and ssl materials");
  return 0;
}
