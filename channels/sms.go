package channels

import (
	"strings"
	"unicode/utf16"
)

// Segments is what a text costs as a text message: every segment is one message on the air, and on the bill.
type Segments struct {
	Encoding string // GSM7, or UCS2 as soon as one character is not in its alphabet
	Units    int    // of the whole text: septets, or UTF-16 units
	Count    int    // 0 for an empty text
	Left     int    // units that still fit in the last segment
}

// The encodings of a text message (3GPP TS 23.038 §6.2).
const (
	GSM7 = "GSM-7"
	UCS2 = "UCS-2"
)

// The alphabet of GSM-7 (3GPP TS 23.038 §6.2.1) and its extension, whose characters take two septets. Capital Ç is in it; small ç,
// the circumflexes, œ and the typographic apostrophe are not.
const (
	gsmAlphabet = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtension = "\f^{}\\[~]|€"
)

// CountSegments tells how a text is cut into segments. One alone holds 160 septets or 70 UTF-16 units; of several, each gives seven
// septets or three units to the header that joins them (3GPP TS 23.040 §9.2.3.24.1). No character is cut in two.
func CountSegments(text string) Segments {
	s, alone, joined, width := Segments{Encoding: GSM7}, 160, 153, gsmWidth
	if strings.ContainsFunc(text, func(r rune) bool { return gsmWidth(r) == 0 }) {
		s, alone, joined, width = Segments{Encoding: UCS2}, 70, 67, utf16.RuneLen
	}
	used := 0 // of the last segment, if there are several
	for _, r := range text {
		w := width(r)
		s.Units += w
		if s.Count == 0 || used+w > joined {
			s.Count++
			used = 0
		}
		used += w
	}
	if s.Units > alone {
		s.Left = joined - used
		return s
	}
	s.Count, s.Left = min(s.Count, 1), alone-s.Units
	return s
}

// gsmWidth is how many septets a character takes; 0: it is not in the alphabet.
func gsmWidth(r rune) int {
	switch {
	case strings.ContainsRune(gsmAlphabet, r):
		return 1
	case strings.ContainsRune(gsmExtension, r):
		return 2
	default:
		return 0
	}
}
