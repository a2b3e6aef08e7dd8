package email

import (
	"encoding/binary"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

// tnefAttribute and tnefProp write what Outlook writes.
func tnefAttribute(level byte, id uint32, value []byte) []byte {
	b := append([]byte{level}, binary.LittleEndian.AppendUint32(nil, id)...)
	b = append(binary.LittleEndian.AppendUint32(b, uint32(len(value))), value...)
	sum := uint16(0)
	for _, c := range value {
		sum += uint16(c)
	}
	return binary.LittleEndian.AppendUint16(b, sum)
}

func tnefProp(id, kind uint16, value []byte) []byte {
	b := binary.LittleEndian.AppendUint16(nil, kind)
	b = binary.LittleEndian.AppendUint16(b, id)
	if kind == typeString || kind == typeUnicode || kind == typeBinary {
		b = binary.LittleEndian.AppendUint32(b, 1)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(value)))
	}
	b = append(b, value...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func utf16le(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s + "\x00")) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

func tnefProperties(props ...[]byte) []byte {
	list := binary.LittleEndian.AppendUint32(nil, uint32(len(props)))
	for _, p := range props {
		list = append(list, p...)
	}
	return list
}

// winmail is one with words in Windows-1252 and Unicode and two files.
func winmail() []byte {
	named := append(tnefProp(0x8001, 0x03, nil), make([]byte, 16+4+4+4)...) // its GUID, kind, number and value
	b := binary.LittleEndian.AppendUint32(nil, tnefSignature)
	b = append(b, 7, 0)
	for _, a := range [][]byte{
		tnefAttribute(1, 0x00089006, []byte{0, 0, 1, 0}), // version
		tnefAttribute(1, tnefCodepage, []byte{0xe4, 4, 0, 0, 0, 0, 0, 0}),
		tnefAttribute(1, tnefProps, tnefProperties(
			tnefProp(0x0E08, 0x03, []byte{1, 2, 3, 4}), named, tnefProp(0x0E06, 0x40, make([]byte, 8)),
			tnefProp(propBody, typeUnicode, utf16le("Le trottoir est cassé : 10 €.")), tnefProp(propHTML, typeBinary, []byte("<p>cass\xe9</p>\x00")),
		)),
		tnefAttribute(2, tnefFile, make([]byte, 14)),
		tnefAttribute(2, tnefFileTitle, []byte("DCLARA~1.PDF\x00")),
		tnefAttribute(2, tnefFileData, []byte("%PDF-1.4\x00")),
		tnefAttribute(2, tnefFileProps, tnefProperties(tnefProp(propFileLong, typeUnicode, utf16le("déclaration.pdf")), tnefProp(propFileName, typeString, []byte("DCLARA~1.PDF\x00")))),
		tnefAttribute(2, tnefFile, make([]byte, 14)),
		tnefAttribute(2, tnefFileTitle, []byte("r\xe9sum\xe9.txt\x00")),
		tnefAttribute(2, tnefFileData, []byte("mots")),
	} {
		b = append(b, a...)
	}
	return b
}

func TestReadTNEF(t *testing.T) {
	got, ok := readTNEF(winmail())
	want := packed{text: "Le trottoir est cassé : 10 €.", html: "<p>cassé</p>", files: []packedFile{
		{"déclaration.pdf", []byte("%PDF-1.4\x00")}, {"résumé.txt", []byte("mots")},
	}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(packed{}, packedFile{})); !ok || diff != "" {
		t.Errorf("ok %v: %s", ok, diff)
	}
	if _, ok := readTNEF([]byte("no winmail.dat")); ok {
		t.Error("anything is read")
	}
}

func TestReadTNEFCutAnywhere(t *testing.T) {
	whole := winmail()
	complete := 0
	for n := range whole {
		if _, ok := readTNEF(whole[:n]); ok {
			complete++
		}
	}
	if complete > 11 { // between attributes it is as good as whole
		t.Errorf("%d of %d beginnings pass for the whole", complete, len(whole))
	}
}

func FuzzReadTNEF(f *testing.F) {
	f.Add(winmail())
	f.Fuzz(func(_ *testing.T, data []byte) { readTNEF(data) })
}
