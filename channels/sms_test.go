package channels

import (
	"strings"
	"testing"
)

func TestCountSegments(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       Segments
	}{
		{"nothing", "", Segments{GSM7, 0, 0, 160}},
		{"a word", "Bonjour", Segments{GSM7, 7, 1, 153}},
		{"a full one", strings.Repeat("a", 160), Segments{GSM7, 160, 1, 0}},
		{"one more", strings.Repeat("a", 161), Segments{GSM7, 161, 2, 145}},
		{"two full ones", strings.Repeat("a", 306), Segments{GSM7, 306, 2, 0}},
		{"three", strings.Repeat("a", 307), Segments{GSM7, 307, 3, 152}},
		{"two septets each", "€[]{}|^~\\\f", Segments{GSM7, 20, 1, 140}},
		{"80 of them", strings.Repeat("€", 80), Segments{GSM7, 160, 1, 0}},
		{"81 of them, never cut in two", strings.Repeat("€", 81), Segments{GSM7, 162, 2, 143}}, // 76, one septet lost, 5
		{"one that moves on", strings.Repeat("a", 152) + "€" + strings.Repeat("a", 10), Segments{GSM7, 164, 2, 141}},
		{"in the alphabet", "é è à ù É Ç ì ò ñ ü ä ö Ä Ö Ü ß £ $ @ \r\n", Segments{GSM7, 40, 1, 120}},
		{"a full one of UCS-2", "ê" + strings.Repeat("a", 69), Segments{UCS2, 70, 1, 0}},
		{"one more of UCS-2", "ê" + strings.Repeat("a", 70), Segments{UCS2, 71, 2, 63}},
		{"an emoji is two units", "🙂", Segments{UCS2, 2, 1, 68}},
		{"35 emojis", strings.Repeat("🙂", 35), Segments{UCS2, 70, 1, 0}},
		{"36 emojis, never cut in two", strings.Repeat("🙂", 36), Segments{UCS2, 72, 2, 61}}, // 33, one unit lost, 3
		{"not even UTF-8", "a\xff", Segments{UCS2, 2, 1, 68}},
	} {
		if got := CountSegments(c.text); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
	for _, r := range "’êâîôûëïœçÊÔŒ«»–…\u00a0" {
		if got := CountSegments(string(r)); got.Encoding != UCS2 || got.Units != 1 {
			t.Errorf("%c: %+v", r, got)
		}
	}
	for _, r := range "éèàù" {
		if got := CountSegments(string(r)); got.Encoding != GSM7 || got.Units != 1 {
			t.Errorf("%c: %+v", r, got)
		}
	}
}
