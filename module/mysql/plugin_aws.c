/*
 * plugin_aws.c - the system variables of the plugin keyring_aws.
 *
 * All of them together are its configuration, which the library gets as lines
 * NAME=VALUE. Two may change while the server runs.
 */
#include "plugin.h"

#include <stdio.h>
#include <string.h>

#define CMK_ID KEYRING_NAME "_cmk_id"
#define REGION KEYRING_NAME "_region"

/* The region always has a value, so that this statement always works. */
const struct kind kind = {.reload = "SET GLOBAL " REGION " = @@GLOBAL." REGION, .loads_before_fork = 0};

const char plugin_description[] = "Keys that AWS KMS makes and encrypts, in a file";

static char *cmk_id, *conf_file, *data_file, *region;

enum { SETTINGS_ROOM = 4 * (TEXT_ROOM + 16) };

/*
 * settings writes the configuration with one variable changed: `value` is in the
 * place of *changed. -1: a value of the command line cannot be.
 */
static int settings(char *out, char **changed, const char *value) {
  const struct {
    const char *name;
    char **variable;
  } all[] = {{"cmk_id", &cmk_id}, {"conf_file", &conf_file}, {"data_file", &data_file}, {"region", &region}};
  size_t used = 0;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    const char *text = all[i].variable == changed ? value : *all[i].variable;
    if (text == NULL) text = "";
    if (strlen(text) >= TEXT_ROOM || strchr(text, '\n') != NULL) {
      log_text(LOG_ERROR, KEYRING_NAME "_%s: the value is too long, or has a line break.", all[i].name);
      return -1;
    }
    used += (size_t)sprintf(out + used, "%s=%s\n", all[i].name, text);
  }
  return 0;
}

/* check opens the keyring anew, where the server may wait; it is used from update on. */
static int check(void *thd, char **changed, const char *variable, const char *empty, void *save, struct value *value) {
  char text[SETTINGS_ROOM], why[400];
  char *next = set_text(thd, value, variable, empty);
  if (next == NULL) return 1;
  if (strchr(next, '\n') != NULL) return refuse_set(variable, "the value has a line break");
  if (settings(text, changed, next) != 0) return 1;
  if (core_stage(text, why, sizeof why) != 0) return refuse_set(variable, why);
  *(const char **)save = next;
  return 0;
}

static void update(char **changed, void *variable, const void *save) {
  char text[SETTINGS_ROOM];
  const char *next = *(const char *const *)save;
  *(const char **)variable = next;
  if (settings(text, changed, next) == 0) (void)core_commit(text); /* what is wrong is in the log */
}

static int cmk_id_check(void *thd, struct system_variable *self, void *save, struct value *value) {
  (void)self;
  return check(thd, &cmk_id, CMK_ID, "it must name a key of AWS KMS", save, value);
}

static void cmk_id_update(void *thd, struct system_variable *self, void *variable, const void *save) {
  (void)thd, (void)self;
  update(&cmk_id, variable, save);
}

static int region_check(void *thd, struct system_variable *self, void *save, struct value *value) {
  (void)self;
  return check(thd, &region, REGION, "it must name a region of AWS, such as us-east-1", save, value);
}

static void region_update(void *thd, struct system_variable *self, void *variable, const void *save) {
  (void)thd, (void)self;
  update(&region, variable, save);
}

enum {
  DYNAMIC = VARIABLE_STRING | VARIABLE_NO_DEFAULT | VARIABLE_SERVER_ALLOCATES | VARIABLE_PERSISTS_EARLY,
  FIXED = VARIABLE_STRING | VARIABLE_READ_ONLY | VARIABLE_SERVER_ALLOCATES | VARIABLE_PERSISTS_EARLY
};

static struct system_variable cmk_id_variable = {
    DYNAMIC, "cmk_id", "The KMS key under which keys are encrypted: its ID, an alias or an ARN",
    cmk_id_check, cmk_id_update, &cmk_id, ""};
static struct system_variable conf_file_variable = {
    FIXED, "conf_file", "The file with the secret access key: its ID in line 1, the key in line 2",
    NULL, NULL, &conf_file, "/var/lib/mysql-keyring/keyring_aws_conf"};
static struct system_variable data_file_variable = {
    FIXED, "data_file", "The file with the encrypted keys, which is made if it is not there",
    NULL, NULL, &data_file, "/var/lib/mysql-keyring/keyring_aws_data"};
static struct system_variable region_variable = {
    DYNAMIC, "region", "The region of AWS, where " CMK_ID " does not name it",
    region_check, region_update, &region, "us-east-1"};
struct system_variable *plugin_variables[] = {&cmk_id_variable, &conf_file_variable, &data_file_variable,
                                              &region_variable, NULL};

/*
 * "For the keyring_aws plugin to start successfully, the configuration file must exist
 * and contain valid secret access key information": a configuration that cannot be ends
 * it here. What may pass, or can be mended with SET GLOBAL, does not.
 */
int plugin_start(void) {
  char text[SETTINGS_ROOM];
  if (settings(text, NULL, NULL) != 0) return 1;
  if (core_load(text, NULL, DBK_FINAL) != DBK_INVALID) return 0;
  log_line(NULL, LOG_ERROR,
           KEYRING_NAME " does not start with this configuration. After the cure: INSTALL PLUGIN " KEYRING_NAME
                        " SONAME '" KEYRING_NAME ".so', or restart the server.");
  return 1;
}
