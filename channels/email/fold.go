package email

import (
	"regexp"
	"strings"
)

// The ways mailers announce that what follows is somebody's earlier words.
var (
	introLine  = regexp.MustCompile(`(?i)^[\s\x{a0}>]*((le|on|am|el|il)[\s\x{a0}].*(a[\s\x{a0}]+écrit|wrote|schrieb.*|escribió|ha scritto)|en[\s\x{a0}].*escribió)[\s\x{a0}]*:?[\s\x{a0}]*$`)
	introStart = regexp.MustCompile(`(?i)^[\s\x{a0}]*(le|on|am|el|en|il)[\s\x{a0}].*(\d|<|@)`)
	ruleLine   = regexp.MustCompile(`(?i)^\s*-{2,}\s*(message d['’]origine|message initial|mail original|original message|ursprüngliche nachricht|mensaje original|messaggio originale)\s*-{2,}\s*$`)
	fromLine   = regexp.MustCompile(`(?i)^[\s*_]*(de|from|von|da)[\s\x{a0}*_]*:.*\S`)
	sentLine   = regexp.MustCompile(`(?i)^[\s*_]*(envoyé|envoyé le|sent|gesendet|date|enviado|inviato)[\s\x{a0}*_]*:.*\S`)
	toLine     = regexp.MustCompile(`(?i)^[\s*_]*(à|a|to|an|para|objet|subject|betreff|asunto|oggetto|cc)[\s\x{a0}*_]*:`)
	// Gmail, Thunderbird, Apple Mail, Outlook and the webmails of French providers.
	forwardLine = regexp.MustCompile(`(?i)^[\s*-]*(forwarded message|message transféré|message réexpédié|transferred message|weitergeleitete nachricht|mensaje reenviado|début du message (réexpédié|transféré)\s*:|begin forwarded message\s*:|anfang der weitergeleiteten nachricht\s*:|inicio del mensaje reenviado\s*:)[\s*-]*$`)
	deviceLine  = regexp.MustCompile(`(?i)^\s*(envoyé (de|depuis|à partir de|avec) |sent (from|with|via) (my|the|mobile|outlook|mail|yahoo|proton|samsung|galaxy|iphone|ipad)|von meinem .* gesendet|gesendet (von|mit) |enviado desde |get outlook for |obtenez outlook pour |télécharg(er|ez) outlook |provenance\s*: courrier|inviato da )`)
	orangeLine  = regexp.MustCompile(`(?i)^\s*>\s*message du \d`)
	underline   = regexp.MustCompile(`^\s*[_-]{10,}\s*$`)
)

// maxIntroLines is over how many lines mailers wrap "Le …, … a écrit :".
const maxIntroLines = 3

// maxFoldLines bounds the search: history that begins later than this is shown unfolded.
const maxFoldLines = 10000

// line is one line of a text and where it begins, in bytes.
type line struct {
	at   int
	text string
}

func linesOf(text string) []line {
	var lines []line
	for at := 0; at < len(text) && len(lines) < maxFoldLines; {
		end := strings.IndexByte(text[at:], '\n')
		if end < 0 {
			end = len(text) - at
		}
		lines = append(lines, line{at, strings.TrimRight(text[at:at+end], "\r")})
		at += end + 1
	}
	return lines
}

// fold returns the byte offset at which quoted history begins, or the signature before it, or 0 when there is nothing of the kind or
// nothing would be left to see. It never cuts: every library that does deletes somebody's words somewhere. A forwarded message is no
// history, it is what she sends us: nothing from its announcement on is folded, and nothing at all when the subject says so.
func fold(subject, text string) int {
	if isForward(subject) {
		return 0
	}
	lines := linesOf(text)
	answered := answeredAfter(lines)
	for i := range lines {
		if forwardAt(lines[i].text) {
			return 0
		}
		if at, ok := historyAt(lines, i, answered); ok {
			return visible(text, signatureBefore(lines, text, at))
		}
	}
	if len(lines) == maxFoldLines {
		return 0
	}
	at := visible(text, trailingQuote(lines, len(text)))
	if at == 0 {
		at = len(text)
	}
	if at = signatureBefore(lines, text, at); at == len(text) {
		return 0
	}
	return visible(text, at)
}

// maxSignatureLines is how long a signature may be; RFC 3676 4.3 hopes for four.
const maxSignatureLines = 15

// signatureBefore returns where the signature begins that ends at end, and end when there is none: after the line "-- ", or one of the
// lines telephones add. "Cordialement" and a name are words of hers.
func signatureBefore(lines []line, text string, end int) int {
	words := 0
	for i := len(lines) - 1; i >= 0; i-- {
		t := lines[i].text
		if lines[i].at >= end || strings.TrimSpace(t) == "" {
			continue
		}
		if t == "-- " || t == "--" && words > 0 || words == 0 && len(t) < 100 && deviceLine.MatchString(t) {
			return lines[i].at
		}
		if words++; words > maxSignatureLines || isQuote(t) {
			return end
		}
	}
	return end
}

// forwardRule stands above a message that came inside another.
const forwardRule = "---------- Forwarded message ----------"

// isForward reports whether the subject says that the mail hands on another, in the spellings of French, English, German, Spanish,
// Italian and Dutch clients.
func isForward(subject string) bool {
	word, _, ok := strings.Cut(subject, ":")
	if !ok {
		return false
	}
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "tr", "fwd", "fw", "wg", "rv", "i", "doorst", "réf tr":
		return true
	}
	return false
}

// forwardAt reports whether a line announces a message handed on.
func forwardAt(text string) bool {
	const longest = 200
	return len(text) > 0 && len(text) < longest && begins(text, "-", "d", "b", "a", "i", "m") && forwardLine.MatchString(text)
}

// historyAt reports whether quoted history begins at line i, and at which offset. answered is the last line after which the
// writer answers between quoted lines, see answeredAfter.
func historyAt(lines []line, i, answered int) (int, bool) {
	const longest = 400 // no announcement is longer; regular expressions need not see the line
	if len(lines[i].text) > longest || len(lines[i].text) == 0 {
		return 0, false
	}
	// Most lines are ruled out by a look at their beginning; the expressions are for the rest.
	if strings.HasPrefix(strings.TrimSpace(lines[i].text), "--") && ruleLine.MatchString(lines[i].text) {
		return lines[i].at, true
	}
	if orangeLine.MatchString(lines[i].text) && i+1 < len(lines) && fromLine.MatchString(strings.TrimLeft(lines[i+1].text, " >")) && i > answered {
		return lines[i].at, true
	}
	if begins(lines[i].text, "le", "on", "am", "el", "en", "il") {
		if n := introAt(lines, i); n > 0 && i+n > answered {
			return lines[i].at, true
		}
	}
	if begins(lines[i].text, "de", "from", "von", "da", "gesendet") && outlookAt(lines, i) {
		if i > 0 && underline.MatchString(lines[i-1].text) {
			i--
		}
		return lines[i].at, true
	}
	return 0, false
}

// begins reports whether a line begins with one of the words, whatever its case and marks before it.
func begins(text string, words ...string) bool {
	text = strings.TrimLeft(text, " \t\u00a0>*_")
	for _, word := range words {
		if len(text) > len(word) && strings.EqualFold(text[:len(word)], word) {
			return true
		}
	}
	return false
}

// saysWrote reports whether a line can end an announcement, before the expression is asked.
func saysWrote(text string) bool {
	for _, verb := range []string{"crit", "wrote", "schrieb", "escribi", "scritto"} {
		if strings.Contains(text, verb) {
			return true
		}
	}
	return false
}

// introAt returns over how many lines "Le …, … a écrit :" runs from line i on, 0 when it does not begin there.
func introAt(lines []line, i int) int {
	if !introStart.MatchString(lines[i].text) {
		return 0
	}
	if saysWrote(lines[i].text) && introLine.MatchString(lines[i].text) {
		return 1
	}
	joined := lines[i].text
	for n := 2; n <= maxIntroLines && i+n <= len(lines); n++ {
		next := strings.TrimSpace(lines[i+n-1].text)
		if next == "" || len(next) > 200 {
			return 0
		}
		if joined += " " + next; saysWrote(next) && introLine.MatchString(joined) {
			return n
		}
	}
	return 0
}

// answeredAfter returns the last quoted line that is followed by words of the writer, -1 when there is none. She answers between
// the lines there, and folding what comes before would hide her answer.
func answeredAfter(lines []line) int {
	words := false
	for i := len(lines) - 1; i >= 0; i-- {
		switch {
		case isQuote(lines[i].text):
			if words {
				return i
			}
		case strings.TrimSpace(lines[i].text) != "":
			words = true
		}
	}
	return -1
}

// outlookAt reports whether line i begins the block "De : … Envoyé : … À : … Objet : …".
func outlookAt(lines []line, i int) bool {
	// GMX writes "Gesendet: … Von: …", the others begin with the sender.
	from, sent, to := fromLine.MatchString(lines[i].text), sentLine.MatchString(lines[i].text), false
	if !from && !sent {
		return false
	}
	for n := 1; n <= 5 && i+n < len(lines); n++ {
		t := lines[i+n].text
		if len(t) > 2000 {
			return false
		}
		from = from || fromLine.MatchString(t)
		sent = sent || sentLine.MatchString(t)
		to = to || toLine.MatchString(t)
	}
	return from && sent && to
}

// trailingQuote returns where the block of ">" lines that ends the text begins; 0 when there is none.
func trailingQuote(lines []line, end int) int {
	if len(lines) == maxFoldLines {
		return 0
	}
	at := 0
	for i := len(lines) - 1; i >= 0; i-- {
		switch {
		case isQuote(lines[i].text):
			at = lines[i].at
		case strings.TrimSpace(lines[i].text) != "":
			return min(at, end)
		}
	}
	return 0
}

func isQuote(text string) bool { return strings.HasPrefix(strings.TrimLeft(text, " \t"), ">") }

// visible returns at if something stays to be read before it, and 0 otherwise.
func visible(text string, at int) int {
	if strings.TrimSpace(text[:at]) == "" {
		return 0
	}
	return at
}
