// Package bridge is what a database's module does, in pure Go: it stands behind
// the C functions of package module/core and knows nothing of C itself.
//
// A host opens an [Bridge] instance by the name of its component, loads it, and
// calls it by handle from any thread. Every call has a deadline, recovers from
// a panic, answers with a [Code], and flushes the log lines that waited for a
// thread of the host.
//
// The rules are those of MySQL's keyring services: a reload builds the new state
// aside and swaps it in only on success; and an outage is never taken for the
// absence of a key. One is ours: a first load that failed because nobody could be
// reached is tried again in the background.
package bridge
