// Command core is libdbkeyring.so: built with -buildmode=c-shared, it is the one
// Go library behind all of our database modules, however many a process loads.
//
// exports.go and exports_wt.go have the functions of dbkeyring.h, each a few lines that
// turn C values into Go's and call package module/bridge or module/encryptor. This is the only package of
// the project that imports "C".
package main

import (
	"github.com/dbkeyring/dbkeyring/config/mongod"
	"github.com/dbkeyring/dbkeyring/module/bridge"
	"github.com/dbkeyring/dbkeyring/module/encryptor"
)

// What the C functions work on: keyrings, and the encryptors of WiredTiger. C has no
// receiver, so these are the globals of the library.
var (
	exported   = bridge.New(dialects())
	encryptors = encryptor.New(mongod.Read, encryptor.StopHost)
)

// main is never called: a c-shared library has none.
func main() {}
