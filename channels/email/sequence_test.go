package email

import (
	"strings"
	"testing"
)

func TestSequenceJoinsOnce(t *testing.T) {
	const parts, size = 400, 100 << 10
	one := strings.Repeat("x", size)
	found := make([]content, parts)
	got := testing.Benchmark(func(b *testing.B) {
		for range b.N {
			for i := range found {
				found[i] = content{text: one}
			}
			if n := len(sequence(found...).text); n < parts*size {
				b.Fatalf("only %d bytes are left", n)
			}
		}
	}).AllocedBytesPerOp()
	if got > 3*parts*size {
		t.Errorf("%d parts of %d bytes take %d bytes", parts, size, got)
	}
}
