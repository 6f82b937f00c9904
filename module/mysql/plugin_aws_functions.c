/*
 * plugin_aws_functions.c - the SQL functions of the plugin keyring_aws.
 *
 * CREATE FUNCTION keyring_aws_rotate_cmk RETURNS INTEGER SONAME 'keyring_aws.so'; and
 * so on. Each returns 1, or NULL and an error, and is for those with SUPER.
 */
#include "plugin.h"

#include <stdio.h>

/* fail ends the statement: the server's error, and NULL. */
static long long fail(struct registry *registry, unsigned char *is_null, unsigned char *error) {
  if (registry != NULL) plugin_registry_service->release(registry);
  *is_null = *error = 1;
  return 0;
}

/* has_super says whether the user of this statement has the privilege. */
static bool has_super(struct registry *registry) {
  struct mysql_current_thread_reader *threads = NULL;
  struct mysql_thd_security_context *contexts = NULL;
  struct mysql_security_context_options *options = NULL;
  void *thd = NULL, *context = NULL;
  char super = 0;
  bool known = registry->acquire("mysql_current_thread_reader", (void **)&threads) == 0 &&
               registry->acquire("mysql_thd_security_context", (void **)&contexts) == 0 &&
               registry->acquire("mysql_security_context_options", (void **)&options) == 0 &&
               threads->get(&thd) == 0 && contexts->get(thd, &context) == 0 &&
               options->get(context, "privilege_super", &super) == 0;
  if (threads != NULL) registry->release(threads);
  if (contexts != NULL) registry->release(contexts);
  if (options != NULL) registry->release(options);
  return known && super;
}

static long long rotate(const char *function, int what, unsigned char *is_null, unsigned char *error) {
  struct registry *registry = plugin_registry_service->acquire();
  if (registry == NULL) return fail(NULL, is_null, error);
  if (!has_super(registry)) {
    raise_error(registry, ER_SPECIFIC_ACCESS_DENIED_ERROR, "SUPER");
    return fail(registry, is_null, error);
  }
  char why[400];
  if (core_rotate(what, why, sizeof why) != DBK_OK) {
    without_full_stop(why);
    raise_error(registry, ER_FAILED_DUE_TO, function, why);
    return fail(registry, is_null, error);
  }
  plugin_registry_service->release(registry);
  return 1;
}

/*
 * The three exports of a function. Its result is no constant: it is computed when the
 * statement is executed, not when it is explained or prepared.
 */
#define FUNCTION(name, what)                                                                        \
  EXPORT bool name##_init(struct udf_init *self, struct udf_arguments *arguments, char *message) {  \
    if (arguments->count != 0) {                                                                    \
      snprintf(message, UDF_MESSAGE, #name "() takes no argument");                                 \
      return true;                                                                                  \
    }                                                                                               \
    self->maybe_null = true;                                                                        \
    self->const_item = false;                                                                       \
    return false;                                                                                   \
  }                                                                                                 \
  EXPORT void name##_deinit(struct udf_init *self) { (void)self; }                                  \
  EXPORT long long name(struct udf_init *self, struct udf_arguments *arguments,                     \
                        unsigned char *is_null, unsigned char *error) {                             \
    (void)self, (void)arguments;                                                                    \
    return rotate(#name, what, is_null, error);                                                     \
  }

FUNCTION(keyring_aws_rotate_cmk, DBK_ROTATE_MASTER_KEY)
FUNCTION(keyring_aws_rotate_cms, DBK_ROTATE_MASTER_KEY) /* as MySQL's manual once spells it */
FUNCTION(keyring_aws_rotate_keys, DBK_ROTATE_KEYS)
