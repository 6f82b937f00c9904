/* library.h - libdbkeyring.so beside this module. */
#ifndef LIBRARY_H
#define LIBRARY_H

#include <signal.h>

#include "../core/dbkeyring.h"

struct library {
  __typeof__(dbk_wt_open) *open;
  __typeof__(dbk_wt_customize) *customize;
  __typeof__(dbk_wt_encrypt) *encrypt;
  __typeof__(dbk_wt_decrypt) *decrypt;
  __typeof__(dbk_wt_release) *release;
  __typeof__(dbk_wt_close) *close;
};

/* library_load returns the functions, or NULL and why. */
const struct library *library_load(char *why, size_t capacity);

/*
 * A handler of the host must not run on a stack of Go, so signals are blocked round each
 * call. enter returns whether leave has anything to undo.
 */
int library_enter(sigset_t *saved);
void library_leave(int entered, const sigset_t *saved);

#endif
