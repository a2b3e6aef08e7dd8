package ticketing

import (
	"slices"
	"strings"
)

// callSubjects are the texts that name a ticket by its call.
func callSubjects() []string {
	return []string{"call_taken", "call_made", "call_missed", "call_back", "call_voicemail"}
}

// callSubject names a ticket by its call, in its language.
func (s *Snapshot) callSubject(p Profile, language, code string, c Call) (string, error) {
	return s.subjectOf(language, code, c.Shown)
}

func (s *Snapshot) subjectOf(language, code, number string) (string, error) {
	_, words, err := s.Texts.Fill(language, TextData{Subject: number}, code)
	return clip(strings.TrimSpace(words), 200), wrap("subject", err)
}

// wroteSubject tells whether a ticket still has the name that one of its calls gave it, which says less than any that a person gives.
func (s *Snapshot) wroteSubject(p Profile, t Ticket, calls []Call, codes ...string) bool {
	if len(codes) == 0 {
		codes = callSubjects()
	}
	return slices.ContainsFunc(calls, func(c Call) bool {
		return slices.ContainsFunc(codes, func(code string) bool {
			words, err := s.callSubject(p, t.Language, code, c)
			return err == nil && words == t.Subject
		})
	})
}
