package words

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sound returns how a French name sounds, so that Lefèvre and Lefebvre, Dupont and Dupond, Thibault and Tibaud are one. It is made
// to find names, not to pronounce them: names that differ may sound the same, and whoever finds one by its sound compares the letters.
//
// The rules, on the folded letters:
//
//   - At the end s, x, z, t, d and p are not heard, nor an e after a consonant, nor the l of -ault, nor what follows the c of -rcq.
//   - A vowel and n or m before a consonant or at the end are one sound: A for an and en, I for in, ain, ein and yn, O for on.
//   - ph is f; ch, sh and sch are x, chr is kr; qu, ck and cq are k; gu before e, i and y is g; gn is n; bv is v; eau and au are o; eu and oeu
//     are e; ai, ei, ay and ey are e; ou is u.
//   - c before e, i and y is s, elsewhere k; g before them is j; z is s; y is i; w is v; h is not heard. Two same letters are one.
//
// Letters of other scripts stay as they are. A name without letters has no sound.
func Sound(name string) string {
	w, mute := heard(strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return r
		}
		return -1
	}, Fold(name)))
	var b strings.Builder
	for i := 0; i < len(w); {
		sound, n := soundAt(w, i)
		b.WriteString(sound)
		i += n
	}
	sound := single(b.String())
	if mute {
		sound = strings.TrimSuffix(sound, "e")
	}
	return sound
}

// heard is a name without what is not heard at its end. An e that is not heard is left to whoever reads on, because it makes the n
// before it heard.
func heard(w string) (short string, mute bool) {
	short = strings.TrimRight(w, "sxztdp")
	for _, end := range []string{"aul", "rcq", "rck"} {
		if strings.HasSuffix(short, end) {
			short = short[:len(short)-1]
		}
	}
	if len(short) < 2 {
		return w, false
	}
	if before, ok := strings.CutSuffix(short, "ee"); ok {
		short = before + "e"
	}
	n := len(short)
	mute = (short == w || short+"s" == w || short+"z" == w || short+"e" == w) && n > 3 && short[n-1] == 'e' && strings.IndexByte(vowels, short[n-2]) < 0
	return short, mute
}

const vowels = "aeiouy"

// groups are letters that are one sound together, the longer ones first.
func groups() [][2]string {
	return [][2]string{
		{"eau", "o"}, {"oeu", "e"}, {"sch", "x"}, {"chr", "kr"}, {"ph", "f"}, {"ch", "x"}, {"sh", "x"}, {"qu", "k"}, {"ck", "k"}, {"cq", "k"}, {"gn", "n"},
		{"bv", "v"}, {"au", "o"}, {"eu", "e"}, {"ai", "e"}, {"ei", "e"}, {"ay", "e"}, {"ey", "e"}, {"ou", "u"},
	}
}

// nasals are vowels that n or m makes one sound with.
func nasals() [][2]string {
	return [][2]string{{"ai", "I"}, {"ei", "I"}, {"a", "A"}, {"e", "A"}, {"i", "I"}, {"y", "I"}, {"o", "O"}}
}

// soundAt is the sound that begins at a letter, and how many bytes it takes.
func soundAt(w string, i int) (sound string, n int) {
	rest := w[i:]
	for _, v := range nasals() {
		if after, ok := strings.CutPrefix(rest, v[0]); ok && nasal(after) {
			return v[1], len(v[0]) + 1
		}
	}
	for _, g := range groups() {
		if strings.HasPrefix(rest, g[0]) {
			return g[1], len(g[0])
		}
	}
	soft := len(rest) > 1 && strings.IndexByte("eiy", rest[1]) >= 0
	switch c := rest[0]; {
	case c == 'c' && soft, c == 'z':
		return "s", 1
	case c == 'c', c == 'q':
		return "k", 1
	case c == 'g' && soft:
		return "j", 1
	case c == 'g' && len(rest) > 2 && rest[1] == 'u' && strings.IndexByte("eiy", rest[2]) >= 0:
		return "g", 2
	case c == 'y':
		return "i", 1
	case c == 'w':
		return "v", 1
	case c == 'h':
		return "", 1
	}
	_, size := utf8.DecodeRuneInString(rest)
	return rest[:size], size
}

// nasal tells whether what follows a vowel makes it a nasal one: n or m, and no vowel or second n or m after it.
func nasal(after string) bool {
	if after == "" || after[0] != 'n' && after[0] != 'm' {
		return false
	}
	return len(after) == 1 || strings.IndexByte(vowels+"nmh", after[1]) < 0
}

// single writes two same letters once.
func single(w string) string {
	var b strings.Builder
	last := rune(-1)
	for _, r := range w {
		if r != last {
			b.WriteRune(r)
		}
		last = r
	}
	return b.String()
}
