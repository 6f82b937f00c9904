// Package archtest holds the tree to what ARCHITECTURE.md says of it: which way
// imports point, what may enter a database's process, and the habits that a
// compiler does not check. It is all tests.
package archtest
