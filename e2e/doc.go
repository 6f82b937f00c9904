// Package e2e holds the tests that run the real programs: mysqld with our
// module loaded, our key server and PyKMIP, each as processes of their own.
//
// They are built with the tag e2e and expect `make build` and
// `make modules-faultinject` to have been run; `make test` does all that. A
// missing real part fails the test that needs it, with the sentence that
// installs it. DBKEYRING_SKIP_MISSING=1 makes it a skip, which is counted and
// said at the end. MYSQLD names the server to test with.
//
// The harness is in the files *_harness_test.go: one type for each program.
package e2e
