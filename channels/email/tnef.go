package email

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
)

// The attributes of a winmail.dat that are read (MS-OXTNEF 2.1.3): type in the upper half, number in the lower.
const (
	tnefSignature = 0x223E9F78

	tnefCodepage  = 0x00069007
	tnefBody      = 0x0002800C
	tnefProps     = 0x00069003 // properties of the message
	tnefFile      = 0x00069002 // a file begins
	tnefFileTitle = 0x00018010
	tnefFileData  = 0x0006800F
	tnefFileProps = 0x00069005 // properties of the file
)

// The properties that are read (MS-OXPROPS) and the types of their values (MS-OXCDATA 2.11.1).
const (
	propBody     = 0x1000
	propHTML     = 0x1013
	propFileData = 0x3701
	propFileName = 0x3704
	propFileLong = 0x3707

	typeString  = 0x1E
	typeUnicode = 0x1F
	typeBinary  = 0x102
)

// packed is what a winmail.dat holds that a reader needs. Words that are there as RTF only are not read.
type packed struct {
	text, html string
	files      []packedFile
}

type packedFile struct {
	name string
	data []byte // a part of what was read, not a copy
}

// readTNEF reads a winmail.dat, the format of its own in which Outlook packs words and files (MS-OXTNEF). ok is false when it is
// none or is cut; what could be read before that is returned all the same.
func readTNEF(data []byte) (p packed, ok bool) {
	r := bite{rest: data}
	if r.uint32() != tnefSignature {
		return p, false
	}
	r.take(2) // a key nobody needs
	charset := "windows-1252"
	for len(r.rest) > 0 && !r.short {
		r.take(1) // level: message or file
		id, size := r.uint32(), r.uint32()
		value := r.take(size)
		r.take(2) // a sum that some writers leave wrong
		if r.short || id != tnefFile && isOfFile(id) && len(p.files) == 0 {
			break
		}
		switch id {
		case tnefCodepage:
			v := bite{rest: value}
			charset = codepage(v.uint32())
		case tnefBody:
			p.text = packedText(charset, value)
		case tnefProps:
			eachProp(value, func(id, kind uint16, value []byte) {
				switch {
				case id == propBody && p.text == "":
					p.text = propText(charset, kind, value)
				case id == propHTML:
					p.html = propText(charset, kind, value)
				}
			})
		case tnefFile:
			if len(p.files) == maxParts {
				return p, false
			}
			p.files = append(p.files, packedFile{})
		default:
			if isOfFile(id) {
				p.files[len(p.files)-1].read(charset, id, value)
			}
		}
	}
	return p, !r.short
}

func isOfFile(id uint32) bool {
	return id == tnefFileTitle || id == tnefFileData || id == tnefFileProps
}

// read takes one attribute of a file. The long name among its properties is better than the title, which may have eight letters.
func (f *packedFile) read(charset string, id uint32, value []byte) {
	switch id {
	case tnefFileTitle:
		if f.name == "" {
			f.name = packedText(charset, value)
		}
	case tnefFileData:
		f.data = value
	case tnefFileProps:
		long := false
		eachProp(value, func(id, kind uint16, value []byte) {
			switch {
			case id == propFileLong, id == propFileName && !long:
				if name := propText(charset, kind, value); name != "" {
					f.name, long = name, id == propFileLong
				}
			case id == propFileData && len(f.data) == 0 && kind == typeBinary:
				f.data = value
			}
		})
	}
}

// eachProp calls each for the first value of every property of a list (MS-OXTNEF 2.1.3.4), until the list ends or makes no sense.
func eachProp(list []byte, each func(id, kind uint16, value []byte)) {
	r := bite{rest: list}
	for n := r.uint32(); n > 0 && !r.short; n-- {
		kind, id := r.uint16(), r.uint16()
		if id >= 0x8000 { // named by its owner: a GUID and a number or a name
			r.take(16)
			if r.uint32() == 0 {
				r.take(4)
			} else {
				r.take(padded(r.uint32()))
			}
		}
		const many = 0x1000
		count := uint32(1)
		base := kind &^ many
		variable := base == typeString || base == typeUnicode || base == typeBinary || base == 0x0D
		if variable || kind&many != 0 {
			count = r.uint32()
		}
		for i := uint32(0); i < count && !r.short; i++ {
			size := fixedSize(base)
			if variable {
				size = r.uint32()
			}
			value := r.take(size)
			r.take(padded(size) - size)
			if i == 0 && !r.short {
				each(id, base, value)
			}
			if size == 0 && !variable {
				return // a type we do not know: what follows cannot be found
			}
		}
	}
}

// fixedSize is how many bytes a value of a type takes whose size is not written, 0 for a type we do not know.
func fixedSize(kind uint16) uint32 {
	switch kind {
	case 0x02, 0x03, 0x04, 0x0A, 0x0B:
		return 4
	case 0x05, 0x06, 0x07, 0x14, 0x40:
		return 8
	case 0x48:
		return 16
	}
	return 0
}

// padded is n rounded up to a multiple of four. What would be larger than any file stays so.
func padded(n uint32) uint32 {
	if n > 1<<31 {
		return n
	}
	return (n + 3) &^ 3
}

func propText(charset string, kind uint16, value []byte) string {
	switch kind {
	case typeUnicode:
		units := make([]uint16, 0, len(value)/2)
		for i := 0; i+1 < len(value); i += 2 {
			units = append(units, binary.LittleEndian.Uint16(value[i:]))
		}
		return packedText("utf-8", []byte(string(utf16.Decode(units))))
	case typeString, typeBinary: // binary HTML names its charset itself; most is in that of the message
		return packedText(charset, value)
	}
	return ""
}

// packedText makes text of a value, which ends at its first NUL.
func packedText(charset string, value []byte) string {
	value, _, _ = bytes.Cut(value, []byte{0})
	text, _ := toUTF8(charset, value)
	return strings.TrimSpace(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text))
}

// codepage names the charset of a Windows code page.
func codepage(number uint32) string {
	switch number {
	case 932:
		return "shift_jis"
	case 936:
		return "gbk"
	case 65001:
		return "utf-8"
	}
	if number >= 1250 && number <= 1258 {
		return fmt.Sprintf("windows-%d", number)
	}
	return "windows-1252"
}

// bite reads little-endian numbers and bytes off the front of rest. What is not there is zero and sets short.
type bite struct {
	rest  []byte
	short bool
}

func (b *bite) take(n uint32) []byte {
	if uint64(n) > uint64(len(b.rest)) {
		b.rest, b.short = nil, true
		return nil
	}
	taken := b.rest[:n:n]
	b.rest = b.rest[n:]
	return taken
}

func (b *bite) uint16() uint16 {
	if v := b.take(2); v != nil {
		return binary.LittleEndian.Uint16(v)
	}
	return 0
}

func (b *bite) uint32() uint32 {
	if v := b.take(4); v != nil {
		return binary.LittleEndian.Uint32(v)
	}
	return 0
}
