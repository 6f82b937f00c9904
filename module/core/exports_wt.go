package main

/*
#include <stdlib.h>
#include "dbkeyring.h"
typedef const char in_string;
typedef const unsigned char in_bytes;
*/
import "C"

import (
	"unsafe"

	"github.com/dbkeyring/dbkeyring/module/bridge"
)

//export dbk_wt_open
func dbk_wt_open(config *C.in_string, flags C.uint, log C.dbk_log_fn, context unsafe.Pointer, database *C.dbk_handle, reason *C.char, capacity C.size_t) (rc C.int) {
	defer guard(&rc)
	h, why, code := encryptors.Open(text(config), flags&C.DBK_WT_BLOCKS_SIGTERM != 0, emitter(log, context))
	*database = C.dbk_handle(h)
	tell(why, reason, capacity)
	return C.int(code)
}

//export dbk_wt_customize
func dbk_wt_customize(database C.dbk_handle, keyid *C.in_string, size C.size_t, cipher *C.dbk_handle, expansion *C.size_t, reason *C.char, capacity C.size_t) (rc C.int) {
	defer guard(&rc)
	h, n, why, code := encryptors.Customize(bridge.Handle(database), string(buffer(keyid, size)))
	*cipher, *expansion = C.dbk_handle(h), C.size_t(n)
	tell(why, reason, capacity)
	return C.int(code)
}

//export dbk_wt_encrypt
func dbk_wt_encrypt(cipher C.dbk_handle, in *C.in_bytes, inSize C.size_t, out *C.uchar, capacity C.size_t, size *C.size_t) (rc C.int) {
	defer guard(&rc)
	n, err := encryptors.Encrypt(bridge.Handle(cipher), buffer(out, capacity), buffer(in, inSize))
	if err != nil {
		return C.DBK_INVALID
	}
	*size = C.size_t(n)
	return C.DBK_OK
}

//export dbk_wt_decrypt
func dbk_wt_decrypt(cipher C.dbk_handle, in *C.in_bytes, inSize C.size_t, out *C.uchar, capacity C.size_t, size *C.size_t) (rc C.int) {
	defer guard(&rc)
	n, err := encryptors.Decrypt(bridge.Handle(cipher), buffer(out, capacity), buffer(in, inSize))
	if err != nil {
		return C.DBK_CORRUPT
	}
	*size = C.size_t(n)
	return C.DBK_OK
}

//export dbk_wt_release
func dbk_wt_release(cipher C.dbk_handle) (rc C.int) {
	defer guard(&rc)
	encryptors.Release(bridge.Handle(cipher))
	return C.DBK_OK
}

//export dbk_wt_close
func dbk_wt_close(database C.dbk_handle) (rc C.int) {
	defer guard(&rc)
	return C.int(encryptors.Close(bridge.Handle(database)))
}
