package cryptography

import (
	"crypto/rand"
	"crypto/subtle"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// pads says whether the method adds bytes to a text of whole blocks, too, so that it can
// be taken off without doubt. Zeros cannot: what a text ends with goes with them.
func pads(m kmip.PaddingMethod) (known, always bool) {
	switch m {
	case 0, kmip.PaddingNone:
		return true, false
	case kmip.PaddingZeros:
		return true, false
	case kmip.PaddingPKCS5, kmip.PaddingANSIX923, kmip.PaddingISO10126:
		return true, true
	}
	return false, false
}

// padLength is how many bytes the method adds to a text of n bytes; ok is false if there
// is no padding and the text is not of whole blocks.
func padLength(m kmip.PaddingMethod, n, block int) (pad int, ok bool) {
	rest := n % block
	switch m {
	case 0, kmip.PaddingNone:
		return 0, rest == 0
	case kmip.PaddingZeros:
		return (block - rest) % block, true
	}
	return block - rest, true
}

// fill writes the padding into p, which is all of it.
func fill(m kmip.PaddingMethod, p []byte) {
	if len(p) == 0 {
		return
	}
	switch m {
	case kmip.PaddingZeros:
		clear(p)
		return
	case kmip.PaddingPKCS5:
		for i := range p {
			p[i] = byte(len(p))
		}
	case kmip.PaddingANSIX923:
		clear(p)
	case kmip.PaddingISO10126:
		rand.Read(p) // never fails
	}
	p[len(p)-1] = byte(len(p))
}

// unpad returns how long the text before the padding is. The time that it takes says
// nothing about the text, which ends with the last block.
func unpad(m kmip.PaddingMethod, text []byte, block int) (n int, err error) {
	if len(text) < block {
		return 0, ErrCryptography
	}
	last := text[len(text)-block:]
	if m == kmip.PaddingZeros {
		// As many zeros as there are go, but not more than a block less one.
		zeros, more := 0, 1
		for i := block - 1; i > 0; i-- {
			more &= subtle.ConstantTimeByteEq(last[i], 0)
			zeros += more
		}
		return len(text) - zeros, nil
	}
	pad := int(last[block-1])
	good := subtle.ConstantTimeLessOrEq(1, pad) & subtle.ConstantTimeLessOrEq(pad, block)
	for i := range block {
		inside := subtle.ConstantTimeLessOrEq(block-i, pad)
		if i == block-1 {
			break
		}
		want, counts := byte(pad), inside
		switch m {
		case kmip.PaddingANSIX923:
			want = 0
		case kmip.PaddingISO10126:
			counts = 0 // random bytes
		}
		good &= subtle.ConstantTimeSelect(counts, subtle.ConstantTimeByteEq(last[i], want), 1)
	}
	if good != 1 {
		return 0, ErrCryptography
	}
	return len(text) - pad, nil
}
