// Package faultfs is a file system for tests that fails, or loses power, at any
// operation that a test chooses. It stands on the real one: a test gives it to the
// code under test and looks at the real files afterwards.
//
// A loop over all operations needs no knowledge of which there are:
//
//	for _, left := range faultfs.Outcomes {
//		for n := 1; ; n++ {
//			fsys := faultfs.New()
//			store := open(fsys, dir(t)) // before the counting
//			fsys.CutAt(n)
//			err := store.Put("key")
//			if !fsys.Hit() {
//				break // Put needs fewer operations than n
//			}
//			fsys.Restart(left)
//			store = open(fsys, ...) // whole, with the key or without; with it if err is nil
//		}
//	}
//
// With FailAt(n, syscall.ENOSPC) in the place of CutAt, and without Restart, the same
// loop shows what single errors do.
//
// What a power cut leaves is reckoned by folders: the first operation in a folder takes
// what is there for durable. Symbolic links and the permissions of a file that stays
// are taken to be durable always.
package faultfs
