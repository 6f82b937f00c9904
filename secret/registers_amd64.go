package secret

import "golang.org/x/sys/cpu"

// clearRegisters clears the vector registers. What was copied last stays in them
// for long, and a signal writes them to the stack of its handler, where nobody
// can wipe it.
func clearRegisters() { clearVectors(cpu.X86.HasAVX) }

// clearVectors is in registers_amd64.s.
func clearVectors(avx bool)
