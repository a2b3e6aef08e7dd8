package email

import "bytes"

// decodeUU decodes a part sent as uuencode, the way Unix sent files before MIME: "begin 644 name", lines that begin with their
// length, "end". ok is false when there is no such block.
func decodeUU(body []byte) (data []byte, ok bool) {
	for len(body) > 0 {
		var line []byte
		line, body = cutLine(body)
		if bytes.HasPrefix(line, []byte("begin ")) {
			ok = true
			break
		}
	}
	for ok && len(body) > 0 {
		var line []byte
		line, body = cutLine(body)
		if len(line) == 0 || string(line) == "end" {
			break
		}
		want := int(line[0]-' ') & 0x3f
		data = appendUU(data, line[1:], want)
	}
	return data, ok
}

// appendUU appends at most want bytes decoded from groups of four characters.
func appendUU(data, groups []byte, want int) []byte {
	end := len(data) + want
	for len(groups) >= 2 && len(data) < end {
		var g [4]byte
		n := copy(g[:], groups)
		groups = groups[n:]
		for i := range g {
			g[i] = (g[i] - ' ') & 0x3f
		}
		three := [3]byte{g[0]<<2 | g[1]>>4, g[1]<<4 | g[2]>>2, g[2]<<6 | g[3]}
		data = append(data, three[:min(n-1, end-len(data))]...)
	}
	return data
}
