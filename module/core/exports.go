package main

/*
#include <stdlib.h>
#include "dbkeyring.h"

// cgo spells C types as they are named. These names let the prototypes that it
// makes for the exported functions agree with those of dbkeyring.h, and the C
// compiler checks that they do.
typedef const char in_string;
typedef const unsigned char in_bytes;
*/
import "C"

import (
	"runtime/debug"
	"unsafe"

	"github.com/dbkeyring/dbkeyring/module/bridge"
)

//export dbk_abi
func dbk_abi() C.int { return C.DBK_ABI }

//export dbk_open
func dbk_open(component, reload *C.in_string, log C.dbk_log_fn, context unsafe.Pointer, instance *C.dbk_handle) (rc C.int) {
	defer guard(&rc)
	debug.SetGCPercent(25) // a guest: less memory of the host for a little more work of ours
	h, code := exported.Open(text(component), text(reload), emitter(log, context))
	*instance = C.dbk_handle(h)
	return C.int(code)
}

//export dbk_load
func dbk_load(instance C.dbk_handle, componentPath, instancePath, firstDir *C.in_string, flags C.uint) (rc C.int) {
	defer guard(&rc)
	return C.int(exported.Load(bridge.Handle(instance), bridge.Request{
		ComponentPath: text(componentPath), InstancePath: text(instancePath), FirstDir: text(firstDir),
		Quick: flags&C.DBK_QUICK != 0, Several: flags&C.DBK_SEVERAL != 0, Final: flags&C.DBK_FINAL != 0,
	}, flags&C.DBK_OFFLINE != 0))
}

//export dbk_stage
func dbk_stage(instance C.dbk_handle, componentPath, firstDir *C.in_string, reason *C.char, capacity C.size_t) (rc C.int) {
	defer guard(&rc)
	why, code := exported.Stage(bridge.Handle(instance), bridge.Request{ComponentPath: text(componentPath), FirstDir: text(firstDir)})
	tell(why, reason, capacity)
	return C.int(code)
}

// tell copies a reason, cut to the room there is.
func tell(why string, reason *C.char, capacity C.size_t) {
	if out := buffer(reason, capacity); len(out) > 0 {
		out[copy(out[:len(out)-1], why)] = 0
	}
}

//export dbk_commit
func dbk_commit(instance C.dbk_handle, componentPath *C.in_string) (rc C.int) {
	defer guard(&rc)
	return C.int(exported.Commit(bridge.Handle(instance), text(componentPath)))
}

//export dbk_ready
func dbk_ready(instance C.dbk_handle) (ready C.int) {
	defer func() { _ = recover() }() // not ready, then
	if exported.Ready(bridge.Handle(instance)) {
		return 1
	}
	return 0
}

//export dbk_close
func dbk_close(instance C.dbk_handle) (rc C.int) {
	defer guard(&rc)
	return C.int(exported.Close(bridge.Handle(instance)))
}

//export dbk_fetch
func dbk_fetch(instance C.dbk_handle, id, owner *C.in_string, data *C.uchar, dataCapacity C.size_t, dataSize *C.size_t, typ *C.char, typeCapacity C.size_t, typeSize *C.size_t) (rc C.int) {
	defer guard(&rc)
	sizes, code := exported.Fetch(bridge.Handle(instance), keyID(id, owner), buffer(data, dataCapacity), buffer(typ, typeCapacity))
	*dataSize, *typeSize = C.size_t(sizes.Data), C.size_t(sizes.Type)
	return C.int(code)
}

//export dbk_store
func dbk_store(instance C.dbk_handle, id, owner, typ *C.in_string, data *C.in_bytes, size C.size_t) (rc C.int) {
	defer guard(&rc)
	return C.int(exported.Store(bridge.Handle(instance), keyID(id, owner), text(typ), buffer(data, size)))
}

//export dbk_generate
func dbk_generate(instance C.dbk_handle, id, owner, typ *C.in_string, size C.size_t) (rc C.int) {
	defer guard(&rc)
	return C.int(exported.Generate(bridge.Handle(instance), keyID(id, owner), text(typ), length(size)))
}

//export dbk_remove
func dbk_remove(instance C.dbk_handle, id, owner *C.in_string) (rc C.int) {
	defer guard(&rc)
	return C.int(exported.Remove(bridge.Handle(instance), keyID(id, owner)))
}

//export dbk_native_id
func dbk_native_id(instance C.dbk_handle, id, owner *C.in_string, name *C.char, capacity C.size_t, size *C.size_t) (rc C.int) {
	defer guard(&rc)
	n, code := exported.NativeID(bridge.Handle(instance), keyID(id, owner), buffer(name, capacity))
	*size = C.size_t(n)
	return C.int(code)
}

//export dbk_rotate
func dbk_rotate(instance C.dbk_handle, what C.int, reason *C.char, capacity C.size_t) (rc C.int) {
	defer guard(&rc)
	why, code := exported.Rotate(bridge.Handle(instance), bridge.Rotation(what))
	tell(why, reason, capacity)
	return C.int(code)
}

//export dbk_snapshot_keys
func dbk_snapshot_keys(instance C.dbk_handle, snapshot *C.dbk_handle, size *C.size_t) (rc C.int) {
	defer guard(&rc)
	s, n, code := exported.SnapshotKeys(bridge.Handle(instance))
	*snapshot, *size = C.dbk_handle(s), C.size_t(n)
	return C.int(code)
}

//export dbk_snapshot_status
func dbk_snapshot_status(instance C.dbk_handle, snapshot *C.dbk_handle, size *C.size_t) (rc C.int) {
	defer guard(&rc)
	s, n, code := exported.SnapshotStatus(bridge.Handle(instance))
	*snapshot, *size = C.dbk_handle(s), C.size_t(n)
	return C.int(code)
}

//export dbk_snapshot_take
func dbk_snapshot_take(snapshot C.dbk_handle, out *C.char, capacity C.size_t) (rc C.int) {
	defer guard(&rc)
	return C.int(exported.TakeSnapshot(bridge.Handle(snapshot), buffer(out, capacity)))
}

//export dbk_aes
func dbk_aes(instance C.dbk_handle, decrypt C.int, id, owner, mode *C.in_string, keyBits C.size_t, iv *C.in_bytes, padding C.int, in *C.in_bytes, inSize C.size_t, out *C.uchar, capacity C.size_t, size *C.size_t) (rc C.int) {
	defer guard(&rc)
	p := bridge.AESParams{Mode: text(mode), BlockSize: length(keyBits), IV: buffer(iv, 16), Padding: padding != 0, Decrypt: decrypt != 0}
	n, code := exported.AES(bridge.Handle(instance), keyID(id, owner), p, buffer(in, inSize), buffer(out, capacity))
	*size = C.size_t(n)
	return C.int(code)
}

//export dbk_aes_size
func dbk_aes_size(mode *C.in_string, keyBits, inSize C.size_t, size *C.size_t) (rc C.int) {
	defer guard(&rc)
	n, code := bridge.AESSize(text(mode), length(keyBits), length(inSize))
	*size = C.size_t(n)
	return C.int(code)
}
