package routing

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"guichet/routing/words"
)

// textLimit is how many characters of a text are read for words: what a message is about stands at its beginning.
const textLimit = 20_000

// Facts is what is known of a message when its department is decided.
type Facts struct {
	Channel  string // as the rules name it: email, sms, phone…
	Line     string // the mailbox or number it came through
	Fallback string // the department when no rule matches, or when the one that does names none
	Subject  string
	Text     string
	Sender   string // e-mail address or telephone number
}

// Rule sends messages to a department. Every condition that is filled in must hold. A word or phrase of Any, All and None is matched
// by its stems, in French and in English, in the subject and in the text; a phrase is its words one after the other.
type Rule struct {
	Code       string
	Position   int      // rules are tried in this order; the first that matches decides
	Any        []string // one of these suffices
	All        []string // all of these
	None       []string // none of these
	Channel    string
	Line       string
	Sender     string // a whole address, or "@domain"
	Department string
	Motive     string
	Priority   string
}

// Decision is where a message goes. Without a Rule it is the fallback.
type Decision struct {
	Department string
	Motive     string
	Priority   string
	Rule       string   // code of the rule that decided
	Words      []string // the words and phrases of that rule found in the message, as the rule spells them
}

// Book is a set of rules made ready for use. It never changes and may be shared.
type Book struct {
	rules   []compiledRule
	numbers map[string]int    // every key of every word in the rules, numbered
	starts  [1 << 10][]string // how a word must begin to have one of these keys, by slot
}

type compiledRule struct {
	Rule
	any, all, none []term
}

// term is a word or phrase of a rule: for each of its words, the numbers of the keys it may be found by.
type term struct {
	text  string
	words [][]int
}

// Compile makes rules ready for use. The error names every rule that cannot work, and why.
func Compile(rules []Rule) (*Book, error) {
	b := &Book{numbers: make(map[string]int)}
	var problems []error
	seen := make(map[string]bool)
	for _, rule := range rules {
		if seen[rule.Code] {
			problems = append(problems, fmt.Errorf("rule %q: there are two of this code", rule.Code))
		}
		seen[rule.Code] = true
		compiled, err := b.compile(rule)
		if err != nil {
			problems = append(problems, fmt.Errorf("rule %q: %w", rule.Code, err))
		}
		b.rules = append(b.rules, compiled)
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	slices.SortFunc(b.rules, func(x, y compiledRule) int {
		return cmp.Or(cmp.Compare(x.Position, y.Position), strings.Compare(x.Code, y.Code))
	})
	for key := range b.numbers {
		start := startOf(key)
		b.starts[slot(start)] = append(b.starts[slot(start)], start)
	}
	return b, nil
}

func (b *Book) compile(rule Rule) (compiledRule, error) {
	compiled := compiledRule{Rule: rule}
	if rule.Code == "" {
		return compiled, errors.New("it has no code")
	}
	if len(rule.Any)+len(rule.All)+len(rule.None) == 0 && rule.Channel == "" && rule.Line == "" && rule.Sender == "" {
		return compiled, errors.New("it has no condition and would take every message")
	}
	if rule.Department == "" && rule.Motive == "" && rule.Priority == "" {
		return compiled, errors.New("it has neither department nor motive nor priority to give")
	}
	var err error
	for _, list := range []struct {
		texts []string
		terms *[]term
	}{{rule.Any, &compiled.any}, {rule.All, &compiled.all}, {rule.None, &compiled.none}} {
		for _, text := range list.texts {
			t := b.term(text)
			if len(t.words) == 0 {
				err = errors.Join(err, fmt.Errorf("%q holds no word", text))
			}
			*list.terms = append(*list.terms, t)
		}
	}
	return compiled, err
}

func (b *Book) term(text string) term {
	t := term{text: text}
	for _, word := range words.Tokens(text) {
		var keys []int
		for _, key := range words.Keys(word) {
			number, known := b.numbers[key]
			if !known {
				number = len(b.numbers)
				b.numbers[key] = number
			}
			keys = append(keys, number)
		}
		t.words = append(t.words, keys)
	}
	return t
}

// Decide returns where a message goes: what the first rule that matches says, or the fallback. It depends on nothing but the rules
// and the facts.
func (b *Book) Decide(f Facts) Decision {
	text := b.read(f.Subject, f.Text)
	for i := range b.rules {
		rule := &b.rules[i]
		if !rule.fits(f) {
			continue
		}
		if found, ok := rule.find(text); ok {
			return Decision{
				Department: cmp.Or(rule.Department, f.Fallback),
				Motive:     rule.Motive,
				Priority:   rule.Priority,
				Rule:       rule.Code,
				Words:      found,
			}
		}
	}
	return Decision{Department: f.Fallback}
}

// fits checks the conditions that are not about words.
func (r *compiledRule) fits(f Facts) bool {
	return matches(r.Channel, f.Channel) && matches(r.Line, f.Line) && matchesSender(r.Sender, f.Sender)
}

func matches(want, got string) bool { return want == "" || strings.EqualFold(want, got) }

func matchesSender(want, got string) bool {
	if strings.HasPrefix(want, "@") {
		at := strings.LastIndexByte(got, '@')
		return at >= 0 && strings.EqualFold(want, got[at:])
	}
	return matches(want, got)
}

// find checks the conditions about words and returns those it found.
func (r *compiledRule) find(text positions) (found []string, ok bool) {
	for i := range r.none {
		if text.has(&r.none[i]) {
			return nil, false
		}
	}
	for i := range r.all {
		if !text.has(&r.all[i]) {
			return nil, false
		}
		found = append(found, r.all[i].text)
	}
	ok = len(r.any) == 0
	for i := range r.any {
		if text.has(&r.any[i]) {
			found, ok = append(found, r.any[i].text), true
		}
	}
	return found, ok
}

// positions says where in a message each key of the rules stands, by number of the key, in ascending order.
type positions [][]int

func (p positions) has(t *term) bool {
	for _, key := range t.words[0] {
		for _, at := range p[key] {
			if p.follow(t.words[1:], at+1) {
				return true
			}
		}
	}
	return false
}

// follow reports whether the rest of a phrase stands from position at on.
func (p positions) follow(rest [][]int, at int) bool {
	for i, keys := range rest {
		if !slices.ContainsFunc(keys, func(key int) bool {
			_, found := slices.BinarySearch(p[key], at+i)
			return found
		}) {
			return false
		}
	}
	return true
}

// read finds the words of the rules in a message. Stemming is what costs, so a word is stemmed once, and only if it begins like a
// word of the rules.
func (b *Book) read(subject, text string) positions {
	found := make(positions, len(b.numbers))
	known := make(map[string][]int)
	var buffer [64]byte
	at := 0
	for _, part := range []string{subject, truncate(text, textLimit)} {
		for word := range words.Split(part) {
			folded := words.AppendFold(buffer[:0], word)
			if b.begins(folded) {
				keys, ok := known[word]
				if !ok {
					keys = b.keys(word)
					known[word] = keys
				}
				for _, key := range keys {
					found[key] = append(found[key], at)
				}
			}
			at++
		}
		at++ // no phrase runs from the subject into the text
	}
	return found
}

// keys returns the numbers of those keys of a word that occur in the rules.
func (b *Book) keys(word string) []int {
	var numbers []int
	for _, key := range words.Keys(word) {
		if number, ok := b.numbers[key]; ok {
			numbers = append(numbers, number)
		}
	}
	return numbers
}

// begins reports whether a folded word begins as one of the rules' keys does.
func (b *Book) begins(folded []byte) bool {
	for _, start := range b.starts[slot(folded)] {
		if len(folded) >= len(start) && string(folded[:len(start)]) == start {
			return true
		}
	}
	return false
}

// startOf returns what a word with this key begins with: a stemmer cuts the end of a word off and rewrites at most the last two
// letters of what is left. Of three letters only a last i may be new (payer has the key pai).
func startOf(key string) string {
	if len(key) == 3 {
		return strings.TrimSuffix(key, "i")
	}
	return key[:min(len(key), max(3, len(key)-2))]
}

// slot is the place of a beginning in Book.starts, made of its first two letters. Two beginnings may share it.
func slot[T string | []byte](start T) int {
	switch len(start) {
	case 0:
		return 0
	case 1:
		return int(start[0]&31) << 5
	}
	return int(start[0]&31)<<5 | int(start[1]&31)
}

// truncate returns the first n characters of s.
func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
