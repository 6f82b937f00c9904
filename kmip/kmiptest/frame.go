package kmiptest

import (
	"fmt"
	"io"

	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// maxFrame is the largest response that a test takes, in bytes.
const maxFrame = 64 << 20

// ReadFrame reads one message.
func ReadFrame(r io.Reader) ([]byte, error) {
	header := make([]byte, ttlv.HeaderSize)
	if _, err := io.ReadFull(r, header); err != nil {
		return nil, err
	}
	size, err := ttlv.FrameSize(header)
	if err != nil {
		return nil, err
	}
	if size > maxFrame {
		return nil, fmt.Errorf("a frame of %d bytes", size)
	}
	frame := make([]byte, size)
	copy(frame, header)
	_, err = io.ReadFull(r, frame[len(header):])
	return frame, err
}
