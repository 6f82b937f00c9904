// Command core is libdbkeyring.so: built with -buildmode=c-shared, it is the one
// Go library behind all of our database modules, however many a process loads.
//
// exports.go has the functions of dbkeyring.h, each a few lines that turn C
// values into Go's and call package module/bridge. This is the only package of
// the project that imports "C".
package main

import "github.com/dbkeyring/dbkeyring/module/bridge"

// exported is what the C functions work on. C has no receiver, so this is the
// one global of the library.
var exported = bridge.New(dialects())

// main is never called: a c-shared library has none.
func main() {}
